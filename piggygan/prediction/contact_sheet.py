"""A page of what was predicted, the most doubtful first: it shows films, so it is as private as they are."""

from __future__ import annotations

import io
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from piggygan.data.masks import read_mask
from piggygan.errors import ConfigurationError, PredictionError
from piggygan.evaluation.report.blocks import Gallery, Note, Picture
from piggygan.evaluation.report.page import Page, Section, write_page
from piggygan.files.regular import open_regular, shown
from piggygan.prediction.doubting import EXPECTED_DICE
from piggygan.prediction.findings import Finding
from piggygan.prediction.judging import AS_REQUIRED, is_doubtful
from piggygan.prediction.likeness import DISTANCE, THRESHOLD, UNLIKE
from piggygan.prediction.mask_folder import MaskFile, open_masks
from piggygan.prediction.mask_shape import MaskShape, shape_of
from piggygan.prediction.rules import Rule, rules_of, unmet

_SIDE = 192
_IN_A_ROW = 4
_PRIVATE = "This page shows films. Keep and pass it on as you would the films themselves."


@dataclass(frozen=True)
class Doubt:
    """How far a mask is from what it has to be like, and its film from those that the task was trained on.

    Attributes:
        name: What it is called.
        says: What is not as required; empty: all is.
        margin: The least distance to a limit, as a share of the limits' width; below 0 beyond a limit. Of a film that
            was compared with those of training not above 0.5 times what it has left to the threshold, and of a mask
            whose Dice is expected to be some number not above that less 0.5.
    """

    name: str
    says: str
    margin: float


def margin_of(rules: tuple[Rule, ...], shape: MaskShape) -> float:
    """Measure how near a mask is to breaking a rule, 0.5 in the middle of all limits, below 0 if it breaks one.

    A rule without two different limits has no middle: it counts if it is broken, as -1.

    Example:
        >>> margin_of(rules_of("area=0.1..0.5"), MaskShape(area=0.2, parts=2, left=0.5, border=0.0))
        0.25
    """
    values, margins = asdict(shape), [0.5]
    for rule in rules:
        value, width = values[rule.word], rule.most - rule.least
        if np.isfinite(width) and width > 0 and rule.least > 0:
            margins.append(min(value - rule.least, rule.most - value) / width)
        elif not rule.least <= value <= rule.most:
            margins.append(-1.0)
    return float(round(min(margins), 9))


def write_contact_sheet(
    predicted: str | os.PathLike[str], page: str | os.PathLike[str], *, rules: str = "lungs", most: int = 100
) -> list[Doubt]:
    """Write one HTML file with the overlays of what was predicted, sorted by doubt; nothing is fetched to show it.

    Args:
        predicted: What :func:`piggygan.predict` wrote for a task of masks.
        page: The file to write; one that is there is not replaced.
        rules: What masks have to be like, as :func:`~piggygan.prediction.rules.rules_of` reads it.
        most: How many of the most doubtful are shown.

    Returns:
        All masks, the most doubtful first.

    Raises:
        ConfigurationError: If ``rules`` are none, or ``most`` is below 1.
        PredictionError: If ``predicted`` was not written by predicting, or ``page`` is there or cannot be written.
    """
    wanted, page = rules_of(rules), Path(page)
    if most < 1:
        raise ConfigurationError(f"most is {most}; show at least 1 mask.")
    folder = open_masks(predicted)
    if folder.task is None:
        raise PredictionError(f"{shown(folder.folder)} has no overlays to show: give what predict wrote.")
    if os.path.lexists(page):
        raise PredictionError(f"{shown(page)} is there, and nothing is overwritten: name another file.")
    doubts = sorted(((_doubt(mask, wanted), mask) for mask in folder.masks), key=lambda one: one[0].margin)
    worst = doubts[:most]
    pictures = [_picture(folder.folder / "overlays" / f"{mask.name}.png", doubt) for doubt, mask in worst]
    rows = [pictures[first : first + _IN_A_ROW] for first in range(0, len(pictures), _IN_A_ROW)]
    broken = sum(bool(doubt.says) for doubt, _ in doubts)
    lead = (
        f"{len(doubts)} masks of task {folder.task!r}, {broken} of them not as required by {rules!r} or of a film "
        f"unlike those of training, or expected to have a low Dice."
    )
    section = Section(
        f"The {len(worst)} most doubtful, the worst first",
        [Note(_PRIVATE, tone="bad"), Gallery(rows, [""] * len(rows))] if rows else [Note("There are none.")],
    )
    try:
        write_page(page, Page("Masks to look at", lead, [section]))
    except OSError as error:
        raise PredictionError(f"{shown(page)} could not be written: {error.strerror or error}.") from error
    return [doubt for doubt, _ in doubts]


def _doubt(mask: MaskFile, rules: tuple[Rule, ...]) -> Doubt:
    shape = shape_of(np.asarray(read_mask(mask.path)[0] > 0))
    asked = [found for found in mask.findings if found.name != AS_REQUIRED]  # by other rules, perhaps
    says = [unmet(rules, shape), *(found.says for found in asked if is_doubtful(found))]
    margin = min(margin_of(rules, shape), _margin_of_likeness(mask.findings), _margin_of_score(mask.findings))
    return Doubt(mask.name, " ".join(filter(None, says)), margin)


def _margin_of_likeness(findings: tuple[Finding, ...]) -> float:
    """Say how near a film is to being unlike: 0.5 at the middle of those of training, 0 at the threshold."""
    found = {finding.name: finding.value for finding in findings}
    distance, threshold = found.get(DISTANCE), found.get(THRESHOLD)
    if isinstance(distance, float) and isinstance(threshold, float) and threshold > 0:
        return round(0.5 * (1 - distance / threshold), 9)
    return -1.0 if found.get(UNLIKE) else 0.5


def _margin_of_score(findings: tuple[Finding, ...]) -> float:
    """Say how sure a mask is, on the scale of the other margins: 0.5 if its Dice is expected to be 1."""
    found = next((one.value for one in findings if one.name == EXPECTED_DICE), None)
    return round(found - 0.5, 9) if isinstance(found, float) else 0.5


def _picture(overlay: Path, doubt: Doubt) -> Picture:
    file = io.BytesIO()
    with open_regular(overlay) as content, Image.open(content) as image:
        image.thumbnail((_SIDE, _SIDE))
        image.convert("RGB").save(file, "PNG")
    return Picture(
        file.getvalue(), f"{doubt.name}: {doubt.says or 'as required'}", f"The mask of {doubt.name} on its film"
    )
