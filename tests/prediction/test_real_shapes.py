"""Rules and ratios on true masks of real films: how often they raise a false alarm, and what they find."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from PIL import Image

from piggygan.prediction.cleaning import keep_largest
from piggygan.prediction.mask_shape import shape_of
from piggygan.prediction.measuring import cardiothoracic_ratio
from piggygan.prediction.rules import HEARTS, LUNGS, rules_of, unmet

Mask = np.ndarray[Any, Any]
SETS = ("montgomery", "shenzhen", "covid_cxr", "jsrt_scr")


def masks(folder: Path, side: str, kind: str = "masks") -> Iterator[Mask]:
    for name in json.loads((folder / "splits.json").read_text())[side]:
        yield np.asarray(Image.open((folder / kind / name).with_suffix(".png")).convert("L")) > 127


def alarms(found: Iterator[Mask], rules: str) -> tuple[int, int]:
    said = [bool(unmet(rules_of(rules), shape_of(mask))) for mask in found]
    return sum(said), len(said)


@pytest.mark.slow
def test_true_lungs_and_hearts_raise_no_alarm_on_sides_that_chose_no_threshold(shared_data: Path) -> None:
    counted = [alarms(masks(shared_data / name, "test"), LUNGS) for name in SETS]
    assert (sum(wrong for wrong, _ in counted), sum(of for _, of in counted)) == (0, 175)
    assert alarms(masks(shared_data / "jsrt_scr", "test", "hearts"), HEARTS) == (0, 60)
    chosen = [alarms(masks(shared_data / name, "train"), LUNGS) for name in SETS]
    assert (sum(wrong for wrong, _ in chosen), sum(of for _, of in chosen)) == (4, 560)


def test_masks_that_are_wrong_are_found(shared_data: Path) -> None:
    lungs = list(masks(shared_data / "jsrt_scr", "test"))
    hearts = list(masks(shared_data / "jsrt_scr", "test", "hearts"))
    wrong = {
        "one lung": [keep_largest(mask, 1) for mask in lungs],
        "lungs with the heart": [mask | heart for mask, heart in zip(lungs, hearts, strict=True)],
        "the heart": hearts,
        "inverted": [~mask for mask in lungs],
        "nothing": [np.zeros_like(mask) for mask in lungs],
    }
    for name, found in wrong.items():
        assert alarms(iter(found), LUNGS) == (60, 60), name


def contours(mask: Mask) -> np.ndarray[Any, Any]:
    """Follow the outline of a mask by another program, half a pixel around its pixels; x and y of all its corners."""
    from contourpy import contour_generator

    assert matplotlib.__version__  # which brings contourpy
    return np.concatenate(contour_generator(z=np.pad(mask, 1).astype(float)).lines(0.5))  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [20, pytest.param(187, marks=pytest.mark.slow)])
def test_the_ratio_of_jsrt_masks_is_that_of_their_outlines(shared_data: Path, count: int) -> None:
    folder = shared_data / "jsrt_scr"
    pairs = [
        pair
        for side in ("test", "train")
        for pair in zip(masks(folder, side), masks(folder, side, "hearts"), strict=True)
    ][:count]
    ratios = []
    for lungs, heart in pairs:
        outline = contours(lungs)
        rows = outline[outline[:, 1] % 1 == 0]  # where it crosses the middles of rows, as it does between columns
        chest = max(np.ptp(rows[rows[:, 1] == row, 0]) for row in np.unique(rows[:, 1]))
        ratio = cardiothoracic_ratio(lungs, heart)
        assert ratio == pytest.approx(np.ptp(contours(heart)[:, 0]) / chest, abs=1e-12)
        ratios.append(ratio)
    assert 0.3 < min(ratios) < np.median(ratios) < 0.5 < max(ratios) < 0.7  # most are of healthy hearts, some are not
