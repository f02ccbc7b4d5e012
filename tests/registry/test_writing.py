"""One process writes at a time, and a task comes whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import filelock
import pytest
from torch import nn

from piggygan.errors import (
    ConfigurationError,
    RegistryError,
    RegistryLockedError,
    TaskExistsError,
)
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry import TaskRegistry
from piggygan.registry.candidates import new_record, prepare
from piggygan.registry.writing import WriteLock, with_task
from tests.registry.contents import files

MakeGenerator = Callable[[], nn.Sequential]
MakeModel = Callable[[int], MultiTaskGenerator]
Learn = Callable[[MultiTaskGenerator, str], None]


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_e03_e04_a_commit_that_fails_anywhere_leaves_the_old_state_and_no_litter(
    registry: TaskRegistry, model: MultiTaskGenerator, learn: Learn, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    model.add_task("hands")
    learn(model, "hands")
    before = (registry.folder / "registry.json").read_bytes()
    real = getattr(os, function)
    said: list[str] = []
    for failing in range(100):
        calls = iter(range(100))

        def fail_once(*args: object, calls: object = calls, failing: int = failing, **folders: int) -> object:
            if next(calls) == failing:  # type: ignore[call-overload]
                raise OSError(5, "Input/output error")
            return real(*args, **folders)

        with monkeypatch.context() as patched:
            patched.setattr(os, function, fail_once)
            try:
                registry.commit(model, "hands")
                break
            except RegistryError as error:
                said.append(str(error))
        assert not list(registry.folder.rglob("*.tmp"))
        if (registry.folder / "registry.json").read_bytes() != before:
            # The last step alone, the folder's fsync after the rename, cannot be undone; it is reported all the same.
            assert function == "fsync"
            assert registry.tasks[-1] == "hands"
            break
        assert registry.tasks == ("facades", "edges", "lungs")
    assert len(said) >= 2
    assert all("Input/output error" in text for text in said)
    assert registry.tasks == ("facades", "edges", "lungs", "hands")


def test_the_manifest_is_written_last(
    registry: TaskRegistry, model: MultiTaskGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.add_task("hands")
    model.freeze_task("hands")
    written: list[str] = []
    real = os.replace

    def noted(source: os.PathLike[str], target: os.PathLike[str], **folders: int) -> None:
        written.append(Path(target).name)
        real(source, target, **folders)

    monkeypatch.setattr(os, "replace", noted)
    registry.commit(model, "hands")
    assert len(written) >= 2
    assert written[-1] == "registry.json"
    assert all(name.endswith(".safetensors") for name in written[:-1])


def test_f05_a_lock_not_had_in_time_is_said_and_nothing_is_written(
    registry: TaskRegistry, model: MultiTaskGenerator
) -> None:
    model.add_task("hands")
    model.freeze_task("hands")
    before = files(registry.folder)
    with (
        filelock.FileLock(registry.folder / ".lock"),
        pytest.raises(RegistryLockedError, match="'hands' was not committed"),
    ):
        TaskRegistry(registry.folder, lock_timeout=0.1).commit(model, "hands")
    assert files(registry.folder) == before
    assert TaskRegistry(registry.folder, lock_timeout=0.1).load(["facades"], model.fold_task("facades")).tasks


def test_a_lock_makes_the_folder_and_is_free_again_after_an_error(tmp_path: Path) -> None:
    lock, other = (WriteLock(tmp_path / "new" / "registry", "flock", seconds) for seconds in (0.1, 0.0))
    assert not (tmp_path / "new").exists()
    with pytest.raises(KeyError), lock.held("it", "written"):
        raise KeyError
    with (
        lock.held("it", "written"),
        pytest.raises(RegistryLockedError, match="So the other was not kept: try again when that has ended"),
        other.held("the other", "kept"),
    ):
        pytest.fail("two hold it")


def test_what_the_system_refuses_is_said_with_what_was_to_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    lock = WriteLock(tmp_path / "file" / "registry", "flock", 0.0)
    said = r"^the lease was not safely taken in .*file.*All else is as it was"
    with pytest.raises(RegistryError, match=said), lock.held("the lease", "taken"):
        pytest.fail("there is no folder to lock")
    with pytest.raises(ConfigurationError, match="lock is 'hard'"):
        WriteLock(tmp_path, "hard", 0.0)  # type: ignore[arg-type]


def test_what_cannot_be_taken_stores_no_object(registry: TaskRegistry, make_model: MakeModel) -> None:
    before, model = files(registry.folder), make_model(3)
    draws_on = model.describe_task("edges").draws_on
    record = new_record("edges", draws_on, scores={}, image_size=None, data=None, licence=None, member=None)
    candidates = {"generator": prepare(model, "edges", None)}
    with pytest.raises(TaskExistsError):
        with_task(registry._head.read(), record, candidates, {}, registry._objects)
    assert files(registry.folder) == before
