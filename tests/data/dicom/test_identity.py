"""Whose film it is: read as bytes, kept as they are, or left out by keyword where they are not what DICOM has there."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.tag import Tag

from piggygan.data.dicom.identity import IDENTITY_TAGS, KEYWORDS, PATIENT, STUDY, TRIAL, Identity
from piggygan.data.image_file import read_image_file

WriteFilm = Callable[..., Path]
PIXELS = np.zeros((4, 6), dtype=np.uint8)


def identity(path: Path) -> Identity:
    source = read_image_file(path, identify="patient").source
    assert source is not None
    assert source.identity is not None
    return source.identity


def test_values_are_the_bytes_of_the_file(tmp_path: Path, write_film: WriteFilm) -> None:
    path = write_film(
        tmp_path / "film.dcm",
        PIXELS,
        SpecificCharacterSet=["", "ISO 2022 IR 87"],
        PatientName="Yamada^Tarou=山田^太郎",
        PatientID="0815",
        StudyTime="235959.25",
        PatientSex="F",
    )
    found, film = identity(path), pydicom.dcmread(path)
    for keyword in (*PATIENT, *STUDY, "StudyDescription"):
        raw = film.get_item(Tag(pydicom.datadict.tag_for_keyword(keyword)))  # type: ignore[arg-type]
        assert found.values[keyword].encode("latin-1") == raw.value, keyword
    assert b"\x1b$B" in found.values["PatientName"].encode("latin-1")
    assert found.values["SpecificCharacterSet"].rstrip() == "\\ISO 2022 IR 87"
    assert found.left_out == ()
    assert set(found.values) == {*PATIENT, *STUDY, "StudyDescription", "SpecificCharacterSet"}


def test_b23_an_identity_does_not_show_itself(tmp_path: Path, write_film: WriteFilm) -> None:
    file = read_image_file(write_film(tmp_path / "film.dcm", PIXELS), identify="patient")
    assert "Plantagenet" not in repr(file) + repr(file.source) + str(file.source)
    assert read_image_file(tmp_path / "film.dcm", identify="image").source.identity is None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientID", "A\nB"),
        ("PatientID", "7" * 1025),
        ("PatientName", "\x07Plantagenet"),
        ("PatientBirthDate", "summer of 1899"),
        ("StudyTime", "noon"),
        ("PatientSex", "f"),
        ("SpecificCharacterSet", "Plantagenet"),
    ],
)
def test_what_dicom_has_nowhere_is_left_out_by_keyword(
    tmp_path: Path, write_film: WriteFilm, caplog: pytest.LogCaptureFixture, keyword: str, value: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = write_film(tmp_path / "film.dcm", PIXELS, **{keyword: "19000101" if "Date" in keyword else "120000"}
                          if keyword in ("PatientBirthDate", "StudyTime") else {keyword: "X" * len(value)}
                          if keyword != "SpecificCharacterSet" else {keyword: "ISO_IR 100"})  # fmt: skip
    written = {"PatientBirthDate": b"19000101", "StudyTime": b"120000", "SpecificCharacterSet": b"ISO_IR 100"}
    old = written.get(keyword, b"X" * len(value))
    new = value.encode()[: len(old)].ljust(len(old))
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    caplog.clear()
    found = identity(path)
    assert found.left_out == (keyword,)
    assert keyword not in found.values
    assert not caplog.text


def test_empty_and_missing_elements_have_no_value(tmp_path: Path, write_film: WriteFilm) -> None:
    found = identity(write_film(tmp_path / "film.dcm", PIXELS, PatientID="", PatientName=None, StudyID="  "))
    assert not {"PatientID", "PatientName", "StudyID"} & set(found.values)
    assert found.left_out == ()


def test_a_clinical_trial_is_whole_or_not_there(tmp_path: Path, write_film: WriteFilm) -> None:
    whole: dict[str, Any] = {
        "ClinicalTrialSponsorName": "Sponsor",
        "ClinicalTrialProtocolID": "P1",
        "ClinicalTrialSubjectID": "S1",
        "ClinicalTrialTimePointID": "T1",
    }
    assert set(whole) <= set(identity(write_film(tmp_path / "film.dcm", PIXELS, **whole)).values)
    for missing in list(whole)[:3]:
        rest = {keyword: value for keyword, value in whole.items() if keyword != missing}
        assert not set(whole) & set(identity(write_film(tmp_path / "film.dcm", PIXELS, **rest)).values)
    assert set(TRIAL) <= set(KEYWORDS)
    assert len(set(IDENTITY_TAGS)) == len(KEYWORDS)


def test_b23_nothing_else_of_a_patient_is_read(tmp_path: Path, write_film: WriteFilm) -> None:
    """Addresses, comments, other names, the institution: an archive joins without them."""
    found = identity(write_film(tmp_path / "film.dcm", PIXELS))
    assert not {
        "OtherPatientNames", "PatientAddress", "PatientComments", "InstitutionName", "OperatorsName",
        "RequestingPhysician", "PatientAge",
    } & set(found.values)  # fmt: skip
    with pytest.raises(ValueError, match="not what it has to be"):
        Identity({"PatientAddress": "7"})
