"""Numbers of masks of a chest: areas, and the cardiothoracic ratio.

A radiograph is a shadow: what lies away from the detector is larger on it than it is. Areas are those of the shadow, in
the plane that the film's spacing is of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from piggygan.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import Bool


def area_mm2(mask: Bool[np.ndarray, "rows columns"], spacing: tuple[float, float]) -> float:
    """Measure the area of a mask.

    Args:
        mask: The mask.
        spacing: Height and width of a pixel in millimetres.

    Returns:
        Square millimetres.

    Example:
        >>> area_mm2(np.ones((10, 10), dtype=bool), (0.5, 0.2))
        10.0
    """
    return float(mask.sum() * spacing[0] * spacing[1])


def heart_width(heart: Bool[np.ndarray, "rows columns"]) -> int:
    """Measure how wide a heart is, from its leftmost to its rightmost pixel, in pixels.

    That is the sum of the largest distances to the right and to the left of any vertical line through it, whatever
    rows they are in, as Danzer measures it.

    Example:
        >>> heart_width(np.array([[0, 1, 0, 0], [0, 1, 1, 1]], dtype=bool))
        3
    """
    columns = np.flatnonzero(heart.any(axis=0))
    return int(columns[-1] - columns[0] + 1) if len(columns) else 0


def thoracic_width(lungs: Bool[np.ndarray, "rows columns"]) -> int:
    """Measure how wide a chest is inside: the longest horizontal line between outer borders of lungs, in pixels.

    Example:
        >>> thoracic_width(np.array([[1, 0, 0, 1, 0], [0, 0, 0, 0, 1]], dtype=bool))
        4
    """
    has_any = lungs.any(axis=1)
    if not has_any.any():
        return 0
    rows = lungs[has_any]
    spans = rows.shape[1] - rows[:, ::-1].argmax(axis=1) - rows.argmax(axis=1)
    return int(spans.max())


def cardiothoracic_ratio(
    lungs: Bool[np.ndarray, "rows columns"], heart: Bool[np.ndarray, "rows columns"]
) -> float | None:
    """Divide the width of the heart by the inner width of the chest, on a frontal film.

    After C. S. Danzer, The cardiothoracic ratio: an index of cardiac enlargement, Am. J. Med. Sci. 157 (1919) 513-521.
    The chest ends where the lungs do. Both lines are horizontal, so the size of a pixel does not matter.

    Returns:
        None where there is no lung or no heart.

    Raises:
        InputError: If the masks are of two sizes.

    Example:
        >>> lungs = np.array([[1, 1, 0, 0, 1, 1], [1, 0, 0, 0, 0, 1]], dtype=bool)
        >>> cardiothoracic_ratio(lungs, np.array([[0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 1, 0]], dtype=bool))
        0.5
    """
    if lungs.shape != heart.shape:
        raise InputError(f"the masks have {lungs.shape} and {heart.shape} pixels: they are not of one film.")
    chest, width = thoracic_width(lungs), heart_width(heart)
    return width / chest if chest and width else None
