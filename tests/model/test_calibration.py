"""Calibration times every layer, and leaves all else as it was."""

import pytest
import torch

import piggygan as pg
from piggygan.errors import TaskStateError
from piggygan.layers.ways.choice import possible_ways


@pytest.fixture
def model() -> pg.MultiTaskGenerator:
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=3, width=4, norm="batch", dropout=True), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", unconstrained_fraction={"*": 0.25})
    return model.eval()


def test_calibration_measures_every_layer_and_changes_nothing_else(model: pg.MultiTaskGenerator) -> None:
    before = {name: tensor.numpy().tobytes() for name, tensor in model.state_dict().items()}
    images, random = torch.rand(2, 3, 16, 16), torch.get_rng_state()
    model.task_parameters("lungs")[0].grad = kept = torch.ones_like(model.task_parameters("lungs")[0])
    found = pg.calibrate(model, images, "lungs")
    composing = [layer for layer in model.layers if f"{layer}.factors" in model.task_tensors("lungs")]
    assert len(found) == len(composing) == 5
    assert all(way in possible_ways(call) for call, way in found.items())
    assert model.costs.measured == found
    assert {name: tensor.numpy().tobytes() for name, tensor in model.state_dict().items()} == before
    assert torch.equal(torch.get_rng_state(), random)
    assert model.task_parameters("lungs")[0].grad is kept
    assert not model.training
    assert pg.calibrate(model, images, "lungs") == {}


def stored_bytes(model: pg.MultiTaskGenerator) -> dict[str, bytes]:
    """Return what is in memory, not what it stands for."""
    stored = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {name: tensor.detach().numpy().tobytes() for name, tensor in stored.items()}


@pytest.mark.parametrize("factor_step", [1.0, 10.0, 3e4])
def test_calibration_gives_every_byte_mode_and_gradient_back(factor_step: float) -> None:
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=3, width=4, norm="batch"), "facades")
    model.freeze_task("facades")
    for task in ("lungs", "hearts"):  # two may be in training at once
        model.add_task(task, factor_step=factor_step)
    for parameter in model.task_parameters("hearts"):
        parameter.grad = torch.ones_like(parameter)
    model.train()
    next(iter(model.layers.values())).eval()  # modes need not be alike
    before = stored_bytes(model)
    modes = [part.training for part in model.modules()]
    pg.calibrate(model, torch.rand(2, 3, 8, 8), "lungs")
    assert stored_bytes(model) == before
    assert [part.training for part in model.modules()] == modes
    assert all(parameter.grad is not None for parameter in model.task_parameters("hearts"))
    assert all(parameter.grad is None for parameter in model.task_parameters("lungs"))


def test_calibration_under_autocast_speaks_for_autocast(model: pg.MultiTaskGenerator) -> None:
    images = torch.rand(2, 3, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        found = pg.calibrate(model, images, "lungs")
    assert {call.dtype for call in found} == {"torch.bfloat16"}
    assert len(pg.calibrate(model, images, "lungs")) == len(found)


def test_calibration_works_within_inference_mode(model: pg.MultiTaskGenerator) -> None:
    with torch.inference_mode():
        assert pg.calibrate(model, torch.rand(2, 3, 16, 16), "lungs")


def test_calibration_for_several_calls_a_step_speaks_for_those(model: pg.MultiTaskGenerator) -> None:
    found = pg.calibrate(model, torch.rand(2, 3, 16, 16), "lungs", calls=3)
    assert {call.calls for call in found} == {3}
    assert len(pg.calibrate(model, torch.rand(2, 3, 16, 16), "lungs")) == len(found)


def test_only_a_task_in_training_is_calibrated(model: pg.MultiTaskGenerator) -> None:
    with pytest.raises(TaskStateError, match="only a later task in training"):
        pg.calibrate(model, torch.rand(1, 3, 16, 16), "facades")
