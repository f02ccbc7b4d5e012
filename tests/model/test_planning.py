"""What would become of each module, before anything is touched."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.errors import ConfigurationError, UnsupportedModuleError
from piggygan.layers.tasks import Task
from piggygan.model.allocation import layer_fractions


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), 2.0))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class Blur(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.full((1, 1, 3, 3), 1 / 9))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.conv2d(
            x, self.get_buffer("weight").expand(x.shape[1], 1, 3, 3), padding=1, groups=x.shape[1]
        )


def varied() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.PReLU(8),
        Scale(),
        nn.Sequential(nn.Flatten(2), nn.Linear(64, 64), nn.Unflatten(2, (8, 8))),
        Blur(),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 3, 1),
    )


SAID: dict[str, Any] = {"per_task": [Scale], "shared_frozen": ["3.*", "5"]}


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


def test_a_varied_generator_comes_back_from_a_registry(tmp_path: Any) -> None:
    model = pg.MultiTaskGenerator(varied(), "facades", **SAID)
    model.freeze_task("facades")
    model.add_task("lungs", unconstrained_fraction={"0": 0.5})
    model.freeze_task("lungs")
    registry = pg.TaskRegistry(tmp_path)
    for task in model.tasks:
        registry.commit(model, task, probe=torch.randn(1, 3, 8, 8))
    loaded = registry.load(generator=varied())
    assert loaded.wrapping == model.wrapping
    assert loaded.describe_task("lungs") == Task("lungs", ("facades",), {"0": 0.5, "7": 0.25}, None, None, 1.25, True)
    x = torch.randn(2, 3, 8, 8)
    for task in model.tasks:
        assert loaded(x, task=task).numpy().tobytes() == model.eval()(x, task=task).numpy().tobytes()
    assert all(check.state == "equal" for check in registry.verify(generator=varied()))


def test_the_first_pattern_that_matches_counts() -> None:
    fractions = layer_fractions({"down.0": 0.0, "down.*": 1.0}, ["down.0", "down.1", "up"])
    assert fractions == {"down.0": 0.0, "down.1": 1.0, "up": 0.25}
