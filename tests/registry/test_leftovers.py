"""Removing tasks and collecting what nothing needs, and the notes of verify."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn

from piggygan.errors import CorruptFileError, RegistryError, TaskInUseError, TaskNotFoundError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry import TaskRegistry
from piggygan.registry.locking import locked

MakeGenerator = Callable[[], nn.Sequential]
Learn = Callable[[MultiTaskGenerator, str], None]


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def test_c15_a_task_that_others_draw_on_is_not_removed_and_they_are_named(registry: TaskRegistry) -> None:
    before = files(registry.folder)
    with pytest.raises(TaskInUseError, match="lungs draw on 'edges': remove those first"):
        registry.remove_task("edges")
    with pytest.raises(TaskInUseError, match="edges, lungs draw on 'facades'"):
        registry.remove_task("facades")
    with pytest.raises(TaskNotFoundError, match="did you mean 'lungs'"):
        registry.remove_task("lung")
    assert files(registry.folder) == before


def test_the_base_task_goes_with_the_folder_only(registry: TaskRegistry) -> None:
    registry.remove_task("lungs")
    registry.remove_task("edges")
    with pytest.raises(TaskInUseError, match=r"'facades' is the base task.*delete the folder"):
        registry.remove_task("facades")


def test_a_removed_tasks_files_stay_until_gc_and_the_others_are_untouched(
    registry: TaskRegistry, model: MultiTaskGenerator, make_generator: MakeGenerator
) -> None:
    before = files(registry.folder)
    own = registry.describe("lungs").digests
    shared = {digest for name in ("facades", "edges") for digest in registry.describe(name).digests}
    registry.remove_task("lungs")
    assert registry.tasks == ("facades", "edges")
    assert files(registry.folder).keys() == before.keys()
    collected = registry.gc()
    gone = {f"objects/{digest}.safetensors" for digest in own - shared}
    assert set(collected.removed) == gone
    assert collected.size == sum(len(before[name]) for name in gone)
    left = files(registry.folder)
    assert left.keys() == before.keys() - gone
    assert all(left[name] == before[name] for name in left if name != "registry.json")
    assert registry.gc().removed == ()
    registry.commit(model, "lungs")  # the model still has it
    assert [result.state for result in registry.verify(make_generator())] == ["equal"] * 3


def test_c10_c11_c18_leftovers_are_named_by_verify_swept_by_gc_and_foreign_files_left_alone(
    registry: TaskRegistry, make_generator: MakeGenerator, tmp_path: Path
) -> None:
    folder = registry.folder
    digest = "0" * 64
    (tmp_path / "precious").write_bytes(b"precious")
    (folder / ".registry.json.1.ab.tmp").write_bytes(b"half")
    (folder / "objects" / f".{digest}.safetensors.7.cd.tmp").write_bytes(b"half")
    (folder / "objects" / f"{digest}.safetensors").write_bytes(b"nobody's")
    (folder / "objects" / f"{'1' * 64}.safetensors").symlink_to(tmp_path / "precious")
    (folder / "objects" / f"{'2' * 64}.safetensors").mkdir()
    (folder / "lungs-copy").mkdir()
    (folder / "lungs-copy" / "weights.safetensors").write_bytes(b"half copied")
    (folder / "a\n\x1b[2Jb").write_bytes(b"")
    (folder / "notes.tmp").write_bytes(b"somebody's own")
    before = files(folder)
    result = registry.verify(make_generator())
    assert files(folder) == before
    assert [check.state for check in result] == ["equal"] * 3
    assert result.is_sound
    assert all(note.isprintable() for note in result.notes)
    removable = {
        ".registry.json.1.ab.tmp",
        f"objects/.{digest}.safetensors.7.cd.tmp",
        f"objects/{digest}.safetensors",
        f"objects/{'1' * 64}.safetensors",
    }
    foreign = {"lungs-copy", "a\\n\\x1b[2Jb", "notes.tmp", f"objects/{'2' * 64}.safetensors"}
    assert {note.split(":")[0] for note in result.notes if note.endswith("gc removes it")} == removable
    assert {note.split(":")[0] for note in result.notes if note.endswith("left alone")} == foreign
    assert registry.verify_files().notes == result.notes
    assert set(registry.gc().removed) == removable
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert files(folder) == {name: data for name, data in before.items() if name not in removable}
    assert len(registry.verify(make_generator()).notes) == len(foreign)


def test_gc_deletes_nothing_where_the_manifest_is_damaged_or_gone(registry: TaskRegistry) -> None:
    path = registry.folder / "registry.json"
    data = path.read_bytes()
    (registry.folder / "objects" / f"{'0' * 64}.safetensors").write_bytes(b"orphan")
    path.write_bytes(data[:-40])
    before = files(registry.folder)
    with pytest.raises(CorruptFileError, match=r"registry\.json is damaged"):
        registry.gc()
    assert files(registry.folder) == before
    path.unlink()
    with pytest.raises(RegistryError, match="there is no registry"):
        registry.gc()
    assert len(files(registry.folder)) == len(before) - 1
    path.write_bytes(data)
    assert registry.gc().removed == (f"objects/{'0' * 64}.safetensors",)


def test_gc_and_removal_wait_for_a_commit(registry: TaskRegistry) -> None:
    """A commit's objects are orphans until its manifest is written; it holds the lock all that time."""
    impatient = TaskRegistry(registry.folder, lock_timeout=0.05)
    with locked(registry.folder, "flock", 1.0):
        with pytest.raises(RegistryError, match="what nothing needs was not removed"):
            impatient.gc()
        with pytest.raises(RegistryError, match="task 'lungs' was not removed"):
            impatient.remove_task("lungs")


def test_gc_makes_the_manifest_last_before_it_deletes(registry: TaskRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else power could fail between, and the older manifest come back without the files that it needs."""
    registry.remove_task("lungs")
    done: list[str] = []
    real_fsync, real_unlink = os.fsync, os.unlink
    inode = registry.folder.stat().st_ino

    def fsync(descriptor: int) -> None:
        done.append("synced" if os.fstat(descriptor).st_ino == inode else "other")
        real_fsync(descriptor)

    def unlink(path: str, *, dir_fd: int | None = None) -> None:
        if str(path).endswith(".safetensors"):
            done.append("deleted")
        real_unlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "unlink", unlink)
    registry.gc()
    assert done[:2] == ["synced", "deleted"]


def test_a_gc_that_fails_half_way_is_said_and_the_next_one_ends_it(
    registry: TaskRegistry, make_generator: MakeGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.remove_task("lungs")
    real = os.unlink
    deleted: list[str] = []

    def unlink(path: str, *, dir_fd: int | None = None) -> None:
        if str(path).endswith(".safetensors"):
            if deleted:
                raise OSError(5, "Input/output error")
            deleted.append(path)
        real(path, dir_fd=dir_fd)

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", unlink)
        with pytest.raises(RegistryError, match=r"what nothing needs was not safely removed in .*Input/output error"):
            registry.gc()
    assert registry.verify(make_generator()).is_sound
    registry.gc()
    assert registry.verify(make_generator()).notes == ()


def test_f03_readers_see_old_or_new_while_tasks_come_and_go(
    registry: TaskRegistry, make_generator: MakeGenerator, learn: Learn
) -> None:
    base = registry.load(["facades"], make_generator())
    base.add_task("hands")
    learn(base, "hands")
    stop = threading.Event()
    seen: list[str] = []

    def read() -> None:
        while not stop.is_set():
            try:
                loaded = registry.load(generator=make_generator())
                seen.append("with" if "hands" in loaded.tasks else "without")
            except Exception as error:  # whatever it is, it is a failure
                seen.append(repr(error))

    reader = threading.Thread(target=read)
    reader.start()
    writer = TaskRegistry(registry.folder)
    for _ in range(8):
        writer.commit(base, "hands")
        writer.remove_task("hands")
        writer.gc()
    stop.set()
    reader.join()
    assert set(seen) <= {"with", "without"}
    assert seen


def test_f03_a_task_whose_files_go_while_it_is_read_is_an_unknown_task(
    registry: TaskRegistry, make_generator: MakeGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest was read, and then, before the files were, another process removed the task and collected."""
    from piggygan.registry import reading as module

    real = module.load_tasks
    calls: list[int] = []

    def late(*args: object) -> MultiTaskGenerator:
        if not calls:
            registry.remove_task("lungs")
            registry.gc()
        calls.append(1)
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "load_tasks", late)
    assert registry.load(generator=make_generator()).tasks == ("facades", "edges")
    assert len(calls) == 2
    with pytest.raises(TaskNotFoundError):
        registry.load(["lungs"], make_generator())
