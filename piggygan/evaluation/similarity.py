"""How like its target a picture is: mean absolute difference, PSNR and SSIM."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from piggygan.errors import InputError
from piggygan.evaluation.labels import l1

if TYPE_CHECKING:
    from jaxtyping import Float

HIGHEST_PSNR = 100.0
"""Of pictures that are equal, whose PSNR would be infinite, or nearly so; 8 bits cannot tell more than 60 apart."""
_RANGE = 2.0  # from -1 to 1
_WINDOW = 11


@dataclass(frozen=True)
class Similarity:
    """Scores of one picture.

    Attributes:
        l1: Mean absolute difference, 0..2 in pictures of [-1, 1]; 0 is best.
        psnr: Peak signal-to-noise ratio in decibels, at most 100; higher is better.
        ssim: Structural similarity (Wang et al., IEEE TIP 2004; beyond its border a picture is mirrored), up to 1,
            which is best; None for pictures that are smaller than its window of 11 pixels.

    Example:
        >>> import torch
        >>> picture = torch.zeros(3, 16, 16)
        >>> scores = similarity(picture + 0.5, picture)
        >>> scores.l1, round(scores.psnr, 2)
        (0.5, 12.04)
    """

    l1: float
    psnr: float
    ssim: float | None


def similarity(
    output: Float[Tensor, "channels height width"], target: Float[Tensor, "channels height width"]
) -> Similarity:
    """Compare a picture with its target.

    Args:
        output: What the generator gave, in [-1, 1].
        target: What it should be, in [-1, 1].

    Raises:
        InputError: If the shapes differ, or one is no picture in [-1, 1].

    Example:
        >>> import torch
        >>> grey = torch.zeros(3, 16, 16)
        >>> found = similarity(grey + 0.2, grey)
        >>> round(found.l1, 3), round(found.psnr, 1)
        (0.2, 20.0)
    """
    if output.ndim != 3:
        raise InputError(f"the picture is {tuple(output.shape)}, but must be (channels, height, width)")
    difference = l1(output, target)  # which compares the shapes
    for name, picture in (("output", output), ("target", target)):
        if not bool(((picture >= -1) & (picture <= 1)).all()):  # false for NaN too
            raise InputError(f"the {name} has values that are not numbers in [-1, 1]: scale it first")
    squared = (output.double() - target.double()).square().mean().item()
    psnr = min(HIGHEST_PSNR, 10 * math.log10(_RANGE**2 / squared)) if squared else HIGHEST_PSNR
    return Similarity(difference, psnr, _ssim(output, target))


def _ssim(output: Tensor, target: Tensor) -> float | None:
    if min(output.shape[-2:]) < _WINDOW:
        return None
    # Imported here: it brings matplotlib's pyplot and its global state.
    from torchmetrics.functional.image import structural_similarity_index_measure

    found = structural_similarity_index_measure(output[None].float(), target[None].float(), data_range=(-1.0, 1.0))
    return (found if isinstance(found, Tensor) else found[0]).item()
