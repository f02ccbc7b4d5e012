"""Which cases are shown, and what is painted over them."""

from __future__ import annotations

import pytest
import torch

from piggygan.evaluation.intervals import mean_interval
from piggygan.evaluation.report.page import render_page
from piggygan.jobs.evaluating.evaluation import Case, Evaluation, summarized
from piggygan.jobs.evaluating.page import chosen, evaluation_page, look, score_rows
from piggygan.jobs.evaluating.scored_cases import Translated
from piggygan.prediction.summary import RefusedFile


def evaluation(count: int) -> Evaluation:
    values = [number / count for number in range(count)]
    cases = tuple(Case(f"film {n}", None, 9, 9, {"dice": value, "nsd": value}) for n, value in enumerate(values))
    summaries = {name: summarized(name, values, mean_interval(values)) for name in ("dice", "nsd")}
    refused = (RefusedFile("film x", "ImageError", "is cut"),)
    return Evaluation(
        "lungs", "r", "ab" * 32, "masks", "dice", {}, "mm", "2 mm", "", cases, refused, summaries, {"dice": 0.5}
    )


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, "worst"),
        (2, "worst best"),
        (3, "worst median best"),
        (9, "worst worst worst median median median best best best"),
    ],
)
def test_each_case_is_shown_once(count: int, expected: str) -> None:
    assert [why for _, why in chosen(evaluation(count))] == expected.split()


def test_the_median_is_in_the_middle() -> None:
    assert [case.name for case, _ in chosen(evaluation(21))] == [
        *(f"film {n}" for n in (0, 1, 2)), *(f"film {n}" for n in (9, 10, 11)), *(f"film {n}" for n in (18, 19, 20)),
    ]  # fmt: skip


def test_what_was_missed_and_what_is_too_much_have_colours_of_their_own() -> None:
    true, found = torch.tensor([[1.0, 1.0, 0.0, 0.0]]), torch.tensor([[1.0, 0.0, 1.0, 0.0]])
    made = Translated(torch.zeros(3, 1, 4), true[None] * 2 - 1, [found[None] * 2 - 1])
    wrong = look(evaluation(1).cases[0], "worst", made, is_of_masks=True).pictures[3]
    colours = ((wrong[:, 0] + 1) * 127.5).round().T.int().tolist()
    assert colours[1] == [86, 180, 233]
    assert colours[2] == [230, 159, 0]
    assert colours[0] == colours[3]


def test_of_pictures_the_distance_is_shown() -> None:
    made = Translated(torch.zeros(3, 1, 2), torch.zeros(3, 1, 2), [torch.tensor([0.0, 1.0]).expand(3, 1, 2)])
    wrong = look(evaluation(1).cases[0], "worst", made, is_of_masks=False).pictures[3]
    assert wrong.tolist() == [[[-1.0, 0.0]]]


def test_large_films_are_shown_small_and_masks_of_several_classes_in_greys() -> None:
    made = Translated(torch.zeros(1, 500, 1000), torch.ones(2, 500, 1000), [-torch.ones(2, 500, 1000)])
    pictures = look(evaluation(1).cases[0], "worst", made, is_of_masks=True).pictures
    assert [tuple(picture.shape) for picture in pictures] == [(1, 160, 320)] * 3 + [(3, 160, 320)]


def test_the_page_says_what_was_left_out_and_at_what_tolerance() -> None:
    found = evaluation(60)
    page = render_page(evaluation_page(found, []))
    for words in ("film x", "is cut", "NSD (at 2 mm)", "The 50 worst of 60", "treat it as you treat those"):
        assert words in page
    assert "film 10<" in page
    assert "film 55<" not in page  # one of the best, which the CSV file holds


def test_numbers_of_a_score_have_its_digits() -> None:
    assert score_rows(evaluation(4))[0] == ["Dice", "0.375", "0.125 to 0.625", "0.375", "0.000", "0.750"]
