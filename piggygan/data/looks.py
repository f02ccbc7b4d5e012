"""What pictures look like: label pictures or photos. For how to resize, and for warnings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from jaxtyping import Float

_LEVELS = 64
"""Of each channel: JPEG blurs labels a little."""
_COVERED = 0.5
_MOST_COLOURS, _MOST_GREYS = 30, 8
"""Medians: labels 1 (windows) and 6 (facades, blurred by JPEG), photos of the same 190, films 13 to 23 greys."""

_FULL, _MOSTLY = 0.8, 0.95
"""Of black or white, and the share of a mask that is: edges are grey in a JPEG, and where a mask was made smaller."""
_BLACK = -0.9


def colours_of_half(picture: Float[torch.Tensor, "channels height width"]) -> int:
    """Count the colours, of 64 levels a channel, that make up half of a picture.

    Args:
        picture: In [-1, 1].

    Example:
        >>> colours_of_half(torch.tensor([[[-1.0, -1.0, -1.0, 0.0, 1.0]]]))
        1
    """
    levels = ((picture + 1.0) / 2.0 * (_LEVELS - 1)).round().long().flatten(1)
    codes = torch.zeros_like(levels[0])
    for band in levels[:3]:
        codes = codes * _LEVELS + band
    counts = torch.unique(codes, return_counts=True)[1].sort(descending=True)[0]
    return int((counts.cumsum(0) < _COVERED * counts.sum()).sum()) + 1


def look_like_labels(pictures: Sequence[Float[torch.Tensor, "channels height width"]]) -> bool:
    """Say whether pictures are painted in few flat colours, as label pictures, masks and line drawings are.

    Args:
        pictures: Some of one kind, in [-1, 1].
    """
    counts = sorted(colours_of_half(picture) for picture in pictures)
    is_grey = all(bool((picture == picture[:1]).all()) for picture in pictures)
    return bool(counts) and counts[len(counts) // 2] <= (_MOST_GREYS if is_grey else _MOST_COLOURS)


def is_two_valued(picture: Float[torch.Tensor, "channels height width"]) -> bool:
    """Say whether a picture has two colours at most, as a mask has."""
    return len(torch.unique(picture.flatten(1), dim=1)[0]) <= 2


def look_like_masks(pictures: Sequence[Float[torch.Tensor, "channels height width"]]) -> bool:
    """Say whether pictures are black and white all over but for edges, each of them, as masks are.

    Example:
        >>> [look_like_masks([torch.tensor([[[-1.0, grey, 1.0]]])]) for grey in (1.0, 0.2)]
        [True, False]
    """
    return bool(pictures) and all(bool((one.abs() > _FULL).float().mean() >= _MOSTLY) for one in pictures)


def look_black(pictures: Sequence[Float[torch.Tensor, "channels height width"]]) -> bool:
    """Say whether what is in some pictures cannot be seen, as in masks of 0 and 1 that are taken for pictures."""
    return bool(pictures) and -1 < max(float(picture.max()) for picture in pictures) < _BLACK
