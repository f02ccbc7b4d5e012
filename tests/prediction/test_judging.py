"""What is noted of a mask: what was asked for, in millimetres where the film says how large its pixels are."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from piggygan.data.dicom.description import DicomDescription
from piggygan.prediction import PredictionOptions
from piggygan.prediction.judging import AS_REQUIRED, judge

MASK = np.zeros((10, 20), dtype=bool)
MASK[2:8, 2:8] = True
FILM = DicomDescription("DX", "CHEST", "PA", True, None, None, 1.0, (0.5, 0.2), False, "ImagerPixelSpacing")


def values(description: DicomDescription | None, **options: Any) -> dict[str, Any]:
    findings = judge(MASK, description, PredictionOptions(**options))
    json.dumps([asdict(finding) for finding in findings])  # which takes plain values only
    assert len({finding.name for finding in findings}) == len(findings)
    return {finding.name: finding.value for finding in findings}


def test_nothing_is_noted_that_was_not_asked_for() -> None:
    assert values(FILM) == {}
    assert set(values(FILM, require="parts=1")) == {AS_REQUIRED}


def test_areas_are_in_pixels_and_in_millimetres_of_the_plane_that_is_said() -> None:
    shape = {"area": 0.18, "parts": 1, "left": 0.5, "border": 0.0}
    assert values(FILM, measure=True) == {
        **shape, "area_pixels": 36, "area_mm2": pytest.approx(3.6), "spacing_from": "ImagerPixelSpacing",
    }  # fmt: skip
    for unknown in (None, replace(FILM, spacing=None)):
        assert values(unknown, measure=True) == {**shape, "area_pixels": 36}


def test_a_mask_that_cannot_be_lungs_is_said_to_be_none() -> None:
    (finding,) = judge(MASK, None, PredictionOptions(require="lungs"))
    assert finding.value is False
    assert finding.says == "The mask has 1 part; required is parts=2."
    (finding,) = judge(MASK, None, PredictionOptions(require="lungs,parts=1"))
    assert (finding.value, finding.says) == (True, "")
