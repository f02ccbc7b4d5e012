"""Invariant 4: what a task costs is the closed form, for the networks that papers use."""

from pathlib import Path

import pytest
import torch
from torch import nn

import piggygan as pg
from piggygan.networks import ResNetGenerator, UNetGenerator


def closed_form(shapes: list[tuple[int, int, int]], fraction: float) -> int:
    """Sum c_in * k * k * u + n * (c_out - u) by hand; the last layer is wholly unconstrained, and so is one whose
    mixtures would cost more: no layer of a task costs more than the layer itself."""
    total = 0
    for number, (c_in, c_out, kernel) in enumerate(shapes):
        u = c_out if number == len(shapes) - 1 else -(-c_out * fraction // 1)
        total += min(int(c_in * kernel * kernel * u + c_out * (c_out - u)), c_in * kernel * kernel * c_out)
    return total


UNET_256 = [
    *[(3, 64, 4), (64, 128, 4), (128, 256, 4), (256, 512, 4), *[(512, 512, 4)] * 4],
    *[(512, 512, 4), *[(1024, 512, 4)] * 3, (1024, 256, 4), (512, 128, 4), (256, 64, 4), (128, 3, 4)],
]
RESNET_9 = [(3, 64, 7), (64, 128, 3), (128, 256, 3), *[(256, 256, 3)] * 18, (256, 128, 3), (128, 64, 3), (64, 3, 7)]


@pytest.mark.parametrize(
    ("network", "shapes", "published"), [("U-Net-256", UNET_256, 0.285), ("ResNet-9", RESNET_9, 0.335)]
)
def test_a_quarter_unconstrained_costs_the_published_share(
    network: str, shapes: list[tuple[int, int, int]], published: float
) -> None:
    generator = UNetGenerator(depth=8, width=64) if network == "U-Net-256" else ResNetGenerator(blocks=9, width=64)
    model = pg.MultiTaskGenerator(generator, "facades")
    model.freeze_task("facades")
    model.add_task("lungs", unconstrained_fraction={"*": 0.25}, max_bank=None)
    base, lungs = model.overhead().tasks
    assert base.filters == sum(c_in * c_out * kernel * kernel for c_in, c_out, kernel in shapes)
    assert lungs.filters + lungs.factors == closed_form(shapes, 0.25)
    assert (lungs.filters + lungs.factors) / base.filters == pytest.approx(published, abs=0.0006)


@pytest.mark.parametrize(("network", "limit"), [("U-Net", 0.30), ("ResNet", 0.36)])
def test_later_tasks_stay_under_the_limit_too(network: str, limit: float) -> None:
    """A bank that grew with every task would cost each one more than the last."""
    generator = UNetGenerator(depth=7, width=32) if network == "U-Net" else ResNetGenerator(blocks=6, width=64)
    model = pg.MultiTaskGenerator(generator, "task1")
    for number in range(2, 6):
        model.freeze_task(f"task{number - 1}")
        model.add_task(f"task{number}")
    assert max(task.share for task in model.overhead().tasks[1:]) <= limit


def test_counts_agree_with_the_parameters_there_are() -> None:
    model = pg.MultiTaskGenerator(UNetGenerator(depth=5, width=4), "facades")
    assert model.overhead()["facades"].parameters == sum(p.numel() for p in model.parameters())
    model.freeze_task("facades")
    model.add_task("lungs")
    lungs = model.overhead()["lungs"]
    assert lungs.parameters == sum(p.numel() for p in model.task_parameters("lungs"))
    assert lungs.size == sum(t.nbytes for t in model.task_tensors("lungs").values())
    assert not any(isinstance(t, torch.nn.Parameter) for t in model.task_tensors("lungs").values())


def squeezing() -> nn.Module:
    """As EfficientNet and ConvNeXt have them: few channels become many, and few again."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.Conv2d(4, 96, 1),
        nn.Conv2d(96, 96, 3, padding=1, groups=96),
        nn.Conv2d(96, 4, 1),
        nn.Conv2d(4, 3, 1),
    )


@pytest.mark.parametrize("fraction", [0.25, {"*": 0.25}, 0.0])
@pytest.mark.parametrize("max_bank", [1.25, None])
def test_no_layer_of_a_task_costs_more_than_the_layer_itself(
    fraction: float | dict[str, float], max_bank: float | None, tmp_path: Path
) -> None:
    planned = pg.plan(squeezing(), unconstrained_fraction=fraction, max_bank=max_bank)
    assert [entry.is_own for entry in planned.modules][1]
    assert "mixed, all own" in str(planned)
    model = pg.MultiTaskGenerator(squeezing(), "facades")
    model.freeze_task("facades")
    registry = pg.TaskRegistry(tmp_path)
    registry.commit(model, "facades")
    for task in ("one", "two", "three"):
        model.add_task(task, unconstrained_fraction=fraction, max_bank=max_bank)
        model.freeze_task(task)
        registry.commit(model, task)
    overhead = model.overhead()
    assert {layer.path: layer.parameters for layer in overhead["one"].layers} == {
        entry.path: entry.cost for entry in planned.modules
    }
    for task in overhead.tasks:
        assert all(layer.parameters <= layer.effective for layer in task.layers)
    x = torch.rand(1, 3, 8, 8)
    assert torch.equal(registry.load(generator=squeezing())(x, task="three"), model.eval()(x, task="three"))


def test_shares_that_were_settled_once_stay_in_a_registry() -> None:
    model = pg.MultiTaskGenerator(squeezing(), "facades")
    model.freeze_task("facades")
    model.add_task("as_stored", unconstrained_fraction={"*": 0.25}, init="empty")
    assert "1.factors" in model.task_tensors("as_stored")
