"""Single values of a DICOM file, checked; a message names tags, never what a free-text value says."""

from __future__ import annotations

import math
from typing import Any

from pydicom.datadict import dictionary_description
from pydicom.dataset import Dataset

from piggygan.errors import DicomError


def tag_text(tag: int) -> str:
    """Write a tag for a message.

    Example:
        >>> tag_text(0x00280010)
        'Rows (0028,0010)'
    """
    return f"{dictionary_description(tag)} ({tag >> 16:04X},{tag & 0xFFFF:04X})"


def value_of(dataset: Dataset, tag: int) -> Any:
    """Get the value of a tag; None where it is absent or empty."""
    value = dataset[tag].value if tag in dataset else None
    return None if isinstance(value, (str, bytes)) and not value else value


def integer_of(dataset: Dataset, tag: int, default: int | None = None) -> int:
    """Get a whole number.

    Raises:
        DicomError: If there is none and no default, or something else is there.
    """
    value = value_of(dataset, tag)
    if value is None and default is not None:
        return default
    if not isinstance(value, int):  # also several values, text, bytes
        raise DicomError(f"{tag_text(tag)} is {'missing' if value is None else 'not one whole number'}")
    return int(value)


def decimal_of(dataset: Dataset, tag: int) -> float | None:
    """Get a decimal number, the first if there are several; None where there is none.

    Raises:
        DicomError: If it is infinite.
    """
    value = value_of(dataset, tag)
    if value is not None and not isinstance(value, (int, float, str)) and hasattr(value, "__len__"):
        value = value[0] if len(value) else None
    if value is None:
        return None
    number = float(value)
    if math.isinf(number):
        raise DicomError(f"{tag_text(tag)} is infinite")
    return number


def code_of(dataset: Dataset, tag: int) -> str | None:
    """Get a word of a controlled vocabulary in capital letters, the first if there are several."""
    value = value_of(dataset, tag)
    if value is not None and not isinstance(value, (str, bytes)) and hasattr(value, "__len__"):
        value = value[0] if len(value) else None
    return value.strip().upper() or None if isinstance(value, str) else None
