"""Which image a DICOM file is, as far as a segmentation of it has to say; nothing else of the file is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydicom.dataset import Dataset

from piggygan.data.dicom.elements import tag_text
from piggygan.errors import DicomError

_UIDS = {
    "sop_class": 0x00080016,
    "sop_instance": 0x00080018,
    "study": 0x0020000D,
    "series": 0x0020000E,
}
IDENTIFYING = tuple(_UIDS.values())
"""Tags that are read to identify an image; none of them is about a person."""

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
_LONGEST_UID = 64


@dataclass(frozen=True)
class SourceImage:
    """What identifies an image by itself and in its study (PS3.3 C.12.1, C.7.2.1 and C.7.3.1)."""

    sop_class: str
    sop_instance: str
    study: str
    series: str


def source_of(dataset: Dataset) -> SourceImage:
    """Find the identifiers that a segmentation of an image must refer to.

    Args:
        dataset: Read with :data:`IDENTIFYING`, and not looked at before: pydicom logs values that it finds odd, and
            people write names anywhere, so elements are taken as they stand.

    Raises:
        DicomError: If one is missing or is no identifier.
    """
    found = {}
    for name, tag in _UIDS.items():
        element = dataset.get_item(tag) if tag in dataset else None
        value = element.value if element is not None else b""
        text = value.decode("ascii", errors="replace").strip("\0 ") if isinstance(value, bytes) else ""
        if not is_identifier(text):
            raise DicomError(
                f"it cannot be referred to, since {tag_text(tag)} is {'no identifier' if text else 'missing'}; predict "
                f"without a DICOM segmentation (dicom_seg=False)"
            )
        found[name] = text
    return SourceImage(**found)


def is_identifier(text: object) -> bool:
    """Say whether a text is an identifier: digits and dots, so that nothing somebody wrote elsewhere can pass for one.

    Example:
        >>> is_identifier("1.2.840"), is_identifier("1..2"), is_identifier("Plantagenet")
        (True, False, False)
    """
    return isinstance(text, str) and len(text) <= _LONGEST_UID and _UID.fullmatch(text) is not None
