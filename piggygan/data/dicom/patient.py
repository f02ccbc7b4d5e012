"""Whose film a DICOM file is, as a digest that tells films of one patient from those of another and nothing else."""

from __future__ import annotations

import hashlib
from io import BytesIO

from pydicom import dcmread

from piggygan.data.quiet import without_warnings

_PATIENT_ID, _ISSUER = 0x00100020, 0x00100021


def patient_digest(content: bytes, salt: str = "") -> str | None:
    """Make a digest of the patient's identifier and who issued it.

    A digest of a short number can be guessed back: keep it in memory, and neither print nor write it.

    Args:
        content: All of the file.
        salt: Makes digests of one run incomparable with those of another.

    Returns:
        None if the file does not say, or cannot be read.
    """
    try:
        with without_warnings():
            elements = dcmread(BytesIO(content), stop_before_pixels=True, specific_tags=[_PATIENT_ID, _ISSUER])
            patient = str(elements.get("PatientID") or "").strip()
            issuer = elements.get("IssuerOfPatientID")
    except Exception:  # what pydicom raises on broken files is no promise; reading the film will say what is wrong
        return None
    return hashlib.sha256(f"{salt}\0{issuer}\0{patient}".encode(errors="replace")).hexdigest() if patient else None
