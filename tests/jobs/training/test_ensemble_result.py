"""What came of an ensemble, in words and on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from piggygan.errors import ConfigurationError
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.records import write_record
from piggygan.jobs.training.beginning import Cost
from piggygan.jobs.training.ensemble_result import TrainedEnsemble, read_ensemble

RESULT = TrainedEnsemble(
    ensemble="lungs",
    members=("lungs-1", "lungs-2"),
    bank=("facades",),
    kind="masks",
    scores={"folds": {"dice": 0.8}, "test": {"dice": 0.93}},
    of_members={"lungs-1": {"dice": 0.91}, "lungs-2": {"dice": 0.92}},
    floor={"dice": 0.7},
    disagreement=0.0421,
    cost=Cost(1000, 0.58, 4000),
    notes=(),
    finished="2026-11-27",
)


def test_it_says_what_the_mean_scores_beside_each_member_and_what_all_store() -> None:
    assert str(RESULT).splitlines() == [
        "folds kept back, averaged: dice 0.8",
        "test, mean of 2: dice 0.93",
        "test, dice of each member: 0.91, 0.92; they disagree by 0.0421",
        "stored: 1,000 parameters, 0.58 networks in all",
    ]


def test_an_ensemble_that_scores_no_more_than_one_answer_is_not_learned() -> None:
    assert RESULT.is_learned is True
    assert "NOT LEARNED" in str(replace(RESULT, floor={"dice": 0.95}))
    untested = replace(RESULT, scores={"folds": {"dice": 0.8}}, floor={}, disagreement=None)
    assert untested.is_learned is None
    assert "test" not in str(untested)


def test_it_is_read_as_it_was_written_and_what_is_damaged_is_refused(tmp_path: Path) -> None:
    files = RunFolder.at(tmp_path / "exp").task("lungs")
    assert read_ensemble(files) is None
    files.root.mkdir(parents=True)
    write_record(files.result, RESULT)
    assert read_ensemble(files) == RESULT
    files.result.write_text("{}")
    with pytest.raises(ConfigurationError, match="start the same again"):
        read_ensemble(files)
