"""Whether probabilities are right: of all pixels that were given 0.8, is 0.8 foreground?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

BINS = 10


@dataclass(frozen=True)
class ReliabilityBin:
    """Pixels whose probability lies in one tenth.

    Attributes:
        pixels: How many there are.
        said: The mean of their probabilities.
        found: The share of them that is foreground.
    """

    pixels: int
    said: float
    found: float


class Reliability:
    """Counts pixels by their probability, picture after picture.

    Example:
        >>> counted = Reliability()
        >>> counted.update(torch.tensor([0.9, 0.9, 0.1, 0.1]), torch.tensor([True, False, False, False]))
        >>> [(one.pixels, round(one.said, 2), one.found) for one in counted.bins]
        [(2, 0.1, 0.0), (2, 0.9, 0.5)]
        >>> round(counted.error, 3)
        0.25
    """

    def __init__(self) -> None:
        self._counts = torch.zeros(3, BINS, dtype=torch.float64)

    def update(self, probability: Float[Tensor, "*shape"], truth: Bool[Tensor, "*shape"]) -> None:
        """Count the pixels of a picture."""
        flat = probability.double().flatten()
        place = (flat * BINS).long().clamp(0, BINS - 1)
        for row, weights in enumerate((torch.ones_like(flat), flat, truth.flatten().double())):
            self._counts[row] += torch.bincount(place, weights, minlength=BINS)

    @property
    def bins(self) -> list[ReliabilityBin]:
        """What was counted, the lowest probabilities first; tenths without pixels are left out."""
        return [
            ReliabilityBin(int(pixels), float(said / pixels), float(found / pixels))
            for pixels, said, found in self._counts.T
            if pixels > 0
        ]

    @property
    def error(self) -> float:
        """The expected calibration error: the mean over pixels of what was said from what was found in their tenth.

        M. Naeini, G. Cooper and M. Hauskrecht, Obtaining well calibrated probabilities using Bayesian binning, AAAI
        2015.
        """
        total = float(self._counts[0].sum())
        apart = float((self._counts[1] - self._counts[2]).abs().sum())
        return apart / total if total else 0.0
