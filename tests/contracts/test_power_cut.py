"""E6 on a real file system: the power goes at any moment, and of what was said to be safe nothing is lost.

A program writes to an ext4 on a loop device; meanwhile the device's blocks are copied, each copy taken only if no block
was written while it was made. It is what a disk without a cache of its own holds when the power goes. Each copy is
repaired as a machine does when it starts, mounted, and read. The same without fsync must lose something, or the test
proves nothing.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from piggygan.errors import PiggyganError
from piggygan.registry import TaskRegistry
from piggygan.training.checkpoints.folder import CheckpointFolder

WRITER = Path(__file__).with_name("power_cut_writer.py")
SIZE = 24 * 2**20
CUTS = 100

pytestmark = pytest.mark.slow


def run(*command: str | Path) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode > 1:  # e2fsck says 1 of what it has put right
        raise OSError(f"{command[0]}: {done.stderr or done.stdout}")
    return done.stdout.strip()


@contextmanager
def mounted(image: Path, folder: Path, *options: str) -> Iterator[str]:
    """Mount an image on a loop device; give the device's name."""
    device = run("losetup", "--find", "--show", image)
    try:
        folder.mkdir(exist_ok=True)
        run("mount", *options, device, folder)
        try:
            yield device.removeprefix("/dev/")
        finally:
            run("umount", folder)
    finally:
        run("losetup", "--detach", device)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Make a small ext4, where that is possible; in memory if there is room, since copies must be quick."""
    needed = ("mkfs.ext4", "e2fsck", "losetup", "mount")
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists() or not all(map(shutil.which, needed)):
        pytest.skip("needs root, loop devices and e2fsprogs")
    image = tmp_path / "disk"
    image.touch()
    os.truncate(image, SIZE)
    run("mkfs.ext4", "-q", "-b", "1024", "-J", "size=4", image)
    try:
        with mounted(image, tmp_path / "tried"):
            pass
    except OSError as error:
        pytest.skip(f"no loop device can be mounted here: {error}")
    return image


def written(device: str) -> tuple[str, str]:
    """Give how many writes a device has ended, and how many are on their way."""
    fields = Path(f"/sys/block/{device}/stat").read_text().split()
    return fields[4], fields[8]


def cut(image: Path, device: str, copy: Path, log: Path) -> int:
    """Copy the blocks at one moment; give how many writing calls had ended before it."""
    while True:
        safe, before = len(log.read_text().splitlines()), written(device)
        shutil.copyfile(image, copy)
        if before == written(device) and before[1] == "0":
            return safe


def cuts(disk: Path, folder: Path, what: str, syncs: str, count: int) -> Generator[tuple[Path, int], None, None]:
    """Cut the power so many times while a program writes; it goes on, only the copies know."""
    log, copy, chance = folder / "log", folder / "copy", random.Random(0)
    log.touch()
    with mounted(disk, folder / "mounted", "-o", "commit=1") as device:
        writer = subprocess.Popen([sys.executable, WRITER, folder / "mounted", log, what, syncs])
        try:
            while not log.read_text():
                assert writer.poll() is None
                time.sleep(0.01)
            for _ in range(count):
                time.sleep(chance.uniform(0, 0.2))
                yield copy, cut(disk, device, copy, log)
                assert writer.poll() is None
        finally:
            writer.kill()
            writer.wait()


def tasks_left(folder: Path) -> int:
    """Say how many tasks are left; fail if one is damaged."""
    registry = TaskRegistry(folder)
    found = registry.verify_files()
    assert found.is_sound, list(found)
    registry.load(registry.tasks[-1:])
    return len(registry.tasks)


def checkpoints_left(folder: Path) -> int:
    """Say how many checkpoints were saved, by the newest one; fail if that cannot be read."""
    found = CheckpointFolder(folder, keep_last=2).newest_whole("last")
    assert found is not None
    stored, document, tensors = found
    assert stored.position == (document["number"] + 1, 0)
    assert bool((tensors["weights"] == document["number"]).all())
    return stored.position[0]


LEFT: dict[str, Callable[[Path], int]] = {"registry": tasks_left, "checkpoints": checkpoints_left}


def lost(copies: Iterator[tuple[Path, int]], folder: Path, what: str) -> tuple[list[str], int]:
    """Start the machine again after each cut; say what was lost where, and at how many moments it was cut."""
    found, moments = [], set()
    for copy, safe in copies:
        moments.add(safe)
        run("e2fsck", "-f", "-y", copy)
        with mounted(copy, folder / "again"):
            try:
                left = LEFT[what](folder / "again" / what)
            except (AssertionError, PiggyganError, OSError) as error:
                found.append(str(error))
            else:
                if left < safe:
                    found.append(f"{left} of {safe} are left")
    return found, len(moments)


@pytest.mark.parametrize("what", LEFT)
def test_e06_after_a_power_cut_all_that_was_safe_is_there_and_sound(disk: Path, tmp_path: Path, what: str) -> None:
    with closing(cuts(disk, tmp_path, what, "yes", CUTS)) as copies:
        found, moments = lost(copies, tmp_path, what)
    assert found == []
    assert moments > CUTS / 2


@pytest.mark.parametrize("what", LEFT)
def test_e06_without_fsync_something_is_lost(disk: Path, tmp_path: Path, what: str) -> None:
    with closing(cuts(disk, tmp_path, what, "no", 20)) as copies:
        assert lost(copies, tmp_path, what)[0]
