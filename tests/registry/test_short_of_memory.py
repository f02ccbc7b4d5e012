"""A registry where memory runs out, wherever some is taken: a typed error, nothing lost, no false damage."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from piggygan.errors import RegistryError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry import TaskRegistry
from tests.missing_memory import calls_of, failing_at

WATCHED = ("/piggygan/", "/torch/", "/safetensors/", "/json/", "/filelock/")
Act = Callable[[TaskRegistry, nn.Module], Any]


class Clinic:
    """A registry of two tasks, one with the base task alone, and the other task in a file."""

    def __init__(self, folder: Path) -> None:
        torch.manual_seed(0)
        model = MultiTaskGenerator(plain(), "facades")
        model.freeze_task("facades")
        self.folder, self.file, self._sound = folder / "clinic", folder / "lungs.safetensors", folder / "sound"
        registry = TaskRegistry(self._sound)
        registry.commit(model, "facades", scores={"l1": 0.25})
        shutil.copytree(self._sound, folder / "base")
        model.add_task("lungs")
        model.freeze_task("lungs")
        registry.commit(model, "lungs")
        registry.export_task("lungs", self.file)
        self._base = folder / "base"

    def laid_out(self, act: str) -> TaskRegistry:
        """Put back what an act begins with."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self._base if act == "import" else self._sound, self.folder)
        return TaskRegistry(self.folder)

    def act(self, name: str) -> Act:
        return {
            "load": lambda registry, generator: registry.load(generator=generator),
            "verify": lambda registry, generator: registry.verify(generator),
            "verify_files": lambda registry, _: registry.verify_files(),
            "import": lambda registry, generator: registry.import_task(self.file, generator),
            "remove": lambda registry, _: registry.remove_task("lungs"),
        }[name]


def plain() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Conv2d(2, 1, 1))


def digests(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".lock"))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def bits(registry: TaskRegistry) -> dict[str, bytes]:
    model = registry.load(generator=plain())
    return {
        f"{task}/{name}": t.numpy().tobytes() for task in model.tasks for name, t in model.task_tensors(task).items()
    }


def fail_at(clinic: Clinic, name: str, first: int, *, every: int | None = None) -> None:
    """Let every so many-th call fail, from the first one on; None: 25 of them, evenly spread."""
    act, registry = clinic.act(name), clinic.laid_out(name)
    calls = calls_of(partial(act, registry, plain()), WATCHED)
    registry = clinic.laid_out(name)
    before, whole, threads = digests(clinic.folder), bits(registry), torch.get_num_threads()
    failed, chosen = 0, range(first, calls + 1, every or max(1, calls // 25))
    for call in chosen:
        if name in ("import", "remove"):
            registry = clinic.laid_out(name)
        refused, found = outcome_of(partial(act, registry, plain()), call)
        failed += bool(refused)
        if refused:
            assert "memory" in refused, f"call {call} of {calls}: {refused}"
            check_unchanged(clinic.folder, before, refused)
        elif name.startswith("verify"):
            assert found.is_sound, f"call {call} of {calls}: {list(map(str, found))}"
        assert torch.get_num_threads() == threads
        left = bits(registry)
        assert {key: left[key] for key in whole if key in left} == {key: whole[key] for key in left if key in whole}
        assert left.keys() >= whole.keys() or name == "remove"
    assert failed > len(chosen) / 2


def outcome_of(act: Callable[[], Any], call: int) -> tuple[str, Any]:
    """Return with which words of ours an act is refused if this call fails, or what it gives all the same."""
    try:
        with failing_at(call, WATCHED):
            return "", act()
    except RegistryError as error:  # anything else is none of ours
        return str(error), None


def check_unchanged(folder: Path, before: dict[str, str], message: str) -> None:
    """See that all is as it was, but for objects that no manifest names, or that it is said to look what is listed."""
    after = digests(folder)
    changed = {path for path in before if after.get(path) != before[path]}
    assert changed <= {"registry.json"}
    assert not changed or "look what is listed" in message
    assert all(path.startswith("objects/") and not path.endswith(".tmp") for path in after.keys() - before.keys())


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    return Clinic(tmp_path)


PARTS = 4
ACTS = ("load", "verify", "verify_files", "import", "remove")


@pytest.mark.parametrize("name", ACTS)
def test_17_memory_that_is_missing_anywhere_is_a_typed_error_and_a_later_load_has_the_same_bits(
    clinic: Clinic, name: str
) -> None:
    fail_at(clinic, name, 1)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, 1 + PARTS))
@pytest.mark.parametrize("name", ACTS)
def test_17_so_it_is_at_every_single_call(clinic: Clinic, name: str, first: int) -> None:
    fail_at(clinic, name, first, every=PARTS)


def test_a_file_that_speaks_of_memory_is_damaged_and_no_shortage(clinic: Clinic) -> None:
    registry = clinic.laid_out("load")
    for path in (clinic.folder / "objects").iterdir():
        header = b'{"can\'t allocate memory":1,"can\'t allocate memory":2}'
        path.write_bytes(len(header).to_bytes(8, "little") + header)
    assert {check.state for check in registry.verify_files()} == {"damaged"}
