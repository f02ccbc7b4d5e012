from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from torch import nn

from piggygan.errors import CorruptFileError, RegistryError, TaskInUseError, TaskNotFoundError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry import TaskRegistry
from piggygan.registry.leases import live_leases

MakeGenerator = Callable[[], nn.Sequential]
Learn = Callable[[MultiTaskGenerator, str], None]

TRAINING = """
import sys, time
from piggygan.registry import TaskRegistry
with TaskRegistry(sys.argv[1]).lease(["lungs"]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def training(registry: TaskRegistry) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a lease on lungs."""
    process = subprocess.Popen(
        [sys.executable, "-c", TRAINING, str(registry.folder)], stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_f07_what_a_running_process_leases_is_not_removed_and_gc_spares_it_even_unlisted(
    registry: TaskRegistry, make_generator: MakeGenerator, training: subprocess.Popen[str]
) -> None:
    with pytest.raises(TaskInUseError, match=f"'lungs' is in use by process {training.pid} on .*leases/"):
        registry.remove_task("lungs")
    manifest = (registry.folder / "registry.json").read_bytes()
    objects = sorted(path.name for path in (registry.folder / "objects").iterdir())
    without = TaskRegistry(registry.folder.parent / "other")
    loaded = registry.load(["edges"], make_generator())
    for task in ("facades", "edges"):
        without.commit(loaded, task)
    # Somebody puts back the manifest from before lungs, as our own errors advise.
    (registry.folder / "registry.json").write_bytes((without.folder / "registry.json").read_bytes())
    registry.gc()
    (registry.folder / "registry.json").write_bytes(manifest)
    assert sorted(path.name for path in (registry.folder / "objects").iterdir()) == objects
    training.kill()
    training.wait()
    assert [note for note in registry.verify(make_generator()).notes if "leases/" in note]
    registry.remove_task("lungs")
    collected = registry.gc()
    assert len([name for name in collected.removed if name.startswith("leases/")]) == 1
    assert len(collected.removed) > 1
    assert registry.verify(make_generator()).notes == ()


def test_a_lease_ends_with_its_block_and_reaches_to_all_that_is_drawn_on(registry: TaskRegistry) -> None:
    with registry.lease(["edges"]):
        (lease,) = live_leases(registry.folder / "leases").values()
        assert lease.tasks == ("facades", "edges")
        assert lease.holder.pid == os.getpid()
        registry.remove_task("lungs")  # which nobody leases
        with pytest.raises(TaskInUseError):
            registry.remove_task("edges")
    assert not list((registry.folder / "leases").iterdir())
    registry.remove_task("edges")
    assert registry.tasks == ("facades",)


def test_others_may_commit_during_a_lease(registry: TaskRegistry, model: MultiTaskGenerator, learn: Learn) -> None:
    with registry.lease(registry.tasks):
        model.add_task("hands")
        learn(model, "hands")
        TaskRegistry(registry.folder, lock_timeout=0.1).commit(model, "hands")
    assert registry.tasks[-1] == "hands"


def test_a_lease_survives_no_exception(registry: TaskRegistry) -> None:
    with pytest.raises(ZeroDivisionError), registry.lease(["lungs"]):
        raise ZeroDivisionError
    assert not list((registry.folder / "leases").iterdir())


def test_a_lease_on_what_is_not_there_is_refused(registry: TaskRegistry, tmp_path: Path) -> None:
    with pytest.raises(TaskNotFoundError, match="'lung'"), registry.lease(["lung"]):
        pytest.fail("there is no such task")
    with pytest.raises(RegistryError, match="there is no registry"), TaskRegistry(tmp_path / "none").lease([]):
        pytest.fail("there is no registry")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("data", [b"", b"{", b'{"tasks": []}'])
def test_gc_deletes_nothing_while_a_live_lease_cannot_be_understood(registry: TaskRegistry, data: bytes) -> None:
    registry.remove_task("lungs")
    with registry.lease(["edges"]):
        (path,) = (registry.folder / "leases").iterdir()
        path.write_bytes(data)
        for refused in (registry.gc, lambda: registry.remove_task("edges")):
            with pytest.raises(CorruptFileError, match="held by a running process and damaged"):
                refused()
    assert len(registry.gc().removed) == 3  # weights, probe and outputs of lungs, which takes one channel


def test_f06_a_soft_lease_lasts_until_its_file_is_deleted(
    registry: TaskRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft = TaskRegistry(registry.folder, lock="soft")
    with monkeypatch.context() as patched:

        def no_flock(*_: object) -> None:
            raise OSError(38, "Function not implemented")

        patched.setattr(fcntl, "flock", no_flock)
        with soft.lease(["lungs"]):
            with pytest.raises(TaskInUseError):
                soft.remove_task("lungs")
            (path,) = (registry.folder / "leases").iterdir()
            data = path.read_bytes()
        path.write_bytes(data)  # as a killed process leaves it
    with pytest.raises(TaskInUseError, match=path.name):
        soft.remove_task("lungs")
    path.unlink()
    soft.remove_task("lungs")


FORKING = """
import os, sys
from piggygan.registry import TaskRegistry
with TaskRegistry(sys.argv[1]).lease(["lungs"]):
    child = os.fork()
    if not child:
        sys.exit()  # leaves the block
    assert os.waitpid(child, 0)[1] == 0
    print("held", flush=True)
    sys.stdin.read()
"""


def test_17_14_a_forked_child_that_leaves_the_block_does_not_end_its_parents_lease(registry: TaskRegistry) -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING, str(registry.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(TaskInUseError, match=f"process {process.pid} "):
            registry.remove_task("lungs")
        process.communicate("")
    registry.remove_task("lungs")
    assert not list((registry.folder / "leases").iterdir())


def test_17_14_who_looks_at_leases_keeps_nobody_from_taking_one(
    registry: TaskRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the moment in which a lease is there and not locked yet, it has no name that others would look at."""
    real = fcntl.flock
    looking: list[Path] = []

    def flock(descriptor: int, operation: int) -> None:
        if operation & fcntl.LOCK_EX and Path(f"/proc/self/fd/{descriptor}").readlink().parent.name == "leases":
            looking.extend((registry.folder / "leases").glob("*.lease"))
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with registry.lease(["lungs"]):
        assert len(live_leases(registry.folder / "leases")) == 1
    assert looking == []


def test_two_who_look_at_a_dead_lease_do_not_take_each_other_for_its_holder(registry: TaskRegistry) -> None:
    with registry.lease(["lungs"]):
        (path,) = (registry.folder / "leases").iterdir()
        data = path.read_bytes()
    path.write_bytes(data)
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert live_leases(path.parent) == {}
