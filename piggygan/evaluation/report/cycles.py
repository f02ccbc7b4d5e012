"""There and back again: what a pair of generators makes of pictures, and what comes back of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from piggygan.errors import InputError
from piggygan.evaluation.report.blocks import Gallery
from piggygan.evaluation.report.pictures import gallery


def cycle_gallery(
    given: Sequence[Tensor], made: Sequence[Tensor], back: Sequence[Tensor], names: tuple[str, str, str], caption: str
) -> Gallery:
    """Show pictures, what one generator made of each, and what the other made of that.

    Args:
        given: Pictures ``(channels, height, width)`` in [-1, 1].
        made: What the first generator made of them.
        back: What the second one made of that; of the shapes of ``given``.
        names: How to call the three columns; a fourth shows how far the third is from the first,
            from black (equal) to white.
        caption: Goes before the mean absolute difference, which is added in words.

    Raises:
        InputError: If there are no pictures, or one does not come back in its shape.

    Example:
        >>> photo, painted = torch.zeros(3, 16, 16), torch.ones(3, 16, 16)
        >>> shown = cycle_gallery([photo], [painted], [photo], ("photo", "painted", "back"), "There and back")
        >>> shown.caption
        'There and back Mean absolute difference: 0.000 of 2.'
    """
    if not given or not len(given) == len(made) == len(back):
        raise InputError(
            f"{len(given)}, {len(made)} and {len(back)} pictures are no cycles: give as many of each, one at least."
        )
    if wrong := [tuple(end.shape) for start, end in zip(given, back, strict=True) if start.shape != end.shape]:
        raise InputError(f"a picture of shape {tuple(given[0].shape)} comes back as {wrong[0]}: are these its cycle?")
    distances = [(end - start).abs() for start, end in zip(given, back, strict=True)]
    rows: list[list[Tensor | None]] = [
        [start, there, end, distance.mean(0, keepdim=True) - 1]
        for start, there, end, distance in zip(given, made, back, distances, strict=True)
    ]
    mean = torch.stack([distance.mean() for distance in distances]).mean().item()
    words = f"{caption} Mean absolute difference: {mean:.3f} of 2."
    return gallery(rows, [""] * len(rows), [*names, "difference"], words)
