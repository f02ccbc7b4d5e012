"""A prediction that is killed, whenever it is, goes on; what it writes in the end is what it would have written."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import piggygan as pg
from piggygan.prediction import PredictionOptions
from piggygan.prediction.folder import JOURNAL, STAGING
from piggygan.registry import TaskRegistry

MOMENT = "1700000000"
"""What all runs take for now, so that segmentations say the same time."""


@pytest.fixture
def registry(tmp_path: Path) -> TaskRegistry:
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=3, width=4, out_channels=1), "lungs")
    model.freeze_task("lungs")
    registry = TaskRegistry(tmp_path / "clinic")
    registry.commit(model, "lungs", image_size=16)
    return registry


def draw_films(folder: Path, count: int, write_film: Callable[..., Path], dicom: int = 0) -> Path:
    """Draw noise in folders below a folder, some of it as DICOM, and a broken film."""
    numbers = np.random.default_rng(count)
    for number in range(count):
        pixels = numbers.integers(0, 256, (24, 32), dtype=np.uint8)
        place = folder / f"{number % 7}"
        place.mkdir(parents=True, exist_ok=True)
        if number < dicom:
            write_film(place / f"{number}.dcm", pixels)
        else:
            Image.fromarray(pixels).save(place / f"{number}.png")
    (folder / "0/broken.png").write_bytes(b"no picture")
    return folder


def outputs(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.parent != out
    }


def killed(out: Path, predict: Callable[[], object], records: int, delay: float) -> bool:
    """Predict in a process that is killed when the journal has so many lines; say whether it was."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of forks beside threads
        child = os.fork()
    if not child:
        try:
            predict()
        finally:
            os._exit(0)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        if (out / JOURNAL).exists() and (out / JOURNAL).read_bytes().count(b"\n") >= records:
            break
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def test_22_forty_films_killed_three_times_come_out_as_if_nothing_had_been(
    registry: TaskRegistry, tmp_path: Path, write_film: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("highdicom")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", MOMENT)
    films, out = draw_films(tmp_path / "films", 40, write_film, dicom=6), tmp_path / "out"

    def predict(out: Path = out) -> pg.prediction.PredictionSummary:
        return pg.predict(registry, "lungs", films, out, PredictionOptions(), recursive=True, workers=0)

    undisturbed = predict(tmp_path / "undisturbed")
    chance = random.Random(0)
    kills = sum(killed(out, predict, records, chance.random() * 0.02) for records in (3, 12, 25))
    assert kills == 3
    assert not (out / "summary.json").exists()
    before = {path: path.stat().st_ino for path in out.rglob("*.png") if STAGING not in path.parts}
    found = predict()
    assert outputs(out) == outputs(tmp_path / "undisturbed")
    assert [path.stat().st_ino for path in before] == list(before.values())  # these were not made again
    assert found.predicted == undisturbed.predicted
    assert [file.error for file in found.refused] == ["ImageError"]
    assert [run.ended is None for run in found.runs] == [True, True, True, False]
    assert not (out / STAGING).exists()


@pytest.mark.slow
def test_22_two_thousand_films_killed_twenty_times_come_out_as_if_nothing_had_been(
    registry: TaskRegistry, tmp_path: Path, write_film: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here and with workers, whatever it is doing: reading, writing, checking what is there."""
    pytest.importorskip("highdicom")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", MOMENT)
    films, out = draw_films(tmp_path / "films", 2000, write_film, dicom=100), tmp_path / "out"

    def predict(out: Path = out, workers: int = 0) -> pg.prediction.PredictionSummary:
        return pg.predict(registry, "lungs", films, out, PredictionOptions(), recursive=True, workers=workers)

    predict(tmp_path / "undisturbed")
    chance = random.Random(0)
    for number, records in enumerate(sorted(chance.randrange(2, 2000) for _ in range(20))):
        workers = int(number % 5 == 4)
        assert killed(out, lambda workers=workers: predict(workers=workers), records, chance.random() * 0.05)  # type: ignore[misc]
    found = predict()
    assert outputs(out) == outputs(tmp_path / "undisturbed")
    assert len(outputs(out)) == 2 * 2000 + 100
    assert [run.ended is None for run in found.runs] == [True] * 20 + [False]


def peak_of(*words: str) -> int:
    """Predict by the command line, and return the most memory that its process held, in MiB."""
    program = "import resource, sys; from piggygan.cli import main; main(sys.argv[1:]); "
    program += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    done = subprocess.run([sys.executable, "-c", program, *words], check=True, capture_output=True, text=True)
    return int(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_22_memory_does_not_grow_with_the_films_that_are_done(
    registry: TaskRegistry, tmp_path: Path, write_film: Callable[..., Path], workers: str
) -> None:
    words = ["predict", str(registry.folder), "--task", "lungs", "--recursive", "--workers", workers]
    peaks = {}
    for count in (200, 2000):
        films = draw_films(tmp_path / f"films{count}", count, write_film)
        peaks[count] = peak_of(*words, str(films), "--out", str(tmp_path / f"out{count}"))
    assert peaks[2000] < peaks[200] + 12, peaks  # of which the list of files takes one


@pytest.mark.slow
def test_22_ten_thousand_tiny_files_that_are_no_films_are_said_one_by_one(
    registry: TaskRegistry, tmp_path: Path, write_film: Callable[..., Path]
) -> None:
    films = draw_films(tmp_path / "films", 3, write_film)
    for number in range(10_000):
        (films / f"tiny{number}.png").write_bytes(b"tiny")
    found = pg.predict(registry, "lungs", films, tmp_path / "out", recursive=True, workers=0)
    assert len(found.predicted) == 3
    assert {file.error for file in found.refused} == {"ImageError"}
    assert len(found.refused) == 10_001
