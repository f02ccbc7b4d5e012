"""How far a task's own word can be trusted: its probabilities against the truth, and its expected Dice against Dice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.stats import rankdata
from torch import Tensor

from piggygan.evaluation.reliability import Reliability, ReliabilityBin
from piggygan.prediction.ensemble import Pooled


@dataclass(frozen=True)
class Trust:
    """What came of comparing what a task says of itself with the truth.

    Attributes:
        calibration_error: The expected calibration error of its probabilities over all pixels, 0 to 1.
        bins: The pixels by their probability, in tenths.
        rank_correlation: Spearman's, of expected Dice with Dice over cases; None if one of the two is always the same.
        disagreement: Mean over cases of how far the members of an ensemble differ; None of one task.

    Example:
        >>> Trust(0.02, (ReliabilityBin(9, 0.5, 0.52),), 0.7, None).bins[0].found
        0.52
    """

    calibration_error: float
    bins: tuple[ReliabilityBin, ...]
    rank_correlation: float | None
    disagreement: float | None

    def __str__(self) -> str:
        correlation = "unknown" if self.rank_correlation is None else f"{self.rank_correlation:.2f}"
        apart = "" if self.disagreement is None else f" Members disagree by {self.disagreement:.3g} on average."
        return (
            f"Rank correlation of expected Dice with Dice: {correlation}. Expected calibration error of the "
            f"probabilities: {self.calibration_error:.4f}.{apart}"
        )


class Trusting:
    """Gathers what is needed of it, case after case."""

    def __init__(self) -> None:
        self._reliability = Reliability()
        self._expected: list[float] = []
        self._dice: list[float] = []
        self._apart: list[float] = []

    def add(self, made: Pooled, target: Tensor, dice: float) -> None:
        """Add a case, unless the task does not say how sure it is.

        Args:
            made: What the task made, at the rows and columns of its file.
            target: Above 0 is foreground.
            dice: What its Dice is.
        """
        if made.probability is None or made.expected_dice is None:
            return
        self._reliability.update(made.probability, target > 0)
        self._expected.append(made.expected_dice)
        self._dice.append(dice)
        if made.disagreement is not None:
            self._apart.append(made.disagreement)

    def found(self) -> Trust | None:
        """Return what came of it; None if there was no case."""
        if not self._dice:
            return None
        apart = sum(self._apart) / len(self._apart) if self._apart else None
        correlation = rank_correlation(self._expected, self._dice)
        return Trust(self._reliability.error, tuple(self._reliability.bins), correlation, apart)


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Return Spearman's rank correlation; None if there are fewer than two numbers, or all of one side are alike.

    Example:
        >>> rank_correlation([0.9, 0.5, 0.7], [0.8, 0.1, 0.2])
        1.0
    """
    ranks = torch.tensor([list(rankdata(one)), list(rankdata(other))], dtype=torch.float64)
    centred = ranks - ranks.mean(1, keepdim=True)
    size = float(centred.square().sum(1).prod().sqrt())
    if len(one) < 2 or size == 0 or not math.isfinite(size):
        return None
    return round(float((centred[0] * centred[1]).sum()) / size, 12)
