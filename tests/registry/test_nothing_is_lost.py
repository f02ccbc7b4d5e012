"""E1 to E6 and C2 for the registry: killed, refused by the system, cut from power, or flipped, nothing is lost.

The same for training checkpoints is in ``tests/training/checkpoints/test_folder.py``.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from piggygan.errors import RegistryError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry import TaskRegistry, TrainingData

Learn = Callable[[MultiTaskGenerator, str], None]
CALLS = ("commit", "migrate", "remove", "gc", "export", "import")
PROGRAM = Path(__file__).with_name("killed_writer.py")


def kill(folder: Path, call: str, times: int) -> int:
    """Return how many processes were killed inside a call; the program fails if one of them lost anything."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder), call, str(times), "0"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("call", CALLS)
def test_e01_e02_a_process_killed_inside_a_writing_call_loses_nothing(tmp_path: Path, call: str) -> None:
    assert kill(tmp_path, call, 6) == 6


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_e01_e02_200_processes_killed_inside_writing_calls_lose_nothing(tmp_path: Path, call: str) -> None:
    assert kill(tmp_path, call, 40) == 40


# ---------------------------------------------------------------- refused by the system


@dataclass
class Scene:
    """A registry before a writing call, the call, and what may be there afterwards."""

    registry: TaskRegistry
    call: Callable[[TaskRegistry], object]
    before: tuple[str, ...]
    after: tuple[str, ...]
    target: Path


@pytest.fixture
def scene(
    request: pytest.FixtureRequest,
    registry: TaskRegistry,
    model: MultiTaskGenerator,
    learn: Learn,
    make_generator: Callable[[], nn.Module],
    tmp_path: Path,
) -> Scene:
    model.add_task("hands", draws_on=["facades"])
    learn(model, "hands")
    file, target = tmp_path / "hands.safetensors", tmp_path / "out.safetensors"
    three, four = ("facades", "edges", "lungs"), ("facades", "edges", "lungs", "hands")
    registry.commit(model, "hands")
    registry.export_task("hands", file)
    if request.param == "remove":
        return Scene(registry, lambda own: own.remove_task("hands"), four, three, target)
    registry.remove_task("hands")
    if request.param == "gc":
        return Scene(registry, lambda own: own.gc(), three, three, target)
    registry.gc()
    if request.param == "commit":
        return Scene(registry, lambda own: own.commit(model, "hands"), three, four, target)
    if request.param == "migrate":  # what is said of it makes format 2 of format 1
        said = {"data": TrainingData("masks"), "attachments": {"features": {"mean": torch.zeros(3)}}}
        return Scene(registry, lambda own: own.commit(model, "hands", **said), three, four, target)
    if request.param == "import":
        return Scene(registry, lambda own: own.import_task(file, make_generator()), three, four, target)
    return Scene(registry, lambda own: own.export_task("edges", target), three, three, target)


FILE_OPERATIONS = ("open", "fsync", "replace", "unlink", "mkdir", "link")


@contextmanager
def failing_at(number: int, code: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Let the n-th file operation of the block fail, counted from 0; what was called is in the list."""
    called: list[str] = []

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*args: Any, **kwargs: Any) -> Any:
            called.append(name)
            if len(called) == number + 1:
                raise OSError(code, os.strerror(code))
            return real(*args, **kwargs)

        return operation

    with monkeypatch.context() as patched:
        for name in FILE_OPERATIONS:
            patched.setattr(os, name, counted(name, getattr(os, name)))
        yield called


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES], ids=errno.errorcode.get)
@pytest.mark.parametrize("scene", CALLS, indirect=True)
def test_e03_e04_an_error_at_any_file_operation_is_typed_and_leaves_the_old_state_or_the_new(
    scene: Scene, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, untouched = scene.registry.folder, scene.registry.folder.with_name("untouched")
    shutil.copytree(copy, untouched)
    said: list[str] = []
    for number in range(200):
        shutil.rmtree(copy)
        shutil.copytree(untouched, copy)
        scene.target.unlink(missing_ok=True)
        own = TaskRegistry(copy)
        with failing_at(number, code, monkeypatch) as called:
            try:
                scene.call(own)
            except RegistryError as error:
                said.append(str(error))
        if len(called) <= number:  # it needs no more operations than that
            break
        assert own.tasks in (scene.before, scene.after), called
        assert own.verify_files().is_sound
        own.gc()
        assert own.verify_files().notes == ()
        assert not list(copy.parent.rglob("*.tmp"))
    else:
        pytest.fail("it never came through")
    assert len(said) >= 2
    assert all(os.strerror(code) in text for text in said)
    assert own.tasks == scene.after


# ---------------------------------------------------------------- cut from power


@dataclass
class Journal:
    """What a call asked of the file system, in order: ``(what, path, contents or new path)``."""

    events: list[tuple[str, Path, Any]] = field(default_factory=list)

    @contextmanager
    def of(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Note the operations of a block."""
        real_open, real_fsync, real_replace, real_unlink = os.open, os.fsync, os.replace, os.unlink

        def full(path: Any, folder: int | None) -> Path:
            return Path(path) if folder is None else Path(f"/proc/self/fd/{folder}").readlink() / path

        def opened(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            if flags & os.O_CREAT and not full(path, dir_fd).exists():
                self.events.append(("create", full(path, dir_fd), b""))
            return real_open(path, flags, mode, dir_fd=dir_fd)

        def synced(descriptor: int) -> None:
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
            if path.is_file():
                self.events.append(("write", path, path.read_bytes()))
            self.events.append(("sync", path, None))
            real_fsync(descriptor)

        def replaced(source: Any, target: Any, **rest: Any) -> None:
            folders = rest.get("src_dir_fd"), rest.get("dst_dir_fd")
            self.events.append(("rename", full(source, folders[0]), full(target, folders[1])))
            real_replace(source, target, **rest)

        def unlinked(path: Any, *, dir_fd: int | None = None) -> None:
            self.events.append(("unlink", full(path, dir_fd), None))
            real_unlink(path, dir_fd=dir_fd)

        with monkeypatch.context() as patched:
            for name, noting in (("open", opened), ("fsync", synced), ("replace", replaced), ("unlink", unlinked)):
                patched.setattr(os, name, noting)
            yield


def crashed(events: list[tuple[str, Path, Any]], *, kept: Callable[[int], bool], torn: bool) -> None:
    """Do again what of these operations survives: all that was synced, and of the rest what ``kept`` says.

    A name survives the sync of its folder, contents that of their file; ``torn`` contents are half there.
    """
    last_sync = {path: place for place, (what, path, _) in enumerate(events) if what == "sync"}
    for place, (what, path, more) in enumerate(events):
        folder = (more if what == "rename" else path).parent
        synced = last_sync.get(path if what == "write" else folder, -1) > place
        if not (synced or kept(place)):
            continue
        if what in ("create", "write"):
            path.write_bytes(more if synced or not torn else more[: len(more) // 2])
        elif what == "rename" and path.exists():
            path.replace(more)
        elif what == "unlink":
            path.unlink(missing_ok=True)


SURVIVES: dict[str, tuple[Callable[[int], bool], bool]] = {
    "everything": (lambda _: True, False),
    "only what was synced": (lambda _: False, False),
    "everything, contents torn": (lambda _: True, True),
    "every other operation": (lambda place: place % 2 == 0, True),
    "the other half": (lambda place: place % 2 == 1, True),
}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are looked up in /proc")
@pytest.mark.parametrize("scene", CALLS, indirect=True)
def test_e06_after_every_prefix_of_what_was_written_the_registry_recovers(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, untouched = scene.registry.folder, scene.registry.folder.with_name("untouched")
    shutil.copytree(folder, untouched)
    journal = Journal()
    with journal.of(monkeypatch):
        scene.call(scene.registry)
    assert len(journal.events) >= 2
    reached = set()
    for end in range(len(journal.events) + 1):
        for name, (kept, torn) in SURVIVES.items():
            shutil.rmtree(folder)
            shutil.copytree(untouched, folder)
            scene.target.unlink(missing_ok=True)
            crashed(journal.events[:end], kept=kept, torn=torn)
            own = TaskRegistry(folder)
            assert own.tasks in (scene.before, scene.after), (end, name)
            reached.add(own.tasks)
            assert own.verify_files().is_sound, (end, name)
            own.gc()
            assert own.verify_files().notes == (), (end, name)
    assert own.tasks == scene.after, "what came back from the call is there for good"
    assert reached == {scene.before, scene.after}


# ---------------------------------------------------------------- flipped bits


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def unnoticed(registry: TaskRegistry, path: Path, bits: list[int]) -> list[int]:
    """Return the bits of a file that can be flipped without anybody's noticing."""
    data, missed = path.read_bytes(), []
    for bit in bits:
        path.write_bytes(flipped(data, bit))
        try:
            if registry.verify_files().is_sound:
                missed.append(bit)
        except RegistryError:
            continue
    path.write_bytes(data)
    return missed


def files_of(registry: TaskRegistry) -> list[Path]:
    return [registry.folder / "registry.json", *sorted((registry.folder / "objects").iterdir())]


def test_c02_a_random_flipped_bit_in_any_file_is_noticed(registry: TaskRegistry) -> None:
    registry.attach("lungs", "features", {"mean": torch.linspace(0, 1, 7)})
    chance = random.Random(0)
    for path in files_of(registry):
        bits = [chance.randrange(8 * path.stat().st_size) for _ in range(50)]
        assert unnoticed(registry, path, bits) == [], path.name


@pytest.mark.slow
def test_c02_every_single_flipped_bit_of_a_small_task_is_noticed(tmp_path: Path) -> None:
    model = MultiTaskGenerator(nn.Conv2d(1, 4, 1), "dots")
    model.freeze_task("dots")
    registry = TaskRegistry(tmp_path)
    registry.commit(model, "dots")
    for path in files_of(registry):
        assert unnoticed(registry, path, list(range(8 * path.stat().st_size))) == [], path.name


@pytest.mark.slow
def test_c02_10000_random_flipped_bits_of_a_larger_task_are_noticed(registry: TaskRegistry) -> None:
    chance, files = random.Random(1), files_of(registry)
    for path in files:
        bits = [chance.randrange(8 * path.stat().st_size) for _ in range(10000 // len(files) + 1)]
        assert unnoticed(registry, path, bits) == [], path.name


# ---------------------------------------------------------------- many writers

COMMITTER = """
import sys, torch
from piggygan.registry import TaskRegistry
torch.set_num_threads(1)
registry, own, count = TaskRegistry(sys.argv[1], lock_timeout=600), int(sys.argv[2]), int(sys.argv[3])
model = registry.load(["facades"])
for number in range(count):
    task = f"task-{own}-{number}"
    model.add_task(task, draws_on=["facades"], init="normal")
    model.freeze_task(task)
    registry.commit(model, task)
    model.remove_task(task)
"""


@pytest.mark.slow
def test_f01_of_400_commits_by_8_processes_none_is_lost(tmp_path: Path) -> None:
    from piggygan.networks import UNetGenerator

    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), "facades")
    model.freeze_task("facades")
    registry = TaskRegistry(tmp_path)
    registry.commit(model, "facades")
    started = [subprocess.Popen([sys.executable, "-c", COMMITTER, str(tmp_path), str(own), "50"]) for own in range(8)]
    assert [process.wait() for process in started] == [0] * 8
    assert len(registry.tasks) == 401
    assert [check.state for check in registry.verify()] == ["equal"] * 401
