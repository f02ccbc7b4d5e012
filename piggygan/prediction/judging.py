"""What is found out about a mask by looking at it: its numbers, and whether it can be what it should be."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from piggygan.data.dicom.description import DicomDescription
from piggygan.prediction.doubting import REVIEW
from piggygan.prediction.findings import Finding
from piggygan.prediction.likeness import UNLIKE
from piggygan.prediction.mask_shape import shape_of
from piggygan.prediction.measuring import area_mm2
from piggygan.prediction.options import PredictionOptions
from piggygan.prediction.rules import rules_of, unmet

if TYPE_CHECKING:
    from jaxtyping import Bool

AS_REQUIRED = "as_required"
"""Name of the finding that says whether a mask is what ``require`` asks for."""


def is_doubtful(finding: Finding) -> bool:
    """Say whether a finding is one that somebody should look at.

    Example:
        >>> is_doubtful(Finding(AS_REQUIRED, False)), is_doubtful(Finding("parts", 3))
        (True, False)
    """
    return (finding.name == AS_REQUIRED and not finding.value) or (
        finding.name in (UNLIKE, REVIEW) and bool(finding.value)
    )


def judge(
    mask: Bool[np.ndarray, "rows columns"], description: DicomDescription | None, options: PredictionOptions
) -> tuple[Finding, ...]:
    """Find out what the options ask for.

    Args:
        mask: On the film's own rows and columns.
        description: What the film says of itself, if it is DICOM.
        options: ``measure`` and ``require``.
    """
    if not (options.measure or options.require):
        return ()
    shape = shape_of(mask)
    found = []
    if options.measure:
        found += [Finding(name, value) for name, value in asdict(shape).items()]
        found.append(Finding("area_pixels", int(mask.sum())))
        if description is not None and description.spacing is not None:
            found.append(Finding("area_mm2", area_mm2(mask, description.spacing)))
            found.append(Finding("spacing_from", description.spacing_from))
    if options.require:
        wrong = unmet(rules_of(options.require), shape)
        found.append(Finding(AS_REQUIRED, not wrong, wrong))
    return tuple(found)
