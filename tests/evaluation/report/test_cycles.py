"""Cycle reconstructions on a page."""

import pytest
import torch

from piggygan.errors import InputError
from piggygan.evaluation.report.cycles import cycle_gallery

NAMES = ("photo", "labels", "photo again")


def test_the_difference_is_said_in_words_and_drawn() -> None:
    given = [torch.full((3, 8, 8), -0.5), torch.full((3, 8, 8), 0.5)]
    back = [given[0], given[1] - 0.5]
    shown = cycle_gallery(given, [torch.zeros(1, 8, 8)] * 2, back, NAMES, "Photos.")
    assert shown.caption == "Photos. Mean absolute difference: 0.250 of 2."
    assert [picture.caption for picture in shown.rows[0]] == [*NAMES, "difference"]
    same = cycle_gallery(given, [torch.zeros(1, 8, 8)] * 2, given, NAMES, "Photos.")
    assert [same.rows[1][place].png == shown.rows[1][place].png for place in range(4)] == [True, True, False, False]


def test_what_is_no_cycle_is_refused() -> None:
    one = [torch.zeros(3, 8, 8)]
    with pytest.raises(InputError, match=r"\(3, 8, 8\) comes back as \(1, 8, 8\)"):
        cycle_gallery(one, one, [torch.zeros(1, 8, 8)], NAMES, "")
    with pytest.raises(InputError, match="0, 0 and 0 pictures"):
        cycle_gallery([], [], [], NAMES, "")
