"""A disk that is full at any stage of a training: one line, what was there is whole, and with room it goes on."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from piggygan.cli import main
from piggygan.jobs.folder import RunFolder
from piggygan.registry import TaskRegistry

SIZE = 2**24


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of 16 MiB."""
    place = tmp_path_factory.mktemp("disk")
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", place], check=True, capture_output=True)  # noqa: S607
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount a tmpfs")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)  # noqa: S607


def train(folder: Path, data: Path) -> int:
    words = f"train {folder} --task lungs --data {data} --batch-size 2 --epochs 3 --commit-anyway --keep-checkpoints"
    return main(words.split())


def came_to(folder: Path) -> dict[str, Any]:
    result = json.loads(RunFolder.at(folder).task("lungs").result.read_text(encoding="utf-8"))
    return {name: result[name] for name in ("digests", "scores", "epochs", "kept", "start_from", "fingerprint")}


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory, once_learned: Path, lung_films: Path) -> tuple[int, Any]:
    """How many bytes a training takes that nothing stops, and what comes of it."""
    folder = Path(shutil.copytree(once_learned, tmp_path_factory.mktemp("straight") / "exp"))
    assert train(folder, lung_films) == 0
    return used(folder) - used(once_learned), came_to(folder)


def used(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "share",
    [
        0.0,
        0.05,
        0.6,
        *(pytest.param(share, marks=pytest.mark.slow) for share in (0.01, 0.1, 0.2, 0.35, 0.5, 0.7, 0.8, 0.9)),
    ],
)
def test_a_disk_that_is_full_is_one_line_and_with_room_the_same_line_ends_as_if_nothing_had_been(
    share: float,
    disk: Path,
    once_learned: Path,
    lung_films: Path,
    straight: tuple[int, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    needed, expected = straight
    shutil.rmtree(disk / "exp", ignore_errors=True)
    folder = Path(shutil.copytree(once_learned, disk / "exp"))
    with (disk / "filling").open("wb") as file:
        file.write(b"x" * (shutil.disk_usage(disk).free - int(share * needed)))
    code = train(folder, lung_films)
    printed = capsys.readouterr()
    (disk / "filling").unlink()
    assert code == 2
    (said,) = (line for line in printed.err.splitlines() if line.startswith("piggygan: "))
    assert "No space left on device" in said
    assert "Traceback" not in printed.err
    assert not list(disk.rglob("*.tmp"))
    registry = TaskRegistry(folder / "registry")
    assert registry.tasks[0] == "facades"
    assert registry.verify().is_sound
    assert not RunFolder.at(folder).task("lungs").result.exists()
    assert train(folder, lung_films) == 0
    assert came_to(folder) == expected
    assert registry.tasks == ("facades", "lungs")
    assert registry.verify().is_sound
