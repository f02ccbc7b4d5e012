"""A task as an ordinary network: the bits of the folded one, without the tasks that it draws on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.errors import BankMismatchError, ConfigurationError, CorruptFileError, TaskNotFoundError
from piggygan.networks import ResNetGenerator
from piggygan.registry import building
from piggygan.registry import plain as plain_module
from piggygan.registry.store import ObjectStore
from tests.registry.contents import same_bytes, weights_path


def grouped() -> nn.Module:
    """Groups, a transposed convolution, norms with buffers, a module that each task has a copy of."""
    return nn.Sequential(
        nn.Conv2d(4, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.PReLU(),
        nn.Conv2d(8, 8, 3, padding=1, groups=2),
        nn.ConvTranspose2d(8, 4, 4, 2, 1, groups=2),
        nn.Conv2d(4, 4, 1),
    )


MAKERS = {
    "unet": lambda: pg.UNetGenerator(depth=4, width=4, norm="batch"),
    "resnet": lambda: ResNetGenerator(blocks=1, width=4),
    "own": grouped,
}


def learned(make: object, tmp_path: Path, **last: object) -> tuple[pg.TaskRegistry, pg.MultiTaskGenerator]:
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(make(), "facades")  # type: ignore[operator]
    model.freeze_task("facades")
    model.add_task("lungs", out_channels=1, init="normal")
    model.freeze_task("lungs", stored="int8")
    model.add_task("hearts", init="normal", unconstrained_fraction=0.0)
    model.freeze_task("hearts")
    model.add_task("bones", init="normal", **{"max_bank": 0.5, **last})  # type: ignore[arg-type]
    assert any(name.endswith("picked") for name in model.task_tensors("bones"))
    model.freeze_task("bones")
    registry = pg.TaskRegistry(tmp_path)
    for task in model.tasks:
        registry.commit(model.eval(), task)
    return registry, model


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("task", ["facades", "lungs", "hearts", "bones"])
def test_it_has_the_tensors_and_the_outputs_of_the_folded_task(kind: str, task: str, tmp_path: Path) -> None:
    registry, model = learned(MAKERS[kind], tmp_path)
    generator = MAKERS[kind]() if kind == "own" else None
    plain = registry.load_plain(task, generator)
    folded = model.fold_task(task)
    assert type(plain) is type(folded)
    assert not any(module.training for module in plain.modules())
    one, other = plain.state_dict(), folded.state_dict()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    images = torch.rand(1, 4 if kind == "own" else 3, 16, 16)
    with torch.inference_mode():
        assert torch.equal(plain(images), model(images, task=task))
    assert all(parameter.requires_grad for parameter in plain.parameters())


def test_the_tasks_that_it_draws_on_are_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry, _ = learned(MAKERS["unet"], tmp_path)
    monkeypatch.setattr(pg.MultiTaskGenerator, "add_task", lambda *_, **__: pytest.fail("a task was built"))
    registry.load_plain("bones")


@pytest.mark.parametrize("how", ["load", "load_plain"])
def test_each_file_is_opened_once_and_each_byte_hashed_once_against_the_certificate(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, _ = learned(MAKERS["unet"], tmp_path)
    opened: list[str] = []
    hashed: list[int] = []
    real_open, real_digest = os.open, building.tensors_digest

    def noted_open(path: os.PathLike[str] | str, *args: int, **kwargs: int) -> int:
        opened.append(Path(path).name)
        return real_open(path, *args, **kwargs)

    def noted_digest(tensors: Mapping[str, Tensor]) -> str:
        hashed.append(len(tensors))
        return real_digest(tensors)

    monkeypatch.setattr(os, "open", noted_open)
    monkeypatch.setattr(building, "tensors_digest", noted_digest)
    monkeypatch.setattr(ObjectStore, "get", lambda *_: pytest.fail("a file was hashed as well"))
    registry.load(["bones"]) if how == "load" else registry.load_plain("bones")
    needed = [registry.describe(task).networks["generator"].weights.digest for task in registry.tasks]
    assert sorted(name for name in opened if name.endswith(".safetensors")) == sorted(
        f"{digest}.safetensors" for digest in needed
    )
    assert len(hashed) == 4


def test_of_earlier_tasks_only_the_filters_that_it_mixes_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, model = learned(MAKERS["unet"], tmp_path)
    banks: dict[str, Tensor] = {}
    unmixed: list[str] = []
    real = plain_module._convolution

    def noted(layer: pg.PiggybackConv2d, task: str, stored: Mapping[str, Tensor], mixed: Any) -> nn.Module:
        if "factors" in stored:
            banks[layer.path] = mixed.bank()
            assert all(tensor.is_meta for source in ("lungs", "hearts") for tensor in layer.tensors(source).values())
        else:  # a layer that is wholly its own
            assert mixed._parts == []
            unmixed.append(layer.path)
        return real(layer, task, stored, mixed)

    monkeypatch.setattr(plain_module, "_convolution", noted)
    registry.load_plain("bones")
    layers = {path: layer for path, layer in model.layers.items() if path in banks}
    assert layers
    assert unmixed
    assert all(torch.equal(banks[path], layer.bank("bones")) for path, layer in layers.items())  # type: ignore[union-attr]


def test_what_is_loaded_in_inference_mode_can_be_trained(tmp_path: Path) -> None:
    registry, _ = learned(MAKERS["unet"], tmp_path)
    with torch.inference_mode():
        plain = registry.load_plain("bones")
    plain(torch.rand(2, 3, 16, 16)).mean().backward()
    assert all(parameter.grad is not None for parameter in plain.parameters())


def test_bytes_that_change_no_tensor_are_found_by_verify_alone(tmp_path: Path) -> None:
    registry, model = learned(MAKERS["unet"], tmp_path)
    path = weights_path(registry, "lungs")
    data = path.read_bytes()
    length = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:length])
    turned = json.dumps(dict(reversed(header.items())), separators=(",", ":")).encode().ljust(length - 8)
    assert turned != data[8:length]
    path.chmod(0o644)
    path.write_bytes(data[:8] + turned + data[length:])
    assert same_bytes(registry.load(["lungs"]).task_tensors("lungs"), model.task_tensors("lungs"))
    assert not registry.verify_files()[1].is_sound
    assert not registry.verify()[1].is_sound


def test_other_channels_at_both_ends_are_kept(tmp_path: Path) -> None:
    registry, model = learned(MAKERS["unet"], tmp_path, in_channels=1, out_channels=2)
    with torch.inference_mode():
        images = torch.rand(1, 1, 16, 16)
        assert torch.equal(registry.load_plain("bones")(images), model(images, task="bones"))


def test_what_cannot_be_loaded_is_refused(tmp_path: Path) -> None:
    registry, _ = learned(MAKERS["own"], tmp_path / "own")
    with pytest.raises(TaskNotFoundError, match="did you mean 'lungs'"):
        registry.load_plain("lung", grouped())
    with pytest.raises(ConfigurationError):
        registry.load_plain("lungs")
    with pytest.raises(BankMismatchError):
        registry.load_plain("lungs", nn.Sequential(nn.Conv2d(4, 8, 3), nn.Conv2d(8, 4, 1)))


def test_a_damaged_source_is_noticed(tmp_path: Path) -> None:
    registry, _ = learned(MAKERS["unet"], tmp_path)
    stored = registry.describe("lungs").networks["generator"].weights
    (file,) = [path for path in tmp_path.rglob("*.safetensors") if path.stem.startswith(stored.digest[:40])] or [None]
    assert file is not None
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(CorruptFileError):
        registry.load_plain("bones")
    registry.load_plain("facades")
