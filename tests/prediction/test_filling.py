"""A folder filled: in parts, from folders below folders, by workers, until the disk is full and after that."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import piggygan as pg
from piggygan.errors import ConfigurationError, PredictionError
from piggygan.prediction import PredictionOptions, PredictionSummary
from piggygan.prediction import making as making_module
from piggygan.registry import TaskRegistry

SMALL = PredictionOptions(size=32)


@pytest.fixture
def films(tmp_path: Path) -> Path:
    numbers = np.random.default_rng(0)
    for number in range(12):
        place = tmp_path / f"films/{number % 3}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(numbers.integers(0, 256, (20, 30), dtype=np.uint8)).save(place / f"{number}.png")
    return tmp_path / "films"


def predict(registry: TaskRegistry, films: Any, out: Path, **named: Any) -> PredictionSummary:
    return pg.predict(registry, "lungs", films, out, SMALL, **{"recursive": True, **named})


def masks(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.glob("*/**/*.png")}


def test_folders_below_keep_their_names_and_links_and_the_output_are_passed_by(
    registry: TaskRegistry, films: Path
) -> None:
    (films / "loop").symlink_to(films, target_is_directory=True)
    (films / ".hidden").mkdir()
    (films / ".hidden/a.png").touch()
    for _ in range(2):
        found = predict(registry, films, films / "predicted")
        assert len(found.predicted) == 12
    assert {Path(file.outputs["masks"]).parent.name for file in found.predicted} == {"0", "1", "2"}
    passed = {Path(entry.source).name: entry.reason for entry in found.passed_by}
    assert passed == {
        "loop": "is a link to a folder; links to folders are not followed",
        "predicted": "is the output folder",
    }


def test_parts_are_together_what_one_prediction_is(registry: TaskRegistry, films: Path, tmp_path: Path) -> None:
    whole = predict(registry, films, tmp_path / "whole")
    parts: dict[str, bytes] = {}
    for number in (1, 2, 3):
        found = predict(registry, films, tmp_path / f"part{number}", part=f"{number}/3")
        assert [run.part for run in found.runs] == [f"{number}/3"]
        assert not parts.keys() & masks(tmp_path / f"part{number}").keys()
        parts |= masks(tmp_path / f"part{number}")
    assert parts == masks(tmp_path / "whole")
    assert len(whole.predicted) == 12


def test_what_is_written_does_not_depend_on_workers(registry: TaskRegistry, films: Path, tmp_path: Path) -> None:
    here = predict(registry, films, tmp_path / "here", workers=0)
    apart = predict(registry, films, tmp_path / "apart", workers=1)
    assert masks(tmp_path / "here") == masks(tmp_path / "apart")
    assert here.predicted == apart.predicted
    assert [run.workers for run in (*here.runs, *apart.runs)] == [0, 1]


def test_the_same_film_under_two_names_is_two_films(registry: TaskRegistry, films: Path, tmp_path: Path) -> None:
    (films / "0/again.png").write_bytes((films / "0/0.png").read_bytes())
    found = predict(registry, [films, films / "0/0.png", str(films / "0/0.png")], tmp_path / "out")
    digests = [file.sha256 for file in found.predicted]
    assert (len(digests), len(set(digests))) == (13, 12)  # and what is given twice is one


@pytest.mark.parametrize("spared", [0, 5])
def test_a_full_disk_stops_all_and_what_is_there_is_whole_and_goes_on_later(
    registry: TaskRegistry, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spared: int
) -> None:
    predict(registry, films, tmp_path / "whole")
    sync, left = os.fsync, spared * 3

    def full(descriptor: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(making_module.os, "fsync", full)
        with pytest.raises(PredictionError, match="No space left"):
            predict(registry, films, tmp_path / "out", workers=0)
    assert masks(tmp_path / "whole").items() >= masks(tmp_path / "out").items()
    found = predict(registry, films, tmp_path / "out")
    assert masks(tmp_path / "whole") == masks(tmp_path / "out")
    assert len(found.predicted) == 12
    assert json.loads((tmp_path / "out/summary.json").read_text())["runs"][-1]["ended"] is not None


def test_a_file_of_two_gigabytes_costs_itself(registry: TaskRegistry, films: Path, tmp_path: Path) -> None:
    with (films / "huge.png").open("wb") as file:
        file.truncate(2 << 30)
    found = predict(registry, films, tmp_path / "out")
    assert [file.error for file in found.refused] == ["InputTooLargeError"]
    assert len(found.predicted) == 12


def test_fewer_than_no_workers_are_refused(registry: TaskRegistry, films: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="workers is -1"):
        predict(registry, films, tmp_path / "out", workers=-1)
    with pytest.raises(ConfigurationError, match="part is 'all'"):
        predict(registry, films, tmp_path / "out", part="all")
    assert not (tmp_path / "out").exists()
