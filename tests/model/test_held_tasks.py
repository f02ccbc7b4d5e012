"""What a model says of its tasks."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

import piggygan as pg
from piggygan.errors import (
    FrozenTaskError,
    TaskInUseError,
    TaskNotFoundError,
)
from tests.model.small import two_tasks


def test_task_parameters_are_exactly_what_a_task_trains() -> None:
    model = two_tasks()
    parameters = model.task_parameters("lungs")
    assert {id(p) for p in parameters} == {id(p) for p in model.parameters()}
    assert sum(p.numel() for p in parameters) == model.overhead()["lungs"].parameters


def test_several_tasks_can_be_in_training_at_once() -> None:
    model = two_tasks()
    model.add_task("hearts")
    lungs, hearts = ({id(p) for p in model.task_parameters(task)} for task in ("lungs", "hearts"))
    assert lungs
    assert hearts
    assert not lungs & hearts
    assert model.describe_task("hearts").draws_on == ("facades",)


def test_a_task_that_others_draw_on_is_not_removed() -> None:
    model = two_tasks()
    model.freeze_task("lungs")
    model.add_task("hearts")
    model.add_task("doors", draws_on=["facades"])
    with pytest.raises(TaskInUseError, match="hearts draw on 'lungs'"):
        model.remove_task("lungs")
    model.remove_task("hearts")
    model.remove_task("lungs")
    assert model.tasks == ("facades", "doors")
    assert model(torch.zeros(1, 3, 8, 8), task="doors").shape == (1, 3, 16, 16)


def test_what_there_is_is_said_in_order_and_cannot_be_written_into() -> None:
    model = two_tasks()
    assert (model.tasks, model.base_task, model.spatial_axes) == (("facades", "lungs"), "facades", 2)
    assert list(model.layers) == ["0", "1", "3", "5"]
    model.layers.clear()
    assert list(model.layers) == ["0", "1", "3", "5"]
    assert (model.wrapping.input_layer, model.wrapping.output_layer) == ("0", "5")
    assert all(getattr(layer, "costs", model.costs) is model.costs for layer in model.layers.values())
    assert all(getattr(layer, "cache", model.kernel_cache) is model.kernel_cache for layer in model.layers.values())


def test_input_channels_are_the_tasks_own_or_the_base_tasks() -> None:
    model = two_tasks()
    model.add_task("grey", in_channels=1)
    assert [model.input_channels(task) for task in model.tasks] == [3, 3, 1]
    with pytest.raises(TaskNotFoundError, match="did you mean 'lungs'"):
        model.input_channels("lung")


@pytest.mark.parametrize(
    "ask",
    [
        lambda m: m.describe_task("hearts"),
        lambda m: m.task_tensors("hearts"),
        lambda m: m.task_parameters("hearts"),
        lambda m: m.parameter_groups("hearts", 0.1),
        lambda m: m.load_task_tensors("hearts", {}),
        lambda m: m.check_unused("hearts"),
    ],
)
def test_a_task_that_there_is_none_of_is_refused_with_those_there_are(
    ask: Callable[[pg.MultiTaskGenerator], object],
) -> None:
    with pytest.raises(TaskNotFoundError, match="there is no task 'hearts': there are facades, lungs"):
        ask(two_tasks())


def test_only_frozen_tasks_are_compared_with_what_they_were() -> None:
    model = two_tasks()
    nn.init.ones_(model.task_parameters("lungs")[0])  # in training it may move
    model.check_frozen()
    model.task_tensors("facades")["3.bias"].add_(1.0)
    with pytest.raises(FrozenTaskError, match=r"'facades' at 3 has other values\. Load them anew"):
        model.check_frozen()
