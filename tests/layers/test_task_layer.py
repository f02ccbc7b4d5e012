"""What every layer of tasks has: fingerprints of what is frozen, and state dicts that say what they are of."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from piggygan.errors import InputError
from piggygan.layers.convolutions import PiggybackConv2d
from piggygan.layers.norms import TaskNorm
from piggygan.layers.task_layer import STATEMENT, TaskLayer


def convolution(*, base: int = 0, seed: int = 0, freeze: bool = True) -> PiggybackConv2d:
    torch.manual_seed(base)
    layer = PiggybackConv2d(nn.Conv2d(3, 8, 1), "base")
    layer.freeze_task("base")
    torch.manual_seed(seed)
    layer.add_task("new", init="normal")
    if freeze:
        layer.freeze_task("new")
    return layer


def norm() -> TaskNorm:
    layer = TaskNorm(nn.BatchNorm2d(4), "base")
    layer.freeze_task("base")
    layer.add_task("new", start_from="base")
    return layer


@pytest.mark.parametrize("layer", [convolution(), norm()], ids=["convolution", "norm"])
def test_a_frozen_task_that_moves_is_noticed_and_one_in_training_may(layer: TaskLayer) -> None:
    assert layer.moved("base") is None
    next(iter(layer.stored("base").buffers())).add_(1)
    assert layer.moved("base") == "has other values"
    layer.forget_fingerprint("base")
    assert layer.moved("base") is None


def test_a_cast_on_purpose_is_followed_and_one_that_loses_values_is_said() -> None:
    layer = convolution()
    layer.half()
    assert layer.moved("new") is None
    layer.float()  # the values are half precision's for ever
    assert layer.moved("new") == "has other values"
    other = convolution()
    other.conv.half()
    assert other.moved("base") == "is float16, was float32"


def test_apply_reaches_what_learns_and_passes_frozen_tensors_by() -> None:
    layer, seen = convolution(freeze=False), []
    layer.apply(seen.append)
    assert seen == [layer.stored("new")]
    layer.freeze_task("new")
    seen.clear()
    assert layer.apply(seen.append) is layer
    assert seen == []


def test_what_a_state_dict_says_is_checked_alike_whoever_asks() -> None:
    here, there = convolution(), convolution(base=1)
    said = here.said_of(["new"], there.state_dict(), "")
    assert said is not None
    assert said.keys() == {"base", "new"}
    with pytest.raises(InputError, match="at PiggybackConv2d: 'new' is made of another 'base' than it would have here"):
        here.check_statements({"new": said["new"]}, "")
    here.check_statements(said, "")  # with the base that it is made of


@pytest.mark.parametrize("tasks", [["new"], ["base"]])
def test_silence_is_enough_for_tasks_that_draw_on_nothing(tasks: list[str]) -> None:
    layer = convolution()
    state: dict[str, Any] = {name: tensor for name, tensor in layer.state_dict().items() if name != STATEMENT}
    if tasks == ["base"]:
        assert layer.said_of(tasks, state, "") is None
        return
    with pytest.raises(InputError, match=r"does not say what 'new' draws on at net\.0: net\.0\._extra_state"):
        layer.said_of(tasks, state, "net.0.")


def test_a_part_brings_the_tasks_that_it_has_tensors_of() -> None:
    layer = convolution()
    state = layer.state_dict(prefix="net.")
    assert layer.check_fits(state, "net.").keys() == {"base", "new"}
    part = {name: tensor for name, tensor in state.items() if "task_new" in name or name.endswith(STATEMENT)}
    assert layer.check_fits(part, "net.").keys() == {"new"}
    assert layer.check_fits({"other.weight": torch.zeros(1)}, "net.") == {}


def test_a_fingerprint_comes_along_with_the_tensors() -> None:
    here, there = convolution(seed=1), convolution(seed=2)
    state: dict[str, Tensor] = there.state_dict()
    here.load_state_dict(state)
    assert here.moved("new") is None
    assert here.statement("new") == there.statement("new")
