"""What a mask looks like in a few numbers, each the same at every size: by these, one that cannot be right is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool

SPECK = 0.01
"""Share of the mask below which a part of it does not count."""

_WITH_CORNERS = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True)
class MaskShape:
    """A mask in numbers.

    Attributes:
        area: Share of the film that it covers, 0..1.
        parts: How many connected parts it has, specks below :data:`SPECK` of it left out; pixels that touch at a
            corner are connected.
        left: Share of it in the left half of the columns that it spans, 0..1; 0.5 for one that is empty. In a picture
            of a chest the left is the patient's right.
        border: Share of the film's outermost pixels that it covers, 0..1.

    Example:
        >>> shape_of(np.array([[1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [0, 0, 0, 0, 0]], dtype=bool))
        MaskShape(area=0.26666666666666666, parts=2, left=0.5, border=0.3333333333333333)
    """

    area: float
    parts: int
    left: float
    border: float


def shape_of(mask: Bool[np.ndarray, "rows columns"]) -> MaskShape:
    """Look at a mask."""
    edge = np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])
    return MaskShape(float(mask.mean()), _parts(mask), _left(mask), float(edge.mean()))


def _parts(mask: Bool[np.ndarray, "rows columns"]) -> int:
    from scipy import ndimage  # slow to import, and few masks are looked at

    labels, _ = ndimage.label(mask, structure=_WITH_CORNERS)
    sizes = np.bincount(labels.ravel())[1:]
    return int((sizes >= SPECK * sizes.sum()).sum())


def _left(mask: Bool[np.ndarray, "rows columns"]) -> float:
    counts = mask.sum(axis=0)
    columns = np.flatnonzero(counts)
    if not len(columns):
        return 0.5
    spanned = counts[columns[0] : columns[-1] + 1]
    half, odd = divmod(len(spanned), 2)
    return float((spanned[:half].sum() + (spanned[half] / 2 if odd else 0)) / spanned.sum())
