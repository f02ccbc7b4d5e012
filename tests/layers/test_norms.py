"""One copy of a norm layer a task."""

from typing import Any

import pytest
import torch
from torch import nn

from piggygan.errors import TaskNotFoundError, TaskStateError
from piggygan.layers.norms import TaskNorm

NORMS: dict[str, Any] = {
    "batch": lambda: nn.BatchNorm2d(4),
    "batch, not affine": lambda: nn.BatchNorm2d(4, affine=False),
    "batch, without statistics": lambda: nn.BatchNorm2d(4, track_running_stats=False),
    "instance": lambda: nn.InstanceNorm2d(4, affine=True),
    "instance with statistics": lambda: nn.InstanceNorm2d(4, affine=True, track_running_stats=True),
    "group": lambda: nn.GroupNorm(2, 4),
    "layer": lambda: nn.LayerNorm([4, 6, 6]),
}
each_norm = pytest.mark.parametrize("kind", NORMS)


def trained(norm: nn.Module) -> nn.Module:
    """Give a norm layer values of its own."""
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    for _ in range(3):
        norm(torch.randn(3, 4, 6, 6) * 2 + 1)
    return norm


def stored(norm: TaskNorm, task: str) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in norm.tensors(task).items()}


@each_norm
def test_a_new_task_starts_with_the_old_tasks_scale_and_statistics(kind: str) -> None:
    norm = TaskNorm(trained(NORMS[kind]()), "facades")
    norm.freeze_task("facades")
    norm.add_task("lungs", start_from="facades")
    assert stored(norm, "lungs") == stored(norm, "facades")
    assert {name for name, _ in norm.stored("lungs").named_parameters()} == set(norm.parameter_names)


@each_norm
def test_a_frozen_task_does_not_move_in_train_mode(kind: str) -> None:
    norm = TaskNorm(trained(NORMS[kind]()), "facades")
    norm.freeze_task("facades")
    norm.add_task("lungs", start_from="facades")
    x = torch.randn(3, 4, 6, 6)
    before, output = stored(norm, "facades"), norm.eval()(x)
    norm.train()
    assert torch.equal(norm(x), output)
    with norm.selection.using("lungs"):
        norm(x * 5)
    assert stored(norm, "facades") == before
    assert not [name for name, _ in norm.stored("facades").named_parameters()]


def test_a_task_in_training_moves_its_own_statistics() -> None:
    norm = TaskNorm(trained(nn.BatchNorm2d(4)), "facades")
    norm.freeze_task("facades")
    norm.add_task("lungs", start_from="facades")
    before = stored(norm, "lungs")
    with norm.selection.using("lungs"):
        norm(torch.randn(3, 4, 6, 6) * 5)
    assert stored(norm, "lungs") != before


def test_without_a_start_the_layer_is_as_new() -> None:
    norm = TaskNorm(trained(nn.BatchNorm2d(4)), "facades")
    norm.freeze_task("facades")
    norm.add_task("lungs", start_from=None)
    fresh = nn.BatchNorm2d(4).state_dict()
    assert all(torch.equal(tensor, fresh[name]) for name, tensor in norm.tensors("lungs").items())


@each_norm
def test_a_folded_norm_is_an_ordinary_layer(kind: str) -> None:
    bare = NORMS[kind]()
    keys, parameters = list(bare.state_dict()), [name for name, _ in bare.named_parameters()]
    norm = TaskNorm(trained(bare), "facades")
    norm.freeze_task("facades")
    folded = norm.eval().fold_task("facades")
    x = torch.randn(3, 4, 6, 6)
    assert type(folded) is type(bare)
    assert sorted(folded.state_dict()) == sorted(keys)
    assert [name for name, _ in folded.named_parameters()] == parameters
    assert torch.equal(folded(x), norm(x))


def test_freezing_twice_and_unknown_tasks_are_refused() -> None:
    norm = TaskNorm(nn.BatchNorm2d(4), "facades")
    norm.freeze_task("facades")
    with pytest.raises(TaskStateError):
        norm.freeze_task("facades")
    with pytest.raises(TaskNotFoundError):
        norm.freeze_task("lungs")


def test_a_removed_task_is_gone() -> None:
    norm = TaskNorm(nn.BatchNorm2d(4), "facades")
    norm.freeze_task("facades")
    norm.add_task("lungs", start_from="facades")
    norm.remove_task("lungs")
    assert norm.tasks == ("facades",)
