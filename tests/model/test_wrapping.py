"""Layers that hold tasks in the place of what they wrap, and what is asked of all of them."""

from typing import Any

import torch
from torch import nn

import piggygan as pg
from piggygan.layers.convolutions import PiggybackConv2d
from piggygan.layers.kernel_cache import KernelCache
from piggygan.layers.norms import TaskNorm
from piggygan.layers.per_task import PerTask, SharedFrozen
from piggygan.layers.selection import Selection
from piggygan.layers.tasks import Task
from piggygan.layers.ways.choice import CostModel
from piggygan.model.plan import Plan, plan
from piggygan.model.wrapping import Layer, make_layers, put_in_place
from tests.model.varied import SAID, varied


def made(generator: nn.Module, **arguments: Any) -> tuple[Plan, dict[str, Layer]]:
    planned = plan(generator, **arguments)
    return planned, make_layers(planned, "facades", Selection("facades"), CostModel(), KernelCache())


def test_each_treatment_has_its_layer_and_nothing_is_touched_before_they_are_put_in_place() -> None:
    generator = varied()
    before = dict(generator.named_modules())
    planned, layers = made(generator, **SAID)
    assert dict(generator.named_modules()) == before
    kinds = {path: type(layer) for path, layer in layers.items()}
    assert kinds == {
        "0": PiggybackConv2d,
        "1": PerTask,
        "2": PerTask,
        "3.1": SharedFrozen,
        "4": SharedFrozen,
        "5": SharedFrozen,
        "6": TaskNorm,
        "7": PiggybackConv2d,
    }
    assert put_in_place(generator, planned, layers) is generator
    assert {path: generator.get_submodule(path) for path in layers} == layers


def test_a_module_in_two_places_gives_way_in_both_and_a_root_is_replaced_by_its_layer() -> None:
    conv = nn.Conv2d(3, 3, 1)
    generator = nn.Sequential(conv, nn.ReLU(), nn.Sequential(conv))
    planned, layers = made(generator)
    put_in_place(generator, planned, layers)
    assert generator[0] is generator[2][0] is layers["0"]  # type: ignore[index]  # it is a Sequential
    root = nn.Conv2d(3, 3, 1)
    planned, layers = made(root)
    assert put_in_place(root, planned, layers) is layers[""]
    assert layers[""].stored("facades") is root


def test_what_is_shared_as_a_whole_keeps_what_is_inside_it() -> None:
    conv = nn.Conv2d(3, 3, 1)
    generator = nn.Sequential(conv, nn.Sequential(conv))
    planned, layers = made(generator, shared_frozen=["1"])
    put_in_place(generator, planned, layers)
    assert generator[0] is layers["0"]
    assert layers["1"].stored("facades")[0] is conv  # type: ignore[index]  # a Sequential


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
    assert loaded.describe_task("lungs") == Task("lungs", ("facades",), {"0": 0.5, "7": 0.25}, None, None, 0.25, True)
    x = torch.randn(2, 3, 8, 8)
    for task in model.tasks:
        assert loaded(x, task=task).numpy().tobytes() == model.eval()(x, task=task).numpy().tobytes()
    assert all(check.state == "equal" for check in registry.verify(generator=varied()))
