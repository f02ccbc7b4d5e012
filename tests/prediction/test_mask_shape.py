"""A mask in numbers that can be counted by hand, the same at every size."""

from __future__ import annotations

import numpy as np
import pytest

from piggygan.prediction.mask_shape import SPECK, MaskShape, shape_of


def drawn(*rows: str) -> np.ndarray:
    return np.array([[letter == "#" for letter in row] for row in rows])


TWO = drawn(
    "........",
    ".##..##.",
    ".##..##.",
    ".##..###",
    "........",
)


def test_two_lungs_by_hand() -> None:
    assert shape_of(TWO) == MaskShape(area=13 / 40, parts=2, left=6 / 13, border=1 / 22)


def test_parts_that_touch_at_a_corner_are_one_and_specks_are_none() -> None:
    assert shape_of(drawn("#.", ".#")).parts == 1
    assert shape_of(drawn("#.#")).parts == 2
    large = np.zeros((100, 100), dtype=bool)
    large[:20, :] = True
    large[50, :19] = True  # of 2019 pixels the share is below one in a hundred
    assert shape_of(large).parts == 1
    large[50, :21] = True
    assert SPECK < 21 / 2021
    assert shape_of(large).parts == 2


def test_left_is_of_what_is_spanned_wherever_it_lies() -> None:
    assert shape_of(drawn("..##.#")).left == pytest.approx(2 / 3)
    assert shape_of(drawn("#.##..")).left == pytest.approx(1 / 3)
    assert shape_of(drawn("###...")).left == 0.5  # half of the middle column on each side


def test_the_border_is_counted_once_at_its_corners() -> None:
    assert shape_of(np.ones((3, 4), dtype=bool)) == MaskShape(area=1.0, parts=1, left=0.5, border=1.0)
    assert shape_of(drawn("#..", "...", "...")).border == 1 / 8
    assert shape_of(np.ones((1, 1), dtype=bool)).border == 1.0


def test_nothing_is_nothing() -> None:
    assert shape_of(np.zeros((4, 5), dtype=bool)) == MaskShape(area=0.0, parts=0, left=0.5, border=0.0)


@pytest.mark.parametrize("times", [2, 5])
def test_a_larger_picture_has_the_same_numbers(times: int) -> None:
    small, large = shape_of(TWO), shape_of(TWO.repeat(times, 0).repeat(times, 1))
    assert (large.area, large.parts) == (pytest.approx(small.area), small.parts)
    assert large.left == pytest.approx(small.left)
    assert large.border == pytest.approx(small.border, abs=0.03)  # corners count less
