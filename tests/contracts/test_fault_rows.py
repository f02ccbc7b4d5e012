"""Faults D that cross modules: what arguments and models may do wrong, and that nothing is changed by it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from piggygan.errors import BankMismatchError, ConfigurationError, InputError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry
from piggygan.training import TrainingOptions


class Moody(nn.Module):
    """A user's generator that fails when it is told to, half way through."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1)
        self.fails = False

    def forward(self, images: Tensor) -> Tensor:
        features = self.norm(self.first(images))
        if self.fails:
            raise ZeroDivisionError("the user's own mistake")
        return self.last(features)  # type: ignore[no-any-return]


def state(model: MultiTaskGenerator, task: str) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in model.task_tensors(task).items()}


@pytest.fixture
def model() -> MultiTaskGenerator:
    torch.manual_seed(0)
    model = MultiTaskGenerator(Moody(), "facades")
    model.freeze_task("facades")
    return model


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_d03_a_share_outside_its_range_adds_no_task(model: MultiTaskGenerator, value: float) -> None:
    with pytest.raises(ConfigurationError):
        model.add_task("lungs", unconstrained_fraction=value)
    with pytest.raises(ConfigurationError):
        model.add_task("lungs", factor_step=-value if value > 0 else value)
    assert model.tasks == ("facades",)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_d03_a_learning_rate_that_cannot_be_meant_is_refused(rate: float) -> None:
    with pytest.raises(ConfigurationError, match="learning_rate"):
        TrainingOptions(epochs=1, learning_rate=rate)


@pytest.mark.parametrize("side", [12, 31])
def test_d03_an_image_that_the_network_cannot_halve_is_refused(side: int) -> None:
    model = MultiTaskGenerator(UNetGenerator(depth=3, width=4), "facades")
    with pytest.raises(InputError, match="multiple"):
        model(torch.zeros(1, 3, side, side), task="facades")


def test_d05_a_norm_in_two_places_counts_for_each_task_alone(model: MultiTaskGenerator) -> None:
    before = state(model, "facades")
    model.add_task("lungs")
    model.train()
    model(torch.rand(4, 3, 8, 8) + 5, task="lungs")
    assert state(model, "facades") == before
    assert model.task_tensors("lungs")["norm.running_mean"].abs().sum() > 0


def test_d10_half_precision_is_certified_as_such_and_belongs_to_no_bank_in_full(tmp_path: Path) -> None:
    generator = UNetGenerator(depth=2, width=4)
    full = MultiTaskGenerator(generator, "facades")
    full.freeze_task("facades")
    registry = TaskRegistry(tmp_path / "full")
    registry.commit(full, "facades")
    half = registry.load().to(torch.bfloat16)
    half.add_task("lungs")
    half.freeze_task("lungs")
    with pytest.raises(BankMismatchError, match="of another generator"):
        registry.commit(half, "lungs")
    own = TaskRegistry(tmp_path / "half")
    own.commit(half, "facades")
    assert own.describe("facades").networks["generator"].certificate.recipe.dtype == "bfloat16"


def test_d11_an_exception_in_the_users_code_leaves_every_task_as_it_was(model: MultiTaskGenerator) -> None:
    before = state(model, "facades")
    model.add_task("lungs")
    model.generator.fails = True
    with pytest.raises(ZeroDivisionError, match="the user's own mistake") as caught, model.using("lungs"):
        model(torch.zeros(1, 3, 8, 8))
    assert any(
        entry.name == "forward" and "Moody" in str(entry.frame.f_locals.get("self")) for entry in caught.traceback
    )
    assert model.active_task is None
    assert state(model, "facades") == before
    model.generator.fails = False
    assert model(torch.zeros(1, 3, 8, 8), task="lungs").shape == (1, 3, 8, 8)


def test_d11_an_exception_while_a_task_is_certified_commits_nothing(model: MultiTaskGenerator, tmp_path: Path) -> None:
    registry = TaskRegistry(tmp_path / "clinic")
    model.generator.fails = True
    with pytest.raises(ZeroDivisionError):
        registry.commit(model, "facades")
    assert not registry.folder.exists()
