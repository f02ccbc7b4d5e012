"""Generators of any number of axes, inputs and outputs are called, folded, committed and loaded as they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.errors import InputError, TaskNotFoundError


class Timed(nn.Module):
    """Takes a time beside the image, in its place or by name, and gives a dictionary, as diffusion networks do."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Conv2d(3, 3, 1)
        self.head = nn.Conv2d(3, 3, 1)

    def forward(self, sample: Tensor, timestep: Tensor, scale: Tensor | None = None) -> dict[str, Any]:
        features = self.inner(sample) + timestep.float().reshape(-1, 1, 1, 1)
        return {"sample": self.head(features if scale is None else features * scale), "deep": (features, None)}


class Hidden(nn.Module):
    """Its first convolution to run is the last that it registers."""

    def __init__(self) -> None:
        super().__init__()
        self.tail = nn.Conv2d(8, 3, 1)
        self.head = nn.Conv2d(2, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.tail(self.head(x))


class Case(NamedTuple):
    make: Callable[[], nn.Module]
    settings: dict[str, Any]
    probe: Any


def line() -> nn.Module:
    return nn.Sequential(nn.Conv1d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv1d(4, 2, 1))


def volume() -> nn.Module:
    return nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.InstanceNorm3d(4, affine=True), nn.Conv3d(4, 1, 1))


X, T = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1)), torch.tensor([3, 7])
CASES: dict[str, Case] = {
    "signals": Case(line, {}, None),
    "volumes": Case(volume, {}, None),
    "signals of a probe": Case(line, {}, torch.rand(1, 2, 9)),
    "an input layer that is not the first": Case(Hidden, {"input_layer": "head", "output_layer": "tail"}, None),
    "two inputs": Case(Timed, {}, (X, T)),
    "inputs by name": Case(Timed, {}, {"sample": X, "timestep": T, "scale": torch.ones(1)}),
}


def flat(outputs: Any) -> bytes:
    parts = [outputs] if isinstance(outputs, Tensor) else [outputs["sample"], outputs["deep"][0]]
    return b"".join(part.detach().contiguous().numpy().tobytes() for part in parts)


@pytest.mark.parametrize("name", CASES)
def test_whatever_it_takes_and_gives_it_is_committed_loaded_and_verified(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(case.make(), "facades", **case.settings)
    model.freeze_task("facades")
    model.add_task("lungs")
    for parameter in model.task_parameters("lungs"):
        nn.init.normal_(parameter)
    model.freeze_task("lungs")
    registry, other = pg.TaskRegistry(tmp_path / "one"), pg.TaskRegistry(tmp_path / "other")
    for task in model.tasks:
        registry.commit(model, task, probe=case.probe)
    assert all(check.state == "equal" for check in registry.verify(generator=case.make()))
    for task in model.tasks:  # a certificate travels with its task
        registry.export_task(task, tmp_path / f"{task}.safetensors")
        other.import_task(tmp_path / f"{task}.safetensors", generator=case.make())
    loaded = other.load(generator=case.make())
    probe = (
        case.probe
        if case.probe is not None
        else torch.rand(1, model.input_channels("lungs"), *[8] * model.spatial_axes)
    )
    inputs, options = ((), probe) if isinstance(probe, dict) else (probe if isinstance(probe, tuple) else (probe,), {})
    for task in model.tasks:
        expected = flat(model.eval()(*inputs, task=task, **options))
        assert flat(loaded(*inputs, task=task, **options)) == expected
        assert flat(loaded.fold_task(task)(*inputs, **options)) == expected


def test_another_time_is_another_certificate(tmp_path: Path) -> None:
    model = pg.MultiTaskGenerator(Timed(), "facades")
    model.freeze_task("facades")
    digests = []
    for number, time in enumerate((T, T + 1)):
        registry = pg.TaskRegistry(tmp_path / str(number))
        registry.commit(model, "facades", probe=(X, time))
        digests.append(registry.describe("facades").networks["generator"].certificate.outputs_digest)
    assert digests[0] != digests[1]


@pytest.mark.parametrize("probe", [(), {}, (X, 3), {"sample": X, "timestep": 3}, (X, torch.zeros(0))])
def test_a_probe_that_is_not_tensors_is_refused(probe: Any, tmp_path: Path) -> None:
    model = pg.MultiTaskGenerator(Timed(), "facades")
    model.freeze_task("facades")
    with pytest.raises(InputError, match="probe"):
        pg.TaskRegistry(tmp_path).commit(model, "facades", probe=probe)
    assert not pg.TaskRegistry(tmp_path).tasks


def test_without_a_probe_a_generator_of_two_inputs_says_what_to_give(tmp_path: Path) -> None:
    model = pg.MultiTaskGenerator(Timed(), "facades")
    model.freeze_task("facades")
    with pytest.raises(InputError, match=r"give probe=images .* or all that it takes, as a tuple or by name"):
        pg.TaskRegistry(tmp_path).commit(model, "facades")


def test_a_task_is_given_by_name_and_a_list_of_tasks_takes_images_alone() -> None:
    model = pg.MultiTaskGenerator(Timed(), "facades")
    with pytest.raises(InputError, match="task='facades'"):
        model(X, "facades")
    with pytest.raises(InputError, match="nothing else"):
        model(X, T, task=["facades", "facades"])
    with pytest.raises(TaskNotFoundError):
        model(X, T, task="moon")
