"""A canvas cut into overlapping squares, and the squares blended into one again."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float

OVERLAP = 4
"""Neighbouring tiles share at least this fraction of a side: one in so many."""


def tile_starts(length: int, side: int) -> list[int]:
    """Say where tiles begin along one side of a canvas; the last ends where the canvas does.

    Example:
        >>> tile_starts(256, 256), tile_starts(500, 256)
        ([0], [0, 192, 244])
    """
    step = max(1, side - side // OVERLAP)
    return [*range(0, length - side, step), length - side]


def cut(canvas: Float[Tensor, "channels height width"], side: int) -> list[Float[Tensor, "channels side side"]]:
    """Cut a canvas, at least as large as a tile, into tiles, row by row."""
    return [canvas[:, top : top + side, left : left + side] for top, left in _corners(canvas.shape, side)]


def blend(
    tiles: Iterable[Float[Tensor, "channels side side"]], height: int, width: int
) -> Float[Tensor, "channels height width"]:
    """Put tiles that :func:`cut` made of a canvas of this size together again, one after another.

    Where they overlap each counts the less, the nearer its own border is, so that no seam shows. A tile that is alone
    comes back as it is, to the bit.
    """
    remaining = iter(tiles)
    first = next(remaining)
    channels, side = first.shape[:2]
    corners = _corners((channels, height, width), side)
    if len(corners) == 1:
        return first
    ramp = torch.arange(side, dtype=torch.float64, device="cpu")
    nearness = torch.minimum(ramp + 1, side - ramp).clamp(max=side // OVERLAP + 1)
    weight = (nearness[:, None] * nearness[None, :]).to(first.device)
    total = torch.zeros(channels, height, width, dtype=torch.float64, device=first.device)
    for (top, left), tile in zip(corners, itertools.chain([first], remaining), strict=True):
        total[:, top : top + side, left : left + side] += weight * tile
    # Tiles lie in rows and columns, so all the weights on a pixel are those of its row times those of its column.
    down, across = (_summed(nearness, tile_starts(length, side), length) for length in (height, width))
    for row in range(height):
        total[:, row] /= (down[row] * across).to(first.device)
    return total.to(first.dtype)


def _summed(nearness: Float[Tensor, " side"], starts: Sequence[int], length: int) -> Float[Tensor, " length"]:
    """Add up, along one side of a canvas, what tiles at these places weigh."""
    total = torch.zeros(length, dtype=torch.float64)
    for start in starts:
        total[start : start + len(nearness)] += nearness
    return total


def _corners(shape: Sequence[int], side: int) -> list[tuple[int, int]]:
    return list(product(tile_starts(shape[1], side), tile_starts(shape[2], side)))
