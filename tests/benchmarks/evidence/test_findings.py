"""Means over seeds, and the sides of a task."""

from benchmarks.evidence.findings import Measure
from benchmarks.evidence.quality import nearest_to_median
from benchmarks.evidence.task_data import kept_back


def test_one_seed_has_no_spread() -> None:
    assert Measure((0.5,)).shown() == "0.500"
    assert Measure((0.4, 0.6)).shown() == "0.500 ± 0.141"


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
