"""What scored most is first, whatever failed is last, and the choice is said to be the validation side's."""

from __future__ import annotations

import csv
import json
import statistics
from dataclasses import replace
from pathlib import Path

import pytest

from piggygan.jobs.folder import RunFolder
from piggygan.jobs.sweeping.ranking import CHOSEN_BY_VALIDATION, rank
from piggygan.jobs.sweeping.trial import Trial
from piggygan.jobs.training.result import TrainedTask, write_result

SCORES = {0.1: (0.80, 0.82), 0.2: (0.90, 0.94), 0.3: (0.91, 0.95), 0.4: (0.99,)}


@pytest.fixture
def trials(straight: TrainedTask, tmp_path: Path) -> list[Trial]:
    """Two seeds of four rates; one seed of the highest rate failed."""
    made = []
    for rate, scores in SCORES.items():
        for seed in (0, 1):
            trial = Trial("lungs", {"learning_rate": rate}, seed, tmp_path / f"{rate}-{seed}")
            if seed < len(scores):
                files = RunFolder.at(trial.folder).task("lungs")
                files.root.mkdir(parents=True)
                notes = ("'lungs' is not learned: after 3 epochs",) if rate == 0.1 else ()
                write_result(files, replace(straight, scores={"val": {"dice": scores[seed]}}, notes=notes))
            else:
                trial.note(MemoryError("there is no room"))
            made.append(trial)
    return made


def test_the_mean_over_seeds_decides_and_what_failed_is_last(trials: list[Trial], tmp_path: Path) -> None:
    words = {f"learning_rate={rate:g}": ["--learning-rate", str(rate)] for rate in SCORES}
    swept = rank("lungs", trials, ["piggygan", "train", "my exp"], words)
    assert [one.setting["learning_rate"] for one in swept.ranked] == [0.3, 0.2, 0.1, 0.4]
    assert (swept.kind, swept.score, swept.is_complete) == ("masks", "dice", False)
    assert swept.ranked[0].mean == pytest.approx(0.93)
    assert swept.ranked[0].spread == pytest.approx(statistics.stdev(SCORES[0.3]))
    assert swept.best == "piggygan train 'my exp' --learning-rate 0.3"
    lines = swept.lines()
    assert lines[0].split() == ["setting", "val", "dice", "spread", "seeds", "MB", "seconds"]
    assert lines[1].split()[:4] == ["learning_rate=0.3", "0.93", "0.028", "2"]
    assert "2 not learned" in lines[3]
    assert "1 of 2" in lines[4]
    assert lines[5] == "failed: learning_rate=0.4, seed 1: there is no room"
    assert lines[6].startswith("The first two differ by less than their seeds do")
    assert lines[7:] == [CHOSEN_BY_VALIDATION, swept.best]
    swept.write(tmp_path)
    assert json.loads((tmp_path / "sweep.json").read_text())["ranked"][0]["scores"] == {"0": 0.91, "1": 0.95}
    rows = [*csv.DictReader((tmp_path / "sweep.csv").read_text().splitlines())]
    assert len(rows) == 8
    assert rows[-1] == {
        "learning_rate": "0.4", "seed": "1", "val_dice": "", "learned": "", "failed": "there is no room",
        "folder": str(tmp_path / "0.4-1"),
    }  # fmt: skip
    assert [row["learned"] for row in rows] == ["True"] * 4 + ["False"] * 2 + ["True", ""]


def test_scores_of_which_less_is_better_are_turned(trials: list[Trial], straight: TrainedTask) -> None:
    for trial, l1 in zip(trials[:4], (0.2, 0.2, 0.1, 0.1), strict=True):
        files = RunFolder.at(trial.folder).task("lungs")
        write_result(files, replace(straight, kind="pairs", scores={"val": {"l1": l1}}))
    swept = rank("lungs", trials[:4], [], {"learning_rate=0.1": [], "learning_rate=0.2": []})
    assert [one.mean for one in swept.ranked] == [0.1, 0.2]
    assert len(swept.lines()) == 5  # nothing is open between seeds that do not differ


def test_where_nothing_was_learned_there_is_no_best(tmp_path: Path) -> None:
    trial = Trial("lungs", {}, 0, tmp_path / "new")
    swept = rank("lungs", [trial], [], {"as given": []})
    assert (swept.best, swept.ranked[0].failed) == (None, {0: "not learned yet"})
    assert swept.lines()[-1] == "failed: as given, seed 0: not learned yet"
