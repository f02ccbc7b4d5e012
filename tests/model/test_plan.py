"""What would become of each module, before anything is touched."""

from typing import Any

import pytest
from torch import nn

import piggygan as pg
from piggygan.errors import ConfigurationError, UnsupportedModuleError
from tests.model.varied import SAID, Scale, varied


def test_a_plan_names_the_treatment_of_every_module() -> None:
    planned = pg.plan(varied(), **SAID)
    assert {entry.path: entry.treatment for entry in planned.modules} == {
        "0": "mixed",
        "1": "per_task",
        "2": "per_task",
        "3.1": "shared_frozen",
        "4": "shared_frozen",
        "5": "shared_frozen",
        "6": "per_task",
        "7": "mixed",
    }
    assert planned.output_layer == "7"
    assert "shared_frozen" in str(planned)


def test_a_plan_costs_what_a_task_then_costs() -> None:
    planned = pg.plan(varied(), unconstrained_fraction={"0": 0.5}, **SAID)
    model = pg.MultiTaskGenerator(varied(), "facades", **SAID)
    model.freeze_task("facades")
    model.add_task("lungs", unconstrained_fraction={"0": 0.5})
    lungs = model.overhead()["lungs"]
    assert {entry.path: entry.cost for entry in planned.modules} == {
        layer.path: layer.parameters for layer in lungs.layers
    }
    assert planned.share == pytest.approx(lungs.share)


def test_a_plan_lists_everything_that_stands_in_the_way_and_touches_nothing() -> None:
    generator = varied()
    before = dict(generator.named_modules())
    planned = pg.plan(generator)
    assert not planned.is_possible
    assert [text.split(" has ")[0] for text in planned.refusals] == ["2 (Scale)", "3.1 (Linear)"]
    with pytest.raises(UnsupportedModuleError, match=r"2 \(Scale\) has scale; 3.1 \(Linear\) has weight.*per_task="):
        pg.MultiTaskGenerator(generator, "facades")
    assert dict(generator.named_modules()) == before


def test_refusals_of_one_type_are_said_together_and_the_types_are_what_to_say() -> None:
    generator = nn.Sequential(nn.Conv2d(3, 8, 1), *(nn.Linear(8, 8) for _ in range(40)), Scale(), nn.Conv2d(8, 3, 1))
    planned = pg.plan(generator)
    assert planned.refusals == ("40 modules of type Linear have parameters, such as 1.weight", "41 (Scale) has scale")
    with pytest.raises(UnsupportedModuleError, match=r"per_task=\[Linear, Scale\]") as caught:
        pg.MultiTaskGenerator(generator, "facades")
    assert len(str(caught.value)) < 400
    assert planned.undecided == (nn.Linear, Scale)
    assert pg.plan(generator, per_task=planned.undecided).is_possible


@pytest.mark.parametrize(
    "arguments",
    [
        {"per_task": ["9.*"]},
        {"shared_frozen": [nn.Embedding]},
        {"include": ["nothing"]},
        {"per_task": [nn.Linear], "shared_frozen": ["3.1"]},
        {"output_layer": "6", **SAID},
        {"unconstrained_fraction": {"up.*": 0.5}, **SAID},
        {"unconstrained_fraction": {"0": 1.5}, **SAID},
    ],
)
def test_d03_a_choice_that_cannot_be_meant_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        pg.plan(varied(), **arguments)
