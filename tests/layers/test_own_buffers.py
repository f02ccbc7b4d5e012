"""Buffers of modules that hold others are stored, frozen and guarded."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.errors import InputError, TaskStateError
from piggygan.files.digests import tensors_digest
from piggygan.registry.rebuilding import rebuild_base


class Centred(nn.Module):
    """A root with a constant, as many networks keep the mean of their data set."""

    def __init__(self, mean: float = 0.5) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((3, 1, 1), mean))
        self.register_buffer("made_anew", torch.ones(1), persistent=False)
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x - self.get_buffer("mean"))


class Block(nn.Module):
    """Keeps a running statistic of its own, in place or by putting another tensor there."""

    def __init__(self, *, in_place: bool) -> None:
        super().__init__()
        self.in_place = in_place
        self.register_buffer("running", torch.zeros(1))
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            if self.in_place:
                self.running.lerp_(x.detach().mean(), 0.5)
            else:
                self.running = self.running + x.detach().mean()
        return self.conv(x - self.running)


def centred(mean: float = 0.5) -> nn.Module:
    torch.manual_seed(0)
    return Centred(mean)


def blocked(*, in_place: bool) -> pg.MultiTaskGenerator:
    torch.manual_seed(0)
    return pg.MultiTaskGenerator(nn.Sequential(Block(in_place=in_place), nn.Conv2d(3, 3, 1)), "facades")


X = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def test_a_plan_names_them() -> None:
    planned = pg.plan(centred())
    assert (planned.modules[0].path, planned.modules[0].treatment, planned.modules[0].cost) == ("", "buffers", 0)
    assert "(the generator)" in str(planned)


def test_a_roots_buffer_is_the_base_tasks_and_comes_back_from_a_registry(tmp_path: Path) -> None:
    model = pg.MultiTaskGenerator(centred(), "facades")
    assert torch.equal(model.task_tensors("facades")["mean"], torch.full((3, 1, 1), 0.5))
    assert "made_anew" not in model.task_tensors("facades")
    model.freeze_task("facades")
    model.add_task("lungs")
    assert "mean" not in model.task_tensors("lungs")
    model.freeze_task("lungs")
    registry = pg.TaskRegistry(tmp_path)
    for task in model.tasks:
        registry.commit(model, task)
    loaded = registry.load(generator=centred(mean=9.0))
    for task in model.tasks:
        assert torch.equal(loaded(X, task=task), model.eval()(X, task=task))
        assert torch.equal(loaded.fold_task(task)(X), model(X, task=task))
    assert all(check.state == "equal" for check in registry.verify(generator=centred(mean=9.0)))


def test_a_registry_that_has_none_of_them_loads_as_it_did() -> None:
    stored = pg.MultiTaskGenerator(centred(), "facades").task_tensors("facades")
    former = {name: tensor for name, tensor in stored.items() if name != "mean"}
    wrapping = pg.MultiTaskGenerator(centred(), "facades").wrapping
    model = rebuild_base(centred(mean=0.25), "facades", wrapping, former)
    assert tensors_digest(model.task_tensors("facades")) == tensors_digest(former)
    assert model.generator.get_buffer("mean").max() == 0.25


@pytest.mark.parametrize("in_place", [True, False])
def test_a_running_statistic_moves_while_the_base_task_is_learned_and_never_after(in_place: bool) -> None:
    model = blocked(in_place=in_place)
    model.train()(X)
    assert model.task_tensors("facades")["0.running"] > 0
    model.freeze_task("facades")
    model.add_task("lungs")
    before = model.eval()(X, task="facades")
    running = model.task_tensors("facades")["0.running"].clone()
    for _ in range(2):
        with pytest.raises(TaskStateError, match=r"0\.running moved in this call.*per_task=\['0'\]"):
            model.train()(X, task="lungs")
    assert torch.equal(model.task_tensors("facades")["0.running"], running)
    assert model.eval()(X, task="facades").detach().numpy().tobytes() == before.detach().numpy().tobytes()
    copied = pg.MultiTaskGenerator(
        nn.Sequential(Block(in_place=in_place), nn.Conv2d(3, 3, 1)), "facades", per_task=["0"]
    )
    copied.freeze_task("facades")
    copied.add_task("lungs")
    copied.train()(X, task="lungs")  # the way out that the message names


def test_a_model_that_is_moved_copied_or_in_inference_mode_is_not_taken_for_one_that_moves() -> None:
    model = blocked(in_place=True).eval()
    model.freeze_task("facades")
    expected = model(X)
    with torch.inference_mode():
        assert torch.equal(model.double().float()(X), expected)
        assert torch.equal(model(X), expected)
    assert torch.equal(copy.deepcopy(model)(X), expected)
    with torch.inference_mode(), pytest.raises(TaskStateError, match="running moved"):
        model.train()(X)
    assert torch.equal(model.eval()(X), expected)


def test_an_error_of_the_generators_own_comes_first_and_the_buffer_is_put_back() -> None:
    model = blocked(in_place=True)
    model.freeze_task("facades")
    with pytest.raises(InputError, match="4, 8, 8"):
        model.train()(torch.rand(2, 4, 8, 8))
    assert model.task_tensors("facades")["0.running"] == 0
