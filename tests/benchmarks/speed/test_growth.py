"""What later tasks cost, on a small scale."""

import pytest

from benchmarks.speed import growth
from benchmarks.speed.children import Peak

MIB = 2**20


def peaks_by_task(subjects: list) -> list:
    return [Peak(100 * MIB * subject.tasks, MIB) for subject in subjects]


def test_every_task_is_set_against_the_first_under_every_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "measure_peaks", peaks_by_task)
    skipped: list[str] = []
    options = growth.Options(networks=("unet",), size=16, width=8, seconds=0.0, tasks=(2, 5))
    rows = growth.measure(options, skipped)
    assert skipped == []
    assert [(row["bank bound"], row["task"]) for row in rows] == [
        (bound, task) for bound in ("0.25 (default)", "1", "none") for task in (2, 5)
    ]
    assert [row["peak / first"] for row in rows] == [1.0, 2.5] * 3
    stored = {(row["bank bound"], row["task"]): row["stored MiB"] for row in rows}
    # The factors grow with the bank: a bound keeps them small.
    assert stored["0.25 (default)", 5] < stored["1", 5] < stored["none", 5]
    assert all(row["load ms"] > 0 for row in rows)


def test_a_failed_child_costs_one_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure_peaks(subjects: list) -> list:
        return ["killed", *peaks_by_task(subjects[1:])]

    monkeypatch.setattr(growth, "measure_peaks", measure_peaks)
    skipped: list[str] = []
    rows = growth.measure(growth.Options(networks=("unet",), size=16, width=2, seconds=0.0, tasks=(2,)), skipped)
    assert [row["peak MiB"] for row in rows] == [None, 200.0, 200.0]
    assert skipped == ["memory of task 2, bank bound 0.25 (default), on U-Net-256, batch 1, 16 px: killed"]


def test_what_is_stored_does_not_depend_on_the_precision_and_is_measured_once() -> None:
    skipped: list[str] = []
    assert growth.measure(growth.Options(networks=(), dtype="bf16"), skipped) == []
    assert skipped == ["what is stored, and loading it: as in fp32, which is how tasks are stored"]
