"""A new task: how much of it is its own, what it starts as, and all of it or nothing."""

import pytest
import torch
from torch import nn

import piggygan as pg
from piggygan.errors import (
    UnsupportedModuleError,
)
from piggygan.layers.convolutions import PiggybackConv2d
from piggygan.model.adding import new_parts, shares_of_layers
from tests.model.small import everything, two_tasks


def test_the_output_layer_is_wholly_unconstrained_unless_asked() -> None:
    model = two_tasks()
    model.add_task("hearts", output_layer_unconstrained=False, unconstrained_fraction={"*": 0.25})
    assert "5.factors" not in model.task_tensors("lungs")
    assert "5.factors" in model.task_tensors("hearts")


def test_a_task_starts_from_the_last_that_it_can_or_from_the_one_that_is_named() -> None:
    model = two_tasks().eval()
    for parameter in model.task_parameters("lungs"):
        nn.init.normal_(parameter)
    model.remove_task("lungs")
    model.add_task("windows", init="normal")
    model.freeze_task("windows")
    x = torch.randn(1, 3, 8, 8)
    model.add_task("last", max_bank=None)
    model.add_task("named", start_from="facades", max_bank=None)
    model.add_task("narrow", draws_on=["facades"], max_bank=None)
    torch.testing.assert_close(model(x, task="last"), model(x, task="windows"))
    for task in ("named", "narrow"):
        assert torch.equal(model(x, task=task), model(x, task="facades"))


class NotCopied(nn.Linear):
    """A module of a user's own that stops every copy."""

    def __deepcopy__(self, memo: dict[int, object]) -> "NotCopied":
        raise TypeError("cannot pickle '_thread.lock' object")


def test_a_refused_module_without_copies_leaves_the_model_as_it_was() -> None:
    generator = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), NotCopied(8, 8), nn.Conv2d(4, 3, 1))
    model = pg.MultiTaskGenerator(generator, "facades", per_task=[NotCopied])
    model.freeze_task("facades")
    for _ in range(2):  # the second time it would be half there
        with pytest.raises(UnsupportedModuleError, match=r"NotCopied cannot be copied for a new task \(cannot pickle"):
            model.add_task("lungs")
        assert model.tasks == ("facades",)
        assert all(layer.tasks == ("facades",) for layer in model.layers.values() if hasattr(layer, "tasks"))


def test_tasks_that_learned_nothing_but_zeros_can_be_drawn_on() -> None:
    model = pg.MultiTaskGenerator(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 3, 1)), "one")
    for name in ("two", "three", "four", "five"):
        with torch.no_grad():
            for tensor in model.task_tensors(model.tasks[-1]).values():
                tensor.zero_()
            for parameter in model.task_parameters(model.tasks[-1]):
                parameter.zero_()
        model.freeze_task(model.tasks[-1])
        model.add_task(name)
    assert model.eval()(torch.rand(1, 3, 8, 8), task="five").abs().max() == 0


def convolutions(generator: nn.Module) -> dict[str, PiggybackConv2d]:
    layers = pg.MultiTaskGenerator(generator, "facades").layers
    return {path: layer for path, layer in layers.items() if isinstance(layer, PiggybackConv2d)}


def test_a_layer_whose_mixtures_cost_more_is_wholly_own_but_shares_that_are_settled_stay() -> None:
    layers = convolutions(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 96, 1), nn.Conv2d(96, 3, 1)))
    weighed = shares_of_layers(layers, {"*": 0.25}, ("facades",), 1.25, are_settled=False)
    assert weighed == {"0": 0.25, "1": 1.0, "2": 0.25}
    assert shares_of_layers(layers, {"*": 0.25}, ("facades",), 1.25, are_settled=True) == dict.fromkeys("012", 0.25)


def test_parts_are_made_before_any_is_added() -> None:
    model = two_tasks()
    added = pg.Task("hearts", ("facades",), max_bank=1.25)
    before = everything(model)
    parts = new_parts(
        added, model.layers, model.wrapping, fractions=dict.fromkeys("035", 0.5), start_from="facades", init="warm"
    )
    assert everything(model) == before
    assert len(parts) == 4  # three convolutions and a norm
    for add in parts:
        add()
    assert {name.split(".")[0] for name in everything(model).keys() - before.keys()} == {"generator"}
    assert all("hearts" in layer.tasks for layer in model.layers.values())


def test_channels_of_its_own_are_at_the_ends_alone_and_make_those_layers_its_own() -> None:
    model = two_tasks()
    model.add_task("grey", in_channels=1, out_channels=2)
    shapes = {name: tuple(tensor.shape) for name, tensor in model.task_tensors("grey").items()}
    assert shapes["0.unconstrained"] == (8, 1, 3, 3)
    assert shapes["5.unconstrained"] == (2, 8, 1, 1)
    assert "0.factors" not in shapes
    assert "3.factors" in shapes


def test_fresh_copies_are_made_where_nothing_is_taken_over() -> None:
    model = pg.MultiTaskGenerator(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1)), "facades")
    nn.init.constant_(model.task_parameters("facades")[2], 5.0)  # the norm's scale
    model.freeze_task("facades")
    for init, scale in (("warm", 5.0), ("fresh", 5.0), ("normal", 1.0)):
        model.add_task(init, init=init)  # type: ignore[arg-type]  # a str in the loop
        assert model.task_tensors(init)["1.weight"].unique().tolist() == [scale]
