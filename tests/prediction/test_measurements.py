"""What was measured, as a table and as JSON."""

from __future__ import annotations

import csv
import io
import json
import os

from piggygan.prediction.measurements import Measured, Measurements, Unmeasured
from piggygan.terminal.about import INTENDED_USE

FOUND = Measurements(
    lungs=("lungs", "a" * 64),
    hearts=None,
    measured=(
        Measured("one, two", 7, 1.25, cardiothoracic_ratio=0.5, spacing_from="PixelSpacing", remark="odd"),
        Measured(os.fsdecode(b"\xff"), 0),
    ),
    refused=(Unmeasured("three", "MaskError", "it is grey"),),
)


def test_a_row_is_a_film_and_an_empty_cell_is_not_known() -> None:
    rows = list(csv.DictReader(io.StringIO(FOUND.to_csv().decode("utf-8", errors="surrogateescape"))))
    assert [row["name"] for row in rows] == [one.name for one in FOUND.measured]
    assert (rows[0]["lung_pixels"], rows[0]["lung_mm2"], rows[0]["cardiothoracic_ratio"]) == ("7", "1.25", "0.5")
    assert (rows[1]["lung_pixels"], rows[1]["lung_mm2"], rows[1]["remark"]) == ("0", "", "")


def test_json_says_the_same_in_ascii() -> None:
    text = FOUND.to_json()
    assert text.isascii()
    found = json.loads(text)
    assert found["intended_use"] == INTENDED_USE
    assert found["measured"][0]["lung_mm2"] == 1.25
    assert found["measured"][1]["lung_mm2"] is None
    assert found["refused"] == [{"name": "three", "error": "MaskError", "reason": "it is grey"}]
