"""What a node has to know of a film before it keeps it: read off its elements, without decoding its picture."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO

from pydicom import dcmread
from pydicom.dataset import Dataset

from piggygan.data.dicom.source import is_identifier
from piggygan.data.quiet import without_warnings
from piggygan.errors import DicomError

_SOP_CLASS, _SOP_INSTANCE, _MODALITY, _BODY_PART = 0x00080016, 0x00080018, 0x00080060, 0x00180015
_ROWS, _COLUMNS, _PIXELS = 0x00280010, 0x00280011, 0x7FE00010
_TAGS = [_SOP_CLASS, _SOP_INSTANCE, _MODALITY, _BODY_PART, _ROWS, _COLUMNS, _PIXELS]


@dataclass(frozen=True)
class FilmFacts:
    """What a film says of itself, none of it about a person.

    Attributes:
        sop_class: What kind of image it is.
        sop_instance: Which one.
        modality: Such as ``DX``.
        body_part: Such as ``CHEST``; empty: it does not say.
        pixels: SHA-256 of its rows, columns and pixels as they were sent.
    """

    sop_class: str
    sop_instance: str
    modality: str
    body_part: str
    pixels: str


def film_facts(content: bytes) -> FilmFacts:
    """Read what a film says of itself.

    Args:
        content: All of a DICOM file.

    Raises:
        DicomError: If it cannot be read, or is no image that can be referred to.
    """
    try:
        with without_warnings():
            dataset = dcmread(BytesIO(content), specific_tags=list(_TAGS))
            class_, instance, modality, part = (_text(dataset, tag) for tag in _TAGS[:4])
            rows, columns, pixels = (_bytes(dataset, tag) for tag in _TAGS[4:])
    except Exception as error:  # what pydicom raises on broken files is no promise, and its texts may quote them
        raise DicomError(f"its elements cannot be read ({type(error).__name__})") from None
    if not (is_identifier(class_) and is_identifier(instance)):
        raise DicomError("it cannot be referred to, since it has no SOP Class or Instance UID")
    if not (rows and columns and pixels):
        raise DicomError("it is no image: it has no rows, columns or pixels")
    digest = hashlib.sha256(b"%b %b " % (rows, columns))
    digest.update(pixels)
    return FilmFacts(class_, instance, modality, part, digest.hexdigest())


def _bytes(dataset: Dataset, tag: int) -> bytes:
    """Give an element as it stands: whoever looks at it decodes it, and pydicom logs values that it finds odd."""
    value = dataset.get_item(tag).value if tag in dataset else b""
    return value if isinstance(value, bytes) else b""


def _text(dataset: Dataset, tag: int) -> str:
    return _bytes(dataset, tag).decode("ascii", errors="replace").strip("\0 ")
