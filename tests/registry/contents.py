"""What is in a registry, found out by other means than its own."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry import TaskRegistry


def digests(model: MultiTaskGenerator) -> dict[str, str]:
    """SHA-256 of each task's tensors and outputs, made here by other means than the registry's."""
    found = {}
    for task in model.tasks:
        whole = sha256()
        for name, tensor in sorted(model.task_tensors(task).items()):
            whole.update(name.encode() + tensor.numpy().tobytes())
        channels = model.describe_task(task).in_channels or 3
        images = torch.linspace(-1, 1, 2 * channels * 256).reshape(2, channels, 16, 16)
        with torch.no_grad():
            whole.update(model(images, task=task).numpy().tobytes())
        found[task] = whole.hexdigest()
    return found


def files(folder: Path) -> dict[str, bytes]:
    """Every file but the lock, by its path inside."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def weights_path(registry: TaskRegistry, task: str) -> Path:
    digest = registry.describe(task).networks["generator"].weights.digest
    return registry.folder / "objects" / f"{digest}.safetensors"


def sealed(fields: dict[str, object]) -> bytes:
    """Write a manifest with the checksum that belongs to it, as anyone can."""
    fields = {name: value for name, value in fields.items() if name != "checksum"}
    plain = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return json.dumps({**fields, "checksum": sha256(plain.encode()).hexdigest()}).encode()


def same_bytes(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return {name: tensor.numpy().tobytes() for name, tensor in one.items()} == {
        name: tensor.numpy().tobytes() for name, tensor in two.items()
    }
