"""Whose film it is, as a digest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from piggygan.data.dicom.patient import patient_digest


def test_films_of_one_patient_have_one_digest(tmp_path: Path, write_film: Callable[..., Path]) -> None:
    pixels = np.zeros((2, 2), np.uint8)

    def digest(salt: str = "", **said: str | None) -> str | None:
        return patient_digest(write_film(tmp_path / "a.dcm", pixels, **said).read_bytes(), salt)

    assert digest(PatientID="1") == digest(PatientID="1", PatientName="other") == digest(PatientID="1 ")
    assert digest(PatientID="1") != digest(PatientID="2")
    assert digest(PatientID="1") != digest(PatientID="1", IssuerOfPatientID="elsewhere")
    assert digest(PatientID="1") != digest("salt", PatientID="1")
    assert digest(PatientID=None) is digest(PatientID="") is None
    assert patient_digest(b"no film") is None
    assert "lantagenet" not in str(digest())
