"""How far apart the outlines of two masks lie: HD95, ASSD and NSD, which Dice cannot see.

A mask's *surface* is its pixels that have background beside them (or the picture's border; corners do not count).
Between two surfaces A and B, with ``d(a, B)`` the Euclidean distance from the centre of a to the nearest centre in B:

- *HD95*: the larger one of the 95th percentiles of ``d(a, B)`` and of ``d(b, A)`` (Huttenlocher et al., PAMI 1993;
  the percentile keeps a single stray pixel from deciding).
- *ASSD*: the mean of all ``d(a, B)`` and all ``d(b, A)`` together (Heimann et al., IEEE TMI 2009).
- *NSD*: the share of all pixels of A and B that are at most a tolerance away from the other surface (Nikolov et al.,
  JMIR 2021, with pixels counted instead of surface areas).

They are those of MONAI (``percentile=95``, ``symmetric=True``, ``use_subvoxels=False``), but defined for empty masks
too: two empty masks are at distance 0 and agree; if one alone is empty, no distance is right, and both distances are
the diagonal of the picture, the largest there could be, and NSD is 0. So a mask that was not found costs, as in BraTS,
and an average never leaves it out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from piggygan.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64, Int64

MOST_IN_A_TREE = 400_000
"""Pixels of both surfaces up to which a tree of them is searched: half a second for smooth outlines on 20 Mpx, where
distances of all pixels take 16. Of noise, whose surfaces are millions of pixels, a tree takes minutes."""


@dataclass(frozen=True)
class SurfaceScores:
    """Scores of one mask's outline.

    Attributes:
        hd95: 95th percentile of the Hausdorff distance, in the unit of the spacing; 0 is best.
        assd: Average symmetric surface distance, likewise.
        nsd: Normalized surface distance (also: surface Dice) at a tolerance, 0..1; 1 is best.
        is_defined: False if one of the masks alone is empty: the distances are then the picture's diagonal.

    Example:
        >>> mask = np.zeros((8, 8), dtype=bool)
        >>> mask[2:6, 2:6] = True
        >>> scores = surface_scores(mask, np.roll(mask, 1, axis=0), tolerance=1.0, spacing=(0.5, 0.5))
        >>> scores.hd95, scores.is_defined
        (0.5, True)
    """

    hd95: float
    assd: float
    nsd: float
    is_defined: bool


def surface_scores(
    found: Bool[np.ndarray, "rows columns"],
    true: Bool[np.ndarray, "rows columns"],
    *,
    tolerance: float,
    spacing: tuple[float, float] = (1.0, 1.0),
) -> SurfaceScores:
    """Compare the outlines of two masks.

    Args:
        found: The predicted mask.
        true: The true one.
        tolerance: Up to which distance an outline counts as right in NSD, in the unit of ``spacing``; 0 or more.
        spacing: Height and width of a pixel, such as in millimetres; 1 measures in pixels.

    Raises:
        InputError: If the shapes differ, or they are not masks of two dimensions.
        ConfigurationError: If the tolerance or the spacing is outside its range.

    Example:
        Two lines of one pixel's width, two pixels apart:

        >>> found, true = np.zeros((5, 4), dtype=bool), np.zeros((5, 4), dtype=bool)
        >>> found[1], true[3] = True, True
        >>> surface_scores(found, true, tolerance=1)
        SurfaceScores(hd95=2.0, assd=2.0, nsd=0.0, is_defined=True)
        >>> surface_scores(found, true, tolerance=1, spacing=(0.5, 0.5)).nsd
        1.0
    """
    _check(found, true, tolerance, spacing)
    if not found.any() and not true.any():
        return SurfaceScores(0.0, 0.0, 1.0, is_defined=True)
    if not found.any() or not true.any():
        diagonal = math.hypot(found.shape[0] * spacing[0], found.shape[1] * spacing[1])
        return SurfaceScores(diagonal, diagonal, 0.0, is_defined=False)
    ours, theirs = surface_of(found), surface_of(true)
    there, back = (_distances(one, other, found.shape, spacing) for one, other in ((ours, theirs), (theirs, ours)))
    both = np.concatenate([there, back])
    return SurfaceScores(
        hd95=float(max(np.percentile(there, 95), np.percentile(back, 95))),
        assd=float(both.mean()),
        nsd=float((both <= tolerance).mean()),
        is_defined=True,
    )


def surface_of(mask: Bool[np.ndarray, "rows columns"]) -> Int64[np.ndarray, "pixels 2"]:
    """Give row and column of each pixel of a mask that has background, or the picture's border, beside it.

    Example:
        >>> surface_of(np.ones((3, 3), dtype=bool)).tolist()
        [[0, 0], [0, 1], [0, 2], [1, 0], [1, 2], [2, 0], [2, 1], [2, 2]]
    """
    around = np.pad(mask, 1)
    is_inside = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    return np.argwhere(mask & ~is_inside)


def _distances(
    surface: Int64[np.ndarray, "pixels 2"],
    other: Int64[np.ndarray, "others 2"],
    shape: tuple[int, ...],
    spacing: tuple[float, float],
) -> Float64[np.ndarray, " pixels"]:
    """Give the distance of each pixel of a surface to the nearest of another, exactly."""
    if len(surface) + len(other) <= MOST_IN_A_TREE:
        from scipy.spatial import KDTree  # which, like SciPy's statistics, is slow to import and rarely needed

        return np.asarray(KDTree(other * spacing).query(surface * spacing)[0])
    from scipy.ndimage import distance_transform_edt

    is_elsewhere = np.ones(shape, dtype=bool)
    is_elsewhere[tuple(other.T)] = False
    return np.asarray(distance_transform_edt(is_elsewhere, sampling=spacing)[tuple(surface.T)])


def _check(
    found: Bool[np.ndarray, "rows columns"],
    true: Bool[np.ndarray, "rows columns"],
    tolerance: float,
    spacing: tuple[float, float],
) -> None:
    if found.shape != true.shape or found.ndim != 2 or found.dtype != bool or true.dtype != bool or found.size == 0:
        raise InputError(
            f"masks are {found.shape} of {found.dtype} and {true.shape} of {true.dtype}; needed are two of bool and "
            f"of one shape (rows, columns)"
        )
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise ConfigurationError(f"`tolerance` is {tolerance}; needed is a distance, 0 or more")
    if len(spacing) != 2 or not all(math.isfinite(side) and side > 0 for side in spacing):
        raise ConfigurationError(f"`spacing` is {spacing}; needed are height and width of a pixel, both above 0")
