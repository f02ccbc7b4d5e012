"""Mixed, copied, shared or refused: module by module."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.model.patterns import Choices, Pattern
from piggygan.model.treatment import PlannedModule, treated
from tests.model.varied import SAID, Scale, varied


def treatments(generator: nn.Module, **chosen: Any) -> dict[str, str]:
    choices = Choices(generator, chosen.get("per_task", ()), chosen.get("shared_frozen", ()), chosen.get("include"))
    return {entry.path: entry.treatment for entry in treated(generator, choices)}


def reasons(generator: nn.Module, per_task: list[Pattern]) -> dict[str, str]:
    return {entry.path: entry.reason for entry in treated(generator, Choices(generator, per_task, (), None))}


def test_what_is_treated_as_a_whole_is_not_looked_into() -> None:
    attention = nn.MultiheadAttention(8, 2)
    generator = nn.Sequential(nn.Conv2d(3, 8, 1), attention, nn.Conv2d(8, 3, 1))
    assert treatments(generator, per_task=["1"]) == {"0": "mixed", "1": "per_task", "2": "mixed"}
    left = treatments(generator)
    assert left["1"] == "refused"
    assert "1.out_proj" not in left


def test_a_module_that_is_registered_twice_is_treated_once_by_its_first_path() -> None:
    conv = nn.Conv2d(3, 3, 1)
    assert treatments(nn.Sequential(conv, nn.ReLU(), nn.Sequential(conv))) == {"0": "mixed"}


def test_the_root_may_be_the_convolution_itself_and_modules_without_numbers_are_not_there() -> None:
    assert treatments(nn.Conv2d(3, 3, 1)) == {"": "mixed"}
    assert treatments(nn.Sequential(nn.ReLU(), nn.InstanceNorm2d(3), nn.Conv2d(3, 3, 1))) == {"2": "mixed"}


class Counted(nn.Sequential):
    """A container with a buffer of its own."""

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__(*parts)
        self.register_buffer("calls", torch.zeros(()))


def test_buffers_of_a_container_are_kept_and_cost_a_task_nothing() -> None:
    generator = Counted(nn.Conv2d(3, 3, 1))
    entry = next(treated(generator, Choices(generator, (), (), None)))
    assert (entry.path, entry.treatment, entry.parameters) == ("", "buffers", 0)
    assert treatments(generator) == {"": "buffers", "0": "mixed"}


class Bent(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).abs()


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (nn.LazyConv2d(3, 1), "is lazy"),
        (nn.BatchNorm2d(3, device="meta"), "is on the meta device"),
        (Bent(3, 3, 1), "forward"),
    ],
)
def test_what_cannot_be_treated_rightly_is_refused_with_the_reason(module: nn.Module, reason: str) -> None:
    generator = nn.Sequential(nn.Conv2d(3, 3, 1), module)
    assert treatments(generator)["1"] == "refused"
    assert reason in reasons(generator, [])["1"]


def test_a_module_that_is_named_is_refused_all_the_same_if_it_has_no_values_or_is_patched() -> None:
    generator = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Linear(3, 3, device="meta"), Scale())
    generator[2].forward = lambda x: x  # type: ignore[method-assign]  # which a copy would go on calling
    found = reasons(generator, [nn.Linear, Scale])
    assert "meta device" in found["1"]
    assert "forward put on this one instance" in found["2"]


def test_equality_of_planned_modules_is_of_what_is_said_of_them() -> None:
    one, other = (PlannedModule("0", nn.Conv2d(3, 3, 1), "mixed", "", 7) for _ in range(2))
    assert one == other
    assert "Conv2d" not in repr(one)


def test_copies_are_each_tasks_own_and_what_is_shared_never_moves() -> None:
    model = pg.MultiTaskGenerator(varied(), "facades", **SAID)
    model.freeze_task("facades")
    model.add_task("lungs")
    names = set(model.task_tensors("lungs"))
    assert {"1.weight", "2.scale"} <= names
    assert not any(name.startswith(("3", "4", "5")) for name in names)
    x = torch.randn(2, 3, 8, 8)
    before = model.eval()(x, task="facades")
    optimizer = torch.optim.SGD(model.task_parameters("lungs"), lr=0.1)
    model.train()(x, task="lungs").sum().backward()
    optimizer.step()
    assert torch.equal(model.eval()(x, task="facades"), before)
    assert not torch.equal(model(x, task="lungs"), before)
    folded = model.fold_task("lungs")
    assert torch.equal(folded(x), model(x, task="lungs"))
    assert set(folded.state_dict()) == set(varied().state_dict())


def test_only_included_convolutions_are_built_from_banks() -> None:
    model = pg.MultiTaskGenerator(varied(), "facades", include=["0", "7"], per_task=[Scale, nn.Linear])
    model.freeze_task("facades")
    model.add_task("lungs")
    assert "5.weight" in model.task_tensors("facades")
    assert not any(name.startswith("5") for name in model.task_tensors("lungs"))
