"""What an older piggygan wrote is read for ever: files of every format, kept as they were written."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from torch import nn

from piggygan.errors import BankMismatchError
from piggygan.registry import TaskRegistry, TrainingData

GOLDEN = Path(__file__).parent / "golden"
DIGESTS = {
    "facades": "ba76a500788795ff9c6145c9a33b5cabb5e3d2c2709006fc0315056ff6b3c46f",
    "lungs": "e40a8256cadb7187137b047d0f260533ddf90e21d0d68483d0a68e8c68540104",
    "edges": "ad2e22cccce648d708f8d8ec57e7d02699e66ebe1e44330068ef25e8c902f8e7",
}
"""Of each task's tensors, by name, when they were committed."""


def digests(registry: TaskRegistry) -> dict[str, str]:
    model = registry.load()
    found = {}
    for task in model.tasks:
        whole = sha256()
        for name, tensor in sorted(model.task_tensors(task).items()):
            whole.update(name.encode() + tensor.numpy().tobytes())
        found[task] = whole.hexdigest()
    return found


def test_c13_a_registry_of_format_1_is_read_as_it_was_written() -> None:
    registry = TaskRegistry(GOLDEN / "format_1")
    assert registry.tasks == ("facades", "lungs", "edges")
    assert digests(registry) == DIGESTS
    assert registry.describe("lungs").scores == {"dice": 0.95}
    result = registry.verify()
    assert result.is_sound  # on another machine its outputs may round differently
    assert result.notes == ()


def test_c13_a_task_of_exchange_format_1_is_taken_in(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "format_1", tmp_path / "copy")
    registry = TaskRegistry(tmp_path / "copy")
    record = registry.describe("edges")
    registry.remove_task("edges")
    assert registry.import_task(GOLDEN / "edges_1.safetensors") == "edges"
    assert registry.describe("edges") == record
    assert digests(registry) == DIGESTS


DIGESTS_2 = {
    "facades": "b4260f099a0297504a4ee89120ba33c028801ae09d9764b075f9f3b38d1d6262",
    "lungs": "ef7b158a35840c7fcda429130494b0183ec829ca10d5ca9243764039881a377f",
    "lungs@2": "7ce83a4efc8ad1b83aebfe8f28dbe026f30fc0a02b493ef767ca11fdc492dd25",
    "hearts-1": "9ccb179f6dbb77043abe8b994ed739fcf05be4229dc73fcfe623562201276a1d",
    "hearts-2": "af8a65cbf44cac5e8c23bb118648274581c0194624fbf25849cfb84ed37726e4",
}


def test_c13_a_registry_of_format_2_is_read_as_it_was_written() -> None:
    registry = TaskRegistry(GOLDEN / "format_2")
    assert digests(registry) == DIGESTS_2
    record = registry.describe("lungs")
    said = "Drawn for a test; no film of anybody."
    assert record.data == TrainingData("masks", "5" * 64, {"train": 96, "val": 14, "test": 28}, said)
    assert record.licence == "CC-BY-4.0"
    assert registry.attachment("lungs", "features")["mean"].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert registry.attachment("lungs@2", "calibration")["temperature"] == 1.5
    assert registry.resolve("lungs") == "lungs@2"
    assert registry.members("hearts") == ("hearts-1", "hearts-2")
    result = registry.verify()
    assert result.is_sound
    assert result.notes == ()


def test_c13_a_task_of_exchange_format_3_is_taken_in(tmp_path: Path) -> None:
    registry, new = TaskRegistry(GOLDEN / "format_2"), TaskRegistry(tmp_path / "new")
    registry.export_task("facades", tmp_path / "facades.safetensors")
    new.import_task(tmp_path / "facades.safetensors")
    assert schema_version(new) == 1
    assert new.import_task(GOLDEN / "lungs_3.safetensors") == "lungs"
    assert schema_version(new) == 2
    assert new.describe("lungs") == registry.describe("lungs")
    assert new.attachment("lungs", "features").keys() == {"mean", "count"}


def schema_version(registry: TaskRegistry) -> int:
    return int(json.loads((registry.folder / "registry.json").read_bytes())["schema_version"])


def test_c13_a_registry_of_format_1_stays_one_until_a_task_needs_more(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "format_1", tmp_path / "copy")
    registry = TaskRegistry(tmp_path / "copy")
    written = (registry.folder / "registry.json").read_bytes()
    model = registry.load()
    model.add_task("hands", draws_on=["facades"], max_bank=1.25)
    model.freeze_task("hands")
    registry.commit(model, "hands", scores={"dice": 0.5}, image_size=64)
    assert schema_version(registry) == 1
    registry.remove_task("hands")
    again = json.loads((registry.folder / "registry.json").read_bytes())
    older = json.loads(written)
    for task in older["tasks"]:
        task.setdefault("image_size", None)
    assert {**again, "checksum": ""} == {**older, "checksum": ""}

    registry.commit(model, "hands", licence="MIT")
    assert schema_version(registry) == 2
    assert digests(registry) | DIGESTS == digests(registry)
    registry.export_task("edges", tmp_path / "edges.safetensors")  # which needs nothing new
    assert TaskRegistry(GOLDEN / "format_1").tasks == ("facades", "lungs", "edges")
    shutil.copytree(GOLDEN / "format_1", tmp_path / "older")
    TaskRegistry(tmp_path / "older").remove_task("edges")
    assert TaskRegistry(tmp_path / "older").import_task(tmp_path / "edges.safetensors") == "edges"
    registry.remove_task("hands")
    assert schema_version(registry) == 1


def own_generator(alpha: float = 0.5, channels: int = 8) -> nn.Sequential:
    """Make the user's generator of ``own_1``, whose lines say nothing of alpha, as lines did not then."""
    return nn.Sequential(
        nn.Conv2d(3, channels, 4, 2, 1),
        nn.BatchNorm2d(channels),
        nn.ELU(alpha),
        nn.ConvTranspose2d(channels, 3, 4, 2, 1),
        nn.Hardtanh(-2, 2),
    )


def test_c13_a_registry_with_the_first_fingerprints_is_loaded_verified_and_added_to(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "own_1", tmp_path / "copy")
    registry = TaskRegistry(tmp_path / "copy")
    assert registry.verify(own_generator()).is_sound
    model = registry.load(generator=own_generator())
    model.add_task("edges", draws_on=["facades"])
    model.freeze_task("edges")
    registry.commit(model, "edges")
    assert registry.verify(own_generator()).is_sound
    assert len(registry.load(generator=own_generator()).tasks) == 3
    registry.remove_task("lungs")
    assert registry.import_task(GOLDEN / "own_lungs_1.safetensors", own_generator()) == "lungs"
    with pytest.raises(BankMismatchError, match="the given generator is not the registry's"):
        registry.load(generator=own_generator(channels=4))


def test_a_task_with_the_first_fingerprints_joins_a_registry_with_todays(tmp_path: Path) -> None:
    registry = TaskRegistry(tmp_path / "new")
    model = TaskRegistry(GOLDEN / "own_1").load(["facades"], own_generator())
    registry.commit(model, "facades", probe=torch.rand(1, 3, 8, 8))
    assert registry.import_task(GOLDEN / "own_lungs_1.safetensors", own_generator()) == "lungs"
    with pytest.raises(BankMismatchError, match=r'here is 2 ELU \{"alpha": 1\}; there is 2 ELU \{"alpha": 0.5\}'):
        registry.load(generator=own_generator(alpha=1.0))


def test_16_20_a_sound_registry_is_sound_whatever_the_default_type_is(tmp_path: Path) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        assert TaskRegistry(GOLDEN / "format_1").verify().is_sound
        assert digests(TaskRegistry(GOLDEN / "format_1")) == DIGESTS
        shutil.copytree(GOLDEN / "format_1", tmp_path / "copy")
        registry = TaskRegistry(tmp_path / "copy")
        model = registry.load()
        model.add_task("windows", draws_on=["facades"])
        model.freeze_task("windows")
        registry.commit(model, "windows")
        registry.remove_task("edges")
        assert registry.import_task(GOLDEN / "edges_1.safetensors") == "edges"
    finally:
        torch.set_default_dtype(torch.float32)
    assert registry.verify().is_sound
    assert digests(registry) | DIGESTS == digests(registry)
