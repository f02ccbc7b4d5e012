"""A disk that is really full, of bytes or of inodes: what is refused is typed, and what was there is whole."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from piggygan.cli import main
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry

SIZE = 2**21
INODES = 64


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of 2 MiB and 64 inodes."""
    place = tmp_path_factory.mktemp("disk")
    options = f"size={SIZE},nr_inodes={INODES}"
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True, capture_output=True)  # noqa: S607
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount a tmpfs")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)  # noqa: S607


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry, a copy of it with damage, a task in a file and a .pth, where there is room."""
    folder = tmp_path_factory.mktemp("outside")
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(depth=5, width=4, norm="batch"), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", out_channels=1)
    model.freeze_task("lungs")
    registry = TaskRegistry(folder / "clinic")
    registry.commit(model, "facades")
    shutil.copytree(folder / "clinic", folder / "base")
    registry.commit(model, "lungs")
    registry.export_task("lungs", folder / "lungs.safetensors")
    assert main(["export-pix2pix", str(folder / "clinic"), str(folder / "facades.pth"), "--task", "facades"]) == 0
    shutil.copytree(folder / "clinic", folder / "damaged")
    shutil.rmtree(folder / "damaged" / "objects")
    return folder


def fill(disk: Path, left: int) -> None:
    """Fill the disk but for some bytes."""
    with (disk / "filling").open("wb") as file:
        free = shutil.disk_usage(disk).free
        file.write(b"x" * max(0, free - left))


def use_up_inodes(disk: Path, left: int) -> None:
    """Make files until there may be only so many more."""
    made = []
    try:
        for number in range(INODES + 1):
            made.append(disk / f"empty{number}")
            made[-1].touch()
    except OSError as error:
        assert error.errno == errno.ENOSPC  # noqa: PT017
    for path in made[:left]:
        path.unlink(missing_ok=True)


COMMANDS = {
    "import": ("base", "import {here} {outside}/lungs.safetensors"),
    "import-pix2pix": (None, "import-pix2pix {outside}/facades.pth {here} --task facades"),
    "export": ("clinic", "export {here} lungs {here}.safetensors"),
    "export-pix2pix": ("clinic", "export-pix2pix {here} {here}.pth --task lungs"),
    "remove": ("clinic", "remove {here} lungs"),
    "gc": ("clinic", "gc {here}"),
    "repair": ("damaged", "repair {here} --from {outside}/clinic"),
    "sign": ("clinic", "sign {here} facades --key {outside}/signing.pem"),
}
LEVELS: dict[str, Callable[[Path], None]] = {
    "no byte": lambda disk: fill(disk, 0),
    "a page": lambda disk: fill(disk, 4096),
    "some pages": lambda disk: fill(disk, 2**15),
    "much": lambda disk: fill(disk, 2**17),
    "no inode": lambda disk: use_up_inodes(disk, 0),
    "one inode": lambda disk: use_up_inodes(disk, 1),
    "three inodes": lambda disk: use_up_inodes(disk, 3),
}
NO_ROOM = {(command, level) for command in ("import", "export", "repair") for level in ("no byte", "no inode")}
"""Where nothing can be done."""


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("command", COMMANDS)
def test_e03_on_a_full_disk_every_command_is_refused_in_one_line_or_done_and_the_old_state_is_whole(
    disk: Path, outside: Path, command: str, level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if command == "sign":
        pytest.importorskip("cryptography")
        if not (outside / "signing.pem").exists():
            assert main(["new-key", str(outside / "signing.pem")]) == 0
    for path in disk.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    start, words = COMMANDS[command]
    here = disk / "here"
    if start:
        shutil.copytree(outside / start, here)
    before = TaskRegistry(here).tasks
    LEVELS[level](disk)
    capsys.readouterr()
    code = main([word.format(here=here, outside=outside) for word in words.split()])
    printed = capsys.readouterr()
    assert code == 2 or (command, level) not in NO_ROOM
    assert "Traceback" not in printed.err
    if code == 2:
        assert printed.err.count("\n") == 1
        assert TaskRegistry(here).tasks == before
        assert not list(disk.rglob("*.tmp"))
        assert not (disk / "here.safetensors").exists()
        assert not (disk / "here.pth").exists()
    if start != "damaged" and TaskRegistry(here).tasks:
        assert TaskRegistry(here).verify().is_sound
    for path in (*disk.glob("filling"), *disk.glob("empty*")):
        path.unlink()
    if code == 2:  # with room it is done
        assert main([word.format(here=here, outside=outside) for word in words.split()]) == 0
        assert TaskRegistry(here).verify().is_sound
