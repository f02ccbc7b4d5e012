"""All of a state dict is looked at before any of it is loaded."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import piggygan as pg
from piggygan.errors import InputError
from piggygan.model.state_dicts import check_state_dict
from tests.model.small import everything, two_tasks

State = dict[str, Any]


def doubled() -> State:
    """A state of the same model with other numbers."""
    return {name: tensor * 2 if "bias" in name else tensor for name, tensor in two_tasks().state_dict().items()}


CHANGES: dict[str, tuple[Callable[[State], object], str]] = {
    "missing": (lambda s: s.pop("generator.5.conv.bias"), r"generator\.5\.conv\.bias is missing"),
    "unknown": (lambda s: s.update(other=torch.zeros(1)), "other is not known"),
    "shape": (lambda s: s.update({"generator.5.conv.bias": torch.zeros(2)}), r"is \(2,\), needed \(3,\)"),
    "no tensor": (lambda s: s.update({"generator.5.conv.bias": "text"}), r"is a str, needed \(3,\)"),
    "unprintable": (lambda s: s.update({"a\x1b[2J": torch.zeros(1)}), r"a\\x1b\[2J is not known"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_what_does_not_fit_is_named_and_nothing_of_it_loaded(kind: str) -> None:
    model, state = two_tasks(), doubled()
    before = everything(model)
    change, message = CHANGES[kind]
    change(state)
    with pytest.raises(InputError, match=message):
        model.load_state_dict(state)
    assert everything(model) == before


def test_of_several_differences_the_first_is_named_and_all_are_counted() -> None:
    state = doubled()
    state.update(b=torch.zeros(1), a=torch.zeros(1))
    with pytest.raises(InputError, match=r"^this state dict is of another model: a is not known \(of 2 differences\)"):
        two_tasks().load_state_dict(state)


def test_a_part_of_another_form_is_refused_though_names_may_differ() -> None:
    model, before = two_tasks(), everything(two_tasks())
    with pytest.raises(InputError, match="needed"):
        model.load_state_dict({"generator.5.conv.bias": torch.zeros(2)}, strict=False)
    assert everything(model) == before


class Whole(nn.Module):
    """A user's module that a model is a part of."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 2)
        self.model = two_tasks()


def test_a_model_inside_another_module_is_looked_at_under_its_own_prefix() -> None:
    whole = Whole()
    state = whole.state_dict()
    check_state_dict(whole.model, state, "model.", strict=True)
    whole.load_state_dict(state)
    before = everything(whole.model)
    state["model.generator.5.conv.bias"] = torch.zeros(2)
    with pytest.raises(InputError, match=r"model\.generator\.5\.conv\.bias is \(2,\)"):
        whole.load_state_dict(state)
    assert everything(whole.model) == before


def test_types_may_differ_as_they_may_in_torch() -> None:
    model = two_tasks()
    state = {name: tensor.double() if "5.conv" in name else tensor for name, tensor in doubled().items()}
    model.load_state_dict(state)
    assert isinstance(model, pg.MultiTaskGenerator)
    assert model.task_tensors("facades")["5.bias"].tolist() == pytest.approx(state["generator.5.conv.bias"].tolist())
