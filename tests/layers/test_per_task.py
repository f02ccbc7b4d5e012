"""Copies a task, and modules that all tasks share."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

import piggygan as pg
from piggygan.errors import TaskNotFoundError, TaskStateError
from piggygan.layers.per_task import PerTask, SharedFrozen


def test_a_copy_starts_as_the_old_one_and_goes_its_own_way() -> None:
    activation = PerTask(nn.PReLU(init=0.5), "facades")
    activation.freeze_task("facades")
    activation.add_task("lungs", start_from="facades")
    with torch.no_grad():
        activation.stored("lungs").get_parameter("weight").fill_(2.0)
    x = torch.tensor([-1.0, 1.0])
    assert activation(x).tolist() == [-0.5, 1.0]
    with activation.selection.using("lungs"):
        assert activation(x).tolist() == [-2.0, 1.0]
    assert not list(activation.stored("facades").parameters())


def test_a_copy_without_a_start_is_reset() -> None:
    activation = PerTask(nn.PReLU(init=0.5), "facades")
    with torch.no_grad():
        activation.stored("facades").get_parameter("weight").fill_(2.0)
    activation.freeze_task("facades")
    activation.add_task("lungs", start_from=None)
    assert activation.tensors("lungs")["weight"].item() == 0.5


def test_errors_name_the_task() -> None:
    activation = PerTask(nn.PReLU(), "facades")
    activation.freeze_task("facades")
    with pytest.raises(TaskStateError, match="'facades' is frozen"):
        activation.freeze_task("facades")
    with pytest.raises(TaskNotFoundError, match="'moon'"):
        activation.stored("moon")


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.gain * (x + y)


def test_a_module_can_take_more_than_one_tensor() -> None:
    module = PerTask(Two(), "facades")
    x = torch.ones(2, 1)
    assert module(x, x).tolist() == [[2.0], [2.0]]


def test_a_shared_module_freezes_with_the_base_task_and_stays() -> None:
    shared = SharedFrozen(nn.BatchNorm2d(2), "facades")
    shared(torch.randn(4, 2, 3, 3))
    shared.freeze_task("facades")
    before = {name: tensor.clone() for name, tensor in shared.tensors("facades").items()}
    shared.add_task("lungs", start_from=None)
    shared.train()(torch.randn(4, 2, 3, 3) * 9)
    assert all(torch.equal(tensor, before[name]) for name, tensor in shared.tensors("facades").items())
    assert shared.tensors("lungs") == {}
    assert {name for name, _ in shared.fold_task("lungs").named_parameters()} == {"weight", "bias"}


@pytest.mark.parametrize("said", ["per_task", "shared_frozen"])
def test_a_parametrized_convolution_can_be_copied_or_shared(said: str) -> None:
    torch.manual_seed(0)
    normed = parametrizations.weight_norm(nn.Conv2d(4, 4, 3, padding=1))
    generator = nn.Sequential(nn.Conv2d(3, 4, 1), normed, nn.Conv2d(4, 3, 1)).eval()
    x = torch.randn(1, 3, 6, 6)
    before = generator(x)
    model = pg.MultiTaskGenerator(generator, "facades", **{said: ["1"]})
    model.freeze_task("facades")
    assert torch.equal(model(x), before)
    model.add_task("lungs")
    optimizer = torch.optim.SGD(model.task_parameters("lungs"), lr=0.1)
    model.train()(x, task="lungs").square().sum().backward()
    optimizer.step()
    assert torch.equal(model.eval()(x, task="facades"), before)
    assert torch.equal(model.fold_task("lungs")(x), model(x, task="lungs"))
