"""A canvas cut into overlapping squares, and the squares blended into one again."""

from __future__ import annotations

from collections.abc import Sequence
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
    tiles: Sequence[Float[Tensor, "channels side side"]], height: int, width: int
) -> Float[Tensor, "channels height width"]:
    """Put tiles that :func:`cut` made of a canvas of this size together again.

    Where they overlap each counts the less, the nearer its own border is, so that no seam shows. A tile that is alone
    comes back as it is, to the bit.
    """
    channels, side = tiles[0].shape[:2]
    if len(tiles) == 1:
        return tiles[0]
    ramp = torch.arange(side, dtype=torch.float64)
    nearness = torch.minimum(ramp + 1, side - ramp).clamp(max=side // OVERLAP + 1)
    weight = (nearness[:, None] * nearness[None, :]).to(tiles[0].device)
    total = torch.zeros(channels, height, width, dtype=torch.float64, device=tiles[0].device)
    weights = torch.zeros(height, width, dtype=torch.float64, device=tiles[0].device)
    for (top, left), tile in zip(_corners((channels, height, width), side), tiles, strict=True):
        total[:, top : top + side, left : left + side] += weight * tile
        weights[top : top + side, left : left + side] += weight
    return (total / weights).to(tiles[0].dtype)


def _corners(shape: Sequence[int], side: int) -> list[tuple[int, int]]:
    return list(product(tile_starts(shape[1], side), tile_starts(shape[2], side)))
