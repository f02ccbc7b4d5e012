"""Cycle reconstructions on a page."""

import pytest
import torch

from piggygan.errors import InputError
from piggygan.report.cycles import cycle_picture

NAMES = ("photo", "labels", "photo again")


def test_the_difference_is_said_in_words_and_drawn() -> None:
    given = [torch.full((3, 8, 8), -0.5), torch.full((3, 8, 8), 0.5)]
    back = [given[0], given[1] - 0.5]
    picture = cycle_picture(given, [torch.zeros(1, 8, 8)] * 2, back, NAMES, "Photos.")
    assert picture.caption == "Photos. Mean absolute difference: 0.250 of 2."
    assert picture.png.startswith(b"\x89PNG")
    assert "photo again, difference" in picture.alt
    same = cycle_picture(given, [torch.zeros(1, 8, 8)] * 2, given, NAMES, "Photos.")
    assert same.png != picture.png


def test_what_is_no_cycle_is_refused() -> None:
    one = [torch.zeros(3, 8, 8)]
    with pytest.raises(InputError, match=r"\(3, 8, 8\) comes back as \(1, 8, 8\)"):
        cycle_picture(one, one, [torch.zeros(1, 8, 8)], NAMES, "")
    with pytest.raises(InputError, match="0, 0 and 0 pictures"):
        cycle_picture([], [], [], NAMES, "")
