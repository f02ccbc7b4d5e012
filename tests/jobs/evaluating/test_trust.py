"""What a task says of itself against the truth: for an ensemble and a calibrated task, on the page, in the table."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import pytest
import torch
from scipy.stats import spearmanr

from piggygan.cli import main
from piggygan.evaluation.temperature import CALIBRATION, temperature_tensors
from piggygan.jobs.data import DataConfig
from piggygan.jobs.evaluating.run import evaluate_task
from piggygan.jobs.evaluating.trust import Trusting, rank_correlation
from piggygan.prediction.ensemble import Pooled
from piggygan.registry import Member, TaskRegistry
from tests.jobs.conftest import SIZE


@pytest.fixture
def boxes(clinic: TaskRegistry, tmp_path: Path) -> Path:
    """The clinic with an ensemble of two, and lungs that are calibrated."""
    registry = TaskRegistry(shutil.copytree(clinic.folder, tmp_path / "registry"))
    registry.attach("lungs", CALIBRATION, temperature_tensors(2.0))
    torch.manual_seed(1)
    model = registry.load(["facades"])
    for number in (1, 2):
        task = f"boxes-{number}"
        model.add_task(task, out_channels=1, draws_on=["facades"])
        with torch.no_grad():
            for parameter in model.task_parameters(task):
                parameter += 0.3 * torch.randn(parameter.shape)
        model.freeze_task(task)
        attached = {CALIBRATION: temperature_tensors(1.0 + number)}
        registry.commit(model, task, image_size=SIZE, member=Member("boxes", number, 2), attachments=attached)
    return registry.folder


def test_an_ensemble_is_scored_by_its_mean_and_its_word_is_held_against_the_truth(
    boxes: Path, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["evaluate", str(boxes), "--task", "boxes", "--data", str(films), "--out", str(tmp_path / "out")]
    assert main(line) == 0
    assert "note: Rank correlation of expected Dice with Dice: " in capsys.readouterr().out
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out/cases.csv").read_text())))
    found = evaluate_task(boxes, "boxes", DataConfig(data=films))
    assert found.trust is not None
    expected, dice = ([float(row[name]) for row in rows] for name in ("expected_dice", "dice"))
    assert found.trust.rank_correlation == pytest.approx(spearmanr(expected, dice).statistic)
    assert found.trust.disagreement == pytest.approx(sum(float(row["disagreement"]) for row in rows) / len(rows))
    assert sum(one.pixels for one in found.trust.bins) == sum(int(r["rows"]) * int(r["columns"]) for r in rows)
    page = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert "How far its own word can be trusted" in page
    assert "Reliability: " in page
    assert found.as_dict()["trust"]["bins"][0]["pixels"] == found.trust.bins[0].pixels


def test_one_task_has_no_members_and_one_that_is_not_calibrated_says_nothing(boxes: Path, films: Path) -> None:
    calibrated = evaluate_task(boxes, "lungs", DataConfig(data=films))
    assert calibrated.trust is not None
    assert calibrated.trust.disagreement is None
    plain = evaluate_task(boxes, "hearts", DataConfig(data=films))
    assert plain.trust is None
    assert b"expected_dice" not in plain.to_csv()
    assert {case.expected_dice for case in plain.cases} == {None}


def test_the_pinned_first_version_predicts_at_its_own_size(boxes: Path, films: Path) -> None:
    registry = TaskRegistry(boxes)
    model = registry.load(["lungs"])
    model.add_task("lungs@2", out_channels=1, draws_on=["facades", "lungs"])
    model.freeze_task("lungs@2")
    registry.commit(model, "lungs@2", image_size=2 * SIZE)
    sizes = [evaluate_task(boxes, task, DataConfig(data=films)).settings["size"] for task in ("lungs", "lungs@2")]
    assert sizes == [str(SIZE), str(2 * SIZE)]


def test_a_correlation_of_what_never_changes_is_unknown() -> None:
    assert rank_correlation([0.5, 0.5], [0.1, 0.2]) is None
    assert rank_correlation([0.5], [0.1]) is None
    assert rank_correlation([1, 2, 2, 5], [4, 3, 3, 1]) == -1.0


def test_what_says_nothing_is_not_counted() -> None:
    gathered = Trusting()
    gathered.add(Pooled(torch.zeros(1, 2, 2)), torch.zeros(1, 2, 2), 0.5)
    assert gathered.found() is None
