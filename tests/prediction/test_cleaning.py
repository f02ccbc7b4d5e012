"""Specks go, holes are filled, and what was right stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piggygan.prediction.cleaning import fill_holes, keep_largest


def flood(mask: np.ndarray, corners: bool) -> list[set[tuple[int, int]]]:
    """Find connected parts by hand."""
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    parts = []
    while left:
        edge, part = [min(left)], set()
        while edge:
            y, x = edge.pop()
            if (y, x) in left:
                left.remove((y, x))
                part.add((y, x))
                edge += [(y + a, x + b) for a in (-1, 0, 1) for b in (-1, 0, 1) if corners or 0 in (a, b)]
        parts.append(part)
    return parts


MASKS = st.lists(st.lists(st.booleans(), min_size=7, max_size=7), min_size=1, max_size=8).map(np.array)


@given(mask=MASKS, count=st.integers(1, 4))
def test_the_largest_parts_are_kept_whole(mask: np.ndarray, count: int) -> None:
    kept = keep_largest(mask, count)
    sizes = sorted((len(part) for part in flood(mask, corners=True)), reverse=True)
    assert sorted((len(part) for part in flood(kept, corners=True)), reverse=True) == sizes[:count]
    assert not (kept & ~mask).any()


@given(mask=MASKS)
def test_what_is_enclosed_is_filled_and_nothing_else(mask: np.ndarray) -> None:
    outside = np.pad(~mask, 1, constant_values=True)
    reached = next(part for part in flood(outside, corners=False) if (0, 0) in part)
    expected = np.ones_like(outside)
    for place in reached:
        expected[place] = False
    assert np.array_equal(fill_holes(mask), expected[1:-1, 1:-1])


@pytest.mark.parametrize("mask", [np.zeros((3, 3), dtype=bool), np.ones((3, 3), dtype=bool)])
def test_an_empty_mask_and_a_full_one_stay(mask: np.ndarray) -> None:
    assert np.array_equal(keep_largest(mask, 2), mask)
    assert np.array_equal(fill_holes(mask), mask)
