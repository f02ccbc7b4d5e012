"""What is said of doubts, and in which order films come."""

from __future__ import annotations

import pytest
import torch

from piggygan.errors import ConfigurationError
from piggygan.prediction import Finding, PredictedFile, PredictionOptions
from piggygan.prediction.doubting import doubts_of, is_to_review, score_of
from piggygan.prediction.ensemble import Pooled

MADE = Pooled(torch.zeros(1, 2, 2), disagreement=0.123456, expected_dice=0.87654)


def file(*findings: Finding) -> PredictedFile:
    return PredictedFile("1.png", {}, 2, 2, 0.5, "0", (), findings)


def test_numbers_have_four_digits_and_a_flag_only_if_it_is_asked_for() -> None:
    found = {one.name: one.value for one in doubts_of(MADE, PredictionOptions())}
    assert found == {"expected_dice": 0.8765, "disagreement": 0.1235}


@pytest.mark.parametrize(("least", "is_flagged"), [(0.9, True), (0.8765, False), (0.0, False)])
def test_what_is_below_is_flagged_and_said(least: float, is_flagged: bool) -> None:
    (flag,) = [one for one in doubts_of(MADE, PredictionOptions(review_below=least)) if one.name == "review"]
    assert flag.value is is_flagged
    assert flag.says == ("its mask is expected to have a Dice of 0.88, below 0.9: look at it." if is_flagged else "")
    assert is_to_review(file(flag)) is is_flagged


def test_films_of_which_nothing_is_known_come_last() -> None:
    assert score_of(file(Finding("expected_dice", 0.4))) < score_of(file()) == 1.0


def test_no_dice_is_above_1() -> None:
    with pytest.raises(ConfigurationError, match=r"review_below is 1.5; needed is a Dice"):
        PredictionOptions(review_below=1.5)
