"""A newer version is scored on the older one's test films, without those that it learned from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from piggygan.cli import main
from piggygan.jobs.training.run import train_task
from piggygan.registry import TaskRegistry


def test_tasks_shows_the_line_of_descent_and_the_scores_on_the_older_test_films(
    straight_run: Path, lung_films: Path, tmp_path: Path, small: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(straight_run, tmp_path / "exp"))
    films = Path(shutil.copytree(lung_films, tmp_path / "more"))
    sides = json.loads((films / "splits.json").read_text())
    (test, learned) = sides["test"]
    newer = {"train": [*sides["train"], learned], "val": sides["val"], "test": [test]}
    (films / "splits.json").write_text(json.dumps(newer))
    found = train_task(run, "lungs@2", small(films, epochs=1), progress=False)
    assert found.start_from == "lungs"
    registry = TaskRegistry(run / "registry")
    scores = registry.describe("lungs@2").scores
    assert scores["dice on lungs"] == pytest.approx(scores["dice"])  # of the one film that is left
    (note,) = [note for note in found.notes if "test films of 'lungs'" in note]
    assert note.startswith("On 1 of 2 test films of 'lungs', those that were not learned from, dice is ")
    assert main(["tasks", str(run)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "lungs: lungs -> lungs@2" in lines
    assert f"  on the test films of lungs: dice of lungs@2 {scores['dice on lungs']:.4g}" in lines


def test_of_an_older_version_whose_folder_is_gone_nothing_is_said(
    straight_run: Path, lung_films: Path, tmp_path: Path, small: Any
) -> None:
    run = Path(shutil.copytree(straight_run, tmp_path / "exp"))
    shutil.rmtree(run / "tasks/lungs")
    found = train_task(run, "lungs@2", small(lung_films, epochs=1), progress=False)
    assert any("nothing compares the two" in note for note in found.notes)
    assert "dice on lungs" not in TaskRegistry(run / "registry").describe("lungs@2").scores
