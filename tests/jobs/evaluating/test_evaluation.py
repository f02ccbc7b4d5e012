"""What is said of an evaluation's numbers."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from piggygan.evaluation.intervals import MeanInterval, PairedComparison, mean_interval
from piggygan.jobs.evaluating.evaluation import Case, Comparison, Evaluation, notes_on, summarized

CASES = (
    Case("b", "ann", 10, 20, {"dice": 0.5, "hd95": 8.0}),
    Case("a", "ann", 10, 20, {"dice": 0.5, "hd95": None}),
    Case("c", "bob", 10, 20, {"dice": 0.9, "hd95": 2.0}),
)
DICE = summarized("dice", [0.5, 0.5, 0.9], mean_interval([0.5, 0.5, 0.9], ["ann", "ann", "bob"]))
EVALUATION = Evaluation(
    "lungs", "runs/exp/registry", "ab" * 32, "masks", "dice", {"size": "16"}, "pixels", "2 pixels", "cd" * 32,
    CASES, (), {"dice": DICE}, {"dice": 0.7},
)  # fmt: skip


def test_the_worst_case_is_that_of_the_worse_score() -> None:
    assert (DICE.worst, DICE.best, DICE.median) == (0.5, 0.9, 0.5)
    distance = summarized("hd95", [8.0, 2.0], mean_interval([8.0, 2.0]))
    assert (distance.worst, distance.best) == (8.0, 2.0)
    assert [case.name for case in EVALUATION.from_worst()] == ["a", "b", "c"]
    by_l1 = replace(
        EVALUATION, headline="l1", cases=tuple(Case(n, None, 1, 1, {"l1": v}) for n, v in (("x", 0.1), ("y", 0.3)))
    )
    assert [case.name for case in by_l1.from_worst()] == ["y", "x"]


def test_patients_are_counted_where_all_are_known() -> None:
    assert EVALUATION.patients == 2
    assert replace(EVALUATION, cases=(*CASES, replace(CASES[0], patient=None))).patients is None


def test_a_row_a_case_and_an_empty_cell_where_a_score_is_not_defined() -> None:
    rows = list(csv.reader(io.StringIO(EVALUATION.to_csv().decode())))
    assert rows[0] == ["name", "patient", "rows", "columns", "dice", "hd95"]
    assert rows[2] == ["a", "ann", "10", "20", "0.5", ""]


def test_the_json_is_whole_and_strict() -> None:
    parsed = json.loads(EVALUATION.to_json(), parse_constant=pytest.fail)
    assert parsed["cases"][1]["scores"] == {"dice": 0.5, "hd95": None}
    assert parsed["summaries"]["dice"]["mean"]["patients"] == 2
    assert parsed["comparison"] is None
    assert EVALUATION.means == {"dice": pytest.approx(1.9 / 3)}


@pytest.mark.parametrize(
    ("name", "low", "high", "verdict"),
    [
        ("dice", 0.01, 0.05, "better"),
        ("dice", -0.05, -0.01, "worse"),
        ("hd95", -3.0, -1.0, "better"),
        ("hd95", 1.0, 3.0, "worse"),
        ("dice", -0.01, 0.05, "not sure"),
        ("dice", None, None, "not sure"),
    ],
)
def test_a_difference_is_called_by_whether_its_interval_holds_zero(
    name: str, low: float | None, high: float | None, verdict: str
) -> None:
    mean = 0.02 if low is None or high is None else (low + high) / 2
    difference = MeanInterval(mean, low, high, 9, 9)
    comparison = Comparison("other", "r", "ef" * 32, {}, {name: PairedComparison(difference, 0.01)})
    assert comparison.verdict(name) == verdict


def test_what_makes_numbers_doubtful_is_said() -> None:
    said = notes_on({"dice": DICE}, CASES, refused=2, one_sided=1)
    assert [note.split(":")[0] for note in said] == [
        "There are 2 patients", "2 of 5 files could not be scored; means are of the others.",
        "In 1 of 3 cases one of the two masks is empty",
    ]  # fmt: skip
    many = summarized("dice", [0.5, 0.6], MeanInterval(0.5, 0.4, 0.6, 60, 60))
    assert notes_on({"dice": many}, CASES, refused=0, one_sided=0) == []
    one = summarized("dice", [0.5, 0.6], mean_interval([0.5, 0.6], ["ann", "ann"]))
    assert notes_on({"dice": one}, CASES, refused=0, one_sided=0) == [
        "All files are of one patient: there is no interval."
    ]
    strangers = [replace(case, patient=None) for case in CASES]
    assert notes_on({"dice": many}, strangers, refused=0, one_sided=0)[0].startswith("Nobody said whose file each is")
