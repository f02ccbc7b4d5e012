"""Measurements as a DICOM report: the numbers, on their film, in its patient and study, of named tasks."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest

from piggygan.data.dicom.identity import Identity
from piggygan.data.dicom.source import SourceImage
from piggygan.errors import ConfigurationError, PredictionError
from piggygan.prediction import dicom_sr
from piggygan.prediction.dicom_sr import numbers_of, report_bytes
from piggygan.prediction.measurements import Measured
from piggygan.terminal.about import INTENDED_USE

pytest.importorskip("highdicom")

WHO = Identity({"PatientID": "4711", "PatientName": "M\xfcller^J\xf6rg", "SpecificCharacterSet": "ISO_IR 100"})
SOURCE = SourceImage("1.2.840.10008.5.1.4.1.1.1", "1.2.3.4", "1.2.3", "1.2.3.5", identity=WHO)
MEASURED = Measured("film", 100, 25.04, 40, 10.0, 20, 9, 0.45, 0.5, 0.5, "PixelSpacing")


def read(content: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(content))


def test_a_report_says_areas_and_the_ratio_on_its_film() -> None:
    found = read(report_bytes(MEASURED, SOURCE, "ab" * 32))
    numbers = [item for item in _items(found) if item.ValueType == "NUM"]
    said = [
        (
            item.ConceptNameCodeSequence[0].CodeMeaning,
            float(item.MeasuredValueSequence[0].NumericValue),
            item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue,
        )
        for item in numbers
    ]
    assert said == [("Area", 25.0, "mm2"), ("Area", 10.0, "mm2"), ("Cardiothoracic ratio", 0.45, "{ratio}")]
    images = [
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for item in _items(found) if "IMAGE" in item.ValueType
    ]
    assert set(images) == {"1.2.3.4"}
    assert (found.StudyInstanceUID, found.PatientID, found.PatientName) == ("1.2.3", "4711", "Müller^Jörg")
    assert (found.PreliminaryFlag, found.VerificationFlag) == ("PRELIMINARY", "UNVERIFIED")
    assert found.SeriesDescription == INTENDED_USE
    assert any("ab" * 32 in str(item.get("TextValue", "")) for item in _items(found))


def _items(dataset: pydicom.Dataset) -> list[pydicom.Dataset]:
    found = []
    for item in dataset.get("ContentSequence", []):
        found += [item, *_items(item)]
    return found


def test_without_the_size_of_a_pixel_areas_are_in_pixels() -> None:
    numbers = numbers_of(replace(MEASURED, lung_mm2=None, heart_mm2=None, heart_pixels=None, cardiothoracic_ratio=None))
    assert [(one.value, one.unit.value) for one in numbers] == [(100, "{pixels}")]


def test_b23_a_report_of_nobody_names_nobody() -> None:
    found = read(report_bytes(MEASURED, replace(SOURCE, identity=None), ""))
    assert found["PatientID"].is_empty
    assert found["PatientName"].is_empty


def test_what_was_not_written_as_meant_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    written = dicom_sr._written
    for wrong in (
        lambda highdicom, numbers, source, by: written(highdicom, numbers[1:], source, by),
        lambda highdicom, numbers, source, by: written(highdicom, numbers, replace(source, identity=None), by),
        lambda highdicom, numbers, source, by: written(highdicom, numbers, replace(source, study="1.9"), by),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(dicom_sr, "_written", wrong)
            with pytest.raises(PredictionError, match="read back"):
                report_bytes(MEASURED, SOURCE, "")


def test_what_highdicom_does_not_take_is_refused_by_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PredictionError, match="highdicom made no report"):
        report_bytes(replace(MEASURED, lung_mm2=None, lung_pixels="many"), SOURCE, "")  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(ConfigurationError, match=r"highdicom: pip install 'piggygan\[medical\]'"):
        report_bytes(MEASURED, SOURCE, "")


def test_dcmtk_prints_the_numbers(tmp_path: Path) -> None:
    if (dsrdump := shutil.which("dsrdump")) is None:
        pytest.skip("dsrdump (Debian's dcmtk) is not installed")
    (tmp_path / "report.dcm").write_bytes(report_bytes(MEASURED, SOURCE, "ab" * 32))
    printed = subprocess.run(
        [dsrdump, "-q", tmp_path / "report.dcm"], capture_output=True, text=True, check=True, encoding="latin-1"
    )
    assert not printed.stderr
    assert '"Cardiothoracic ratio")="0.45"' in printed.stdout
    assert '"Area")="25.0" (mm2,UCUM' in printed.stdout
