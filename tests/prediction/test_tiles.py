"""Tiles cover a canvas, and blending them gives it back."""

from __future__ import annotations

from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st

from piggygan.prediction.tiles import blend, cut, tile_starts


@given(side=st.integers(1, 40), more=st.integers(0, 150))
def test_tiles_cover_everything_and_neighbours_overlap(side: int, more: int) -> None:
    starts = tile_starts(side + more, side)
    covered = {pixel for start in starts for pixel in range(start, start + side)}
    assert covered == set(range(side + more))
    assert len(set(starts)) == len(starts)
    overlaps = [first + side - second for first, second in pairwise(starts)]
    assert all(overlap >= side // 4 for overlap in overlaps)


@given(side=st.integers(2, 20), tall=st.integers(0, 40), wide=st.integers(0, 40))
def test_what_is_cut_and_blended_is_what_it_was(side: int, tall: int, wide: int) -> None:
    canvas = torch.rand(2, side + tall, side + wide) * 2 - 1
    back = blend(cut(canvas, side), side + tall, side + wide)
    assert back.dtype == canvas.dtype
    torch.testing.assert_close(back, canvas, rtol=0, atol=1e-6)


def test_a_tile_alone_keeps_its_bits() -> None:
    canvas = torch.rand(1, 9, 9)
    assert blend(cut(canvas, 9), 9, 9).numpy().tobytes() == canvas.numpy().tobytes()


def test_between_two_tiles_that_disagree_there_is_a_slope_and_no_step() -> None:
    dark, bright = torch.full((1, 16, 16), -1.0), torch.full((1, 16, 16), 1.0)
    row = blend([dark, bright], 16, 28)[0, 8]
    assert row[0] == -1
    assert row[-1] == 1
    assert bool((row.diff() >= 0).all())
    assert row.diff().max() < 0.5


def test_blending_is_the_weighted_mean_written_by_hand() -> None:
    tiles = [torch.rand(1, 8, 8) for _ in range(4)]
    blended = blend(tiles, 14, 14)
    weight = [min(i + 1, 8 - i, 3) for i in range(8)]
    for y, x in ((0, 0), (6, 6), (7, 3), (13, 13), (7, 7)):
        total = weights = 0.0
        for tile, (top, left) in zip(tiles, [(0, 0), (0, 6), (6, 0), (6, 6)], strict=True):
            if 0 <= y - top < 8 and 0 <= x - left < 8:
                share = weight[y - top] * weight[x - left]
                total += share * tile[0, y - top, x - left].item()
                weights += share
        assert abs(blended[0, y, x].item() - total / weights) < 1e-6
