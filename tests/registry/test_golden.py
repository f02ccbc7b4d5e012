"""What an older piggygan wrote is read for ever: files of every format, kept as they were written."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

from piggygan.registry import TaskRegistry

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
