"""What is said of how sure a mask is: what its Dice is expected to be, how far members disagree, what to look at."""

from __future__ import annotations

import math

from piggygan.errors import ConfigurationError
from piggygan.prediction.ensemble import Ensemble, Pooled
from piggygan.prediction.findings import Finding
from piggygan.prediction.options import PredictionOptions
from piggygan.prediction.summary import PredictedFile

EXPECTED_DICE, DISAGREEMENT, REVIEW = "expected_dice", "disagreement", "review"
"""Names of the findings: what the film's Dice probably is, how far members differ, whether somebody should look."""


def check_doubts(ensemble: Ensemble, task: str, options: PredictionOptions) -> None:
    """Refuse what cannot be said of a task, before any film is read.

    Raises:
        ConfigurationError: If there are no members to disagree, or nothing says how sure to be.
    """
    if options.disagreement and ensemble.size == 1:
        raise ConfigurationError(
            f"task {task!r} is no ensemble, so that nobody disagrees: leave disagreement out, or train with --folds."
        )
    if options.review_below is not None and not (ensemble.is_calibrated and ensemble.kind == "mask"):
        raise ConfigurationError(
            f"task {task!r} makes no masks of which it is known how sure to be: leave review_below out; train keeps a "
            f"calibration of masks, and piggygan attach adds one to a task that has none."
        )


def doubts_of(pooled: Pooled, options: PredictionOptions) -> tuple[Finding, ...]:
    """Say what is known of how sure a mask is.

    Example:
        >>> import torch
        >>> made = Pooled(torch.zeros(1, 2, 2), expected_dice=0.71234567)
        >>> [(found.name, found.value) for found in doubts_of(made, PredictionOptions(review_below=0.9))]
        [('expected_dice', 0.7123), ('review', True)]
    """
    found = []
    if pooled.expected_dice is not None:
        score = _short(pooled.expected_dice)
        found.append(Finding(EXPECTED_DICE, score))
        if (least := options.review_below) is not None:
            is_below = score < least
            says = (
                f"its mask is expected to have a Dice of {score:.2g}, below {least:g}: look at it." if is_below else ""
            )
            found.append(Finding(REVIEW, is_below, says))
    if pooled.disagreement is not None:
        found.append(Finding(DISAGREEMENT, _short(pooled.disagreement)))
    return tuple(found)


def score_of(file: PredictedFile) -> float:
    """Return what a film's Dice is expected to be; 1 where nothing is known, so that such films come last."""
    found = next((one.value for one in file.findings if one.name == EXPECTED_DICE), None)
    return found if isinstance(found, float) else 1.0


def is_to_review(file: PredictedFile) -> bool:
    """Say whether somebody should look at a film, by what was asked for."""
    return any(one.name == REVIEW and bool(one.value) for one in file.findings)


def _short(number: float) -> float:
    """Keep four digits: the last bits depend on the machine."""
    return float(f"{number:.4g}") if math.isfinite(number) else 0.0
