"""Manifests and task files: how they are forged, and all that is done with one."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import shutil
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

from piggygan.cli import main
from piggygan.errors import PiggyganError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import ResNetGenerator, UNetGenerator
from piggygan.registry import Member, TaskRegistry, TrainingData
from piggygan.registry.manifest import manifest_from_bytes, manifest_to_bytes
from tests.fuzz.driver import Format
from tests.fuzz.mutations import mutated_bytes, mutated_tree

KINDS = ("unet", "resnet", "own")
_MANIFEST = "registry.json"
_LENGTH = struct.Struct("<Q")
_CHECKSUM = b'\\"checksum\\":\\"'
_ZEROS = "0" * 64


def sound_registry(folder: Path, kind: str) -> TaskRegistry:
    """Make a registry of two tasks on a generator of ours, or of a user's."""
    torch.manual_seed(0)
    generators = {
        "unet": lambda: UNetGenerator(depth=2, width=4),
        "resnet": lambda: ResNetGenerator(blocks=1, width=2),
        "own": lambda: nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1)),
    }
    model = MultiTaskGenerator(generators[kind](), "facades")
    model.freeze_task("facades")
    registry = TaskRegistry(folder)
    registry.commit(model, "facades", scores={"l1": 0.25}, image_size=16)
    model.add_task("lungs", out_channels=1)
    model.freeze_task("lungs")
    data = TrainingData("masks", "5" * 64, {"train": 96, "val": 14}, "Films of one hospital.")
    features = {"mean": torch.linspace(0, 1, 5), "count": torch.tensor(96)}
    registry.commit(
        model,
        "lungs",
        scores={"dice": 0.95},
        data=data,
        licence="CC-BY-4.0",
        attachments={"features": features},
        member=Member("folds", 1, 2),
    )
    return registry


def of_format_1(registry: TaskRegistry) -> bytes:
    """The same registry as it would be without what format 2 brought."""
    manifest = manifest_from_bytes((registry.folder / _MANIFEST).read_bytes())
    plain = [dataclasses.replace(task, data=None, licence=None, attachments={}, member=None) for task in manifest.tasks]
    return manifest_to_bytes(dataclasses.replace(manifest, tasks=tuple(plain)))


def manifests(folder: Path, kind: str) -> Format:
    """Manifests of a registry whose objects are all there."""
    registry, scratch = sound_registry(folder / kind, kind), folder / "scratch"

    def use(data: bytes) -> str:
        shutil.rmtree(scratch, ignore_errors=True)
        (scratch / "objects").mkdir(parents=True)
        for path in (registry.folder / "objects").iterdir():
            (scratch / "objects" / path.name).hardlink_to(path)
        (scratch / _MANIFEST).write_bytes(data)
        commands = [["tasks"], ["tasks", "--json"], ["verify"], ["gc", "--json"]]
        commands += [["export", "lungs", str(scratch / "lungs.safetensors")]]
        commands += [["export-pix2pix", str(scratch / "lungs.pth"), "--task", "lungs"]]
        return _codes(*([name, str(scratch), *words] for name, *words in commands)) + _read(TaskRegistry(scratch))

    samples = [(registry.folder / _MANIFEST).read_bytes(), of_format_1(registry)]
    return Format("manifest", samples, forged_manifest, use)


def task_files(folder: Path, kind: str) -> Format:
    """Exported tasks, for a registry that holds the bank of one and for an empty one."""
    registry, scratch = sound_registry(folder / kind, kind), folder / "scratch"
    samples = []
    for task in registry.tasks:
        registry.export_task(task, folder / f"{task}.safetensors")
        samples.append((folder / f"{task}.safetensors").read_bytes())
    registry.remove_task("lungs")

    def use(data: bytes) -> str:
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(registry.folder, scratch / "full")
        file = scratch / "task.safetensors"
        file.write_bytes(data)
        codes = _codes(*(["import", str(scratch / name), str(file)] for name in ("full", "empty")))
        # What was let in is sound, and what was refused has left a sound registry.
        assert main(["verify", str(scratch / "full")]) == 0
        assert main(["verify", str(scratch / "empty")]) in (0, 2)
        assert main(["tasks", str(scratch / "full")]) == 0
        return codes

    return Format("task_file", samples, forged_task_file, use)


def forged_manifest(data: bytes, source: random.Random) -> bytes:
    """Damage a manifest, mostly so that its checksum holds: a forger can compute it too."""
    try:
        fields = json.loads(data)
        del fields["checksum"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return mutated_bytes(data, source)
    if source.random() < 0.1:
        return mutated_bytes(data, source)
    fields = mutated_tree(fields, source)
    if isinstance(fields, dict):
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        fields["checksum"] = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(fields).encode()


def forged_task_file(data: bytes, source: random.Random) -> bytes:
    """Damage one of the layers: the bytes, the table of tensors, what is said of the task, the tensors."""
    try:
        (length,) = _LENGTH.unpack_from(data)
        header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
        said = json.loads(header.pop("__metadata__")["piggygan"])
    except (ValueError, TypeError, KeyError, AttributeError, struct.error, RecursionError):
        return mutated_bytes(data, source)
    match source.choices(range(4), weights=(1, 5, 3, 1))[0]:
        case 0:
            return mutated_bytes(data, source)
        case 1:
            said = mutated_tree(said, source)
        case 2:
            header = mutated_tree(header, source)
        case _:
            body = mutated_bytes(body, source)
    return _task_file(header, said, body)


def _task_file(header: Any, said: Any, body: bytes) -> bytes:
    if isinstance(said, dict):
        said["checksum"] = _ZEROS
    if isinstance(header, dict):
        header["__metadata__"] = {"piggygan": json.dumps(said, separators=(",", ":"))}
    text = json.dumps(header).encode()
    forged = _LENGTH.pack(len(text)) + text + body
    digest = hashlib.sha256(forged).hexdigest()
    return forged.replace(_CHECKSUM + _ZEROS.encode(), _CHECKSUM + digest.encode(), 1)


def _read(registry: TaskRegistry) -> str:
    """Ask for what no command asks for, and say how often that was answered."""
    asked = [
        lambda: registry.attachment("lungs", "features"),
        lambda: registry.members("folds"),
        lambda: registry.versions("lungs"),
        lambda: registry.resolve("lungs"),
    ]
    answered = 0
    for ask in asked:
        with suppress(PiggyganError):
            ask()
            answered += 1
    return f" {answered}"


def _codes(*commands: list[str]) -> str:
    """Run commands, and give their exit codes: what a run has met can be told from them."""
    return " ".join(str(main(command)) for command in commands)
