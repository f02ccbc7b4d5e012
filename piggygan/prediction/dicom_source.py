"""Which image a DICOM file is, as far as a segmentation of it has to say; nothing else of the file is kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom

from piggygan.data.dicom_elements import tag_text
from piggygan.data.dicom_header import HEAD_BYTES, is_dicom_head
from piggygan.data.files import open_regular, shown, without_warnings
from piggygan.errors import DicomError, ImageError

_UIDS = {
    "sop_class": 0x00080016,
    "sop_instance": 0x00080018,
    "study": 0x0020000D,
    "series": 0x0020000E,
}
_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
_LONGEST_UID = 64


@dataclass(frozen=True)
class SourceImage:
    """What identifies an image by itself and in its study (PS3.3 C.12.1, C.7.2.1 and C.7.3.1)."""

    sop_class: str
    sop_instance: str
    study: str
    series: str


def is_dicom(path: Path) -> bool:
    """Say by its first bytes whether a file is DICOM; what cannot be opened is not."""
    try:
        with open_regular(path) as file:
            return is_dicom_head(file.read(HEAD_BYTES))
    except (ImageError, OSError):  # the reader will say what is wrong
        return False


def source_image(path: Path) -> SourceImage:
    """Read the identifiers that a segmentation of a DICOM image must refer to.

    Raises:
        DicomError: If one is missing or is no identifier.
    """
    elements = _read(path, list(_UIDS.values()))
    found = {}
    for name, tag in _UIDS.items():
        value = elements.get(tag, "")
        # Identifiers are digits and dots: nothing that somebody wrote elsewhere can pass for one.
        if len(value) > _LONGEST_UID or not _UID.fullmatch(value):
            raise DicomError(
                f"{shown(path)} cannot be referred to: {tag_text(tag)} is {'no identifier' if value else 'missing'}. "
                f"Predict without a DICOM segmentation (dicom_seg=False)."
            )
        found[name] = value
    return SourceImage(**found)


def _read(path: Path, tags: Sequence[int]) -> dict[int, str]:
    """Read elements of text as they stand: pydicom logs values that it finds odd, and people write names anywhere."""
    with open_regular(path) as file:
        try:
            with without_warnings():
                dataset = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=list(tags))
            raw = {tag: dataset.get_item(tag) for tag in tags if tag in dataset}
            return {tag: _text(element.value) for tag, element in raw.items() if element is not None}
        except Exception as error:
            # What pydicom raises on broken files is no promise, and its texts quote values: only the kind is told.
            raise DicomError(
                f"{shown(path)} cannot be used: its elements are broken ({type(error).__name__})."
            ) from None


def _text(value: object) -> str:
    return value.decode("ascii", errors="replace").strip("\0 ") if isinstance(value, bytes) else ""
