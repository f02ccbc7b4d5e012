"""Areas and widths by hand, and against loops over pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from piggygan.errors import InputError
from piggygan.prediction.measuring import area_mm2, cardiothoracic_ratio, heart_width, thoracic_width

MASKS = arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6)))


@given(MASKS)
def test_widths_are_those_of_a_loop_over_pixels(mask: np.ndarray) -> None:
    places = [(row, column) for row, values in enumerate(mask) for column, value in enumerate(values) if value]
    columns = [column for _, column in places]
    assert heart_width(mask) == (max(columns) - min(columns) + 1 if places else 0)
    longest = max((one - other + 1 for row, one in places for also, other in places if row == also), default=0)
    assert thoracic_width(mask) == longest


def test_a_chest_is_measured_on_one_line_and_a_heart_on_two() -> None:
    slanted = np.array([[1, 1, 0, 0], [0, 0, 1, 1]], dtype=bool)
    assert (thoracic_width(slanted), heart_width(slanted)) == (2, 4)


def test_the_area_is_of_pixels_that_need_not_be_square() -> None:
    assert area_mm2(np.ones((3, 4), dtype=bool), (0.5, 0.25)) == 1.5
    assert area_mm2(np.zeros((3, 4), dtype=bool), (0.5, 0.25)) == 0.0


def test_there_is_no_ratio_without_both_and_none_of_two_films() -> None:
    full, empty = np.ones((2, 4), dtype=bool), np.zeros((2, 4), dtype=bool)
    assert cardiothoracic_ratio(full, full) == 1.0
    assert cardiothoracic_ratio(full, empty) is None
    assert cardiothoracic_ratio(empty, full) is None
    with pytest.raises(InputError, match="not of one film"):
        cardiothoracic_ratio(full, full[:1])
