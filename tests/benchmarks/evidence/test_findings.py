"""Means over seeds, and the sides of a task."""

import pytest

from benchmarks.evidence.findings import Measure, Run, summary
from benchmarks.evidence.quality import nearest_to_median
from benchmarks.evidence.task_data import kept_back


def test_one_seed_has_no_spread() -> None:
    assert Measure((0.5,)).shown() == "0.500"
    assert Measure((0.4, 0.6)).shown() == "0.500 ± 0.141"


def test_clogs_measures_are_the_sums_of_the_paper() -> None:
    """Written out by hand for three tasks; the middle one is better after the third than when it was learned."""
    tasks, matrix = ("a", "b", "c"), [[0.8], [0.5, 0.6], [0.2, 0.7, 0.9]]
    cells = tuple(
        {
            "setting": {"scored": "test"},
            "test": {t: {"scores": {"headline": s}, "milliseconds": 1} for t, s in zip(tasks, row, strict=False)},
            "curve": [{"step": 1, "score": 0.0}],
            "stored": {"parameters": 1, "bytes": 4},
            "stores_all": True,
            "processor_seconds": 1.0,
            "peak_bytes": 1,
        }
        for row in matrix
    )
    found = summary([Run("fine-tuning", tasks, 0, cells)], [])
    assert found["incremental"].mean == pytest.approx((0.8 + (0.5 + 0.6) / 2 + (0.2 + 0.7 + 0.9) / 3) / 3)
    assert found["average"].mean == pytest.approx((0.2 + 0.7 + 0.9) / 3)
    forgetting_rate = ((0.8 - 0.2) + (0.6 - 0.7)) / 2
    assert found["backward transfer"].mean == pytest.approx(-forgetting_rate)
    assert found["forgetting"].mean == pytest.approx(forgetting_rate)  # the best of each was its first


def test_films_of_one_source_stay_on_one_side() -> None:
    names = [f"patient{patient:02d}-day{day}.png" for patient in range(12) for day in range(3)]
    chosen = set(kept_back(names, 10, letters=9))
    assert 7 <= len(chosen) <= 10
    for patient in range(12):
        own = {name for name in names if name.startswith(f"patient{patient:02d}")}
        assert own <= chosen or not own & chosen
    assert 7 == 7


def test_the_choice_does_not_depend_on_the_order_of_names() -> None:
    names = [f"{number}.jpg" for number in range(30)]
    assert kept_back(names, 8, None) == kept_back(names[::-1], 8, None)
    assert len(kept_back(names, 8, None)) == 8


def test_pictures_shown_are_nearest_to_the_median() -> None:
    assert nearest_to_median([0.1, 0.9, 0.5, 0.55, 0.2], 2) == [2, 3]
