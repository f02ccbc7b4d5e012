"""What a DICOM file says of showing its stored values: rescale, window and lookup tables, read and checked."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from pydicom.dataset import Dataset

from piggygan.data.dicom.elements import decimal_of, tag_text, value_of
from piggygan.data.dicom.grayscale import LookupTable, Rescale, StoredFormat, Window, WindowFunction
from piggygan.errors import DicomError

_CENTER, _WIDTH, _INTERCEPT, _SLOPE, _FUNCTION = 0x00281050, 0x00281051, 0x00281052, 0x00281053, 0x00281056
_MODALITY_TABLES, _TABLE_DESCRIPTOR, _TABLE_DATA, _VOI_TABLES = 0x00283000, 0x00283002, 0x00283006, 0x00283010
SHOWING = (_CENTER, _WIDTH, _INTERCEPT, _SLOPE, _FUNCTION, _MODALITY_TABLES, _VOI_TABLES)
"""What has to be read of a file for it."""


def modality_of(dataset: Dataset, form: StoredFormat) -> Rescale | LookupTable | None:
    """Return how stored values become modality values; None where they are the same.

    Raises:
        DicomError: If half of a rescale is missing, or a table is not what it announces.
    """
    table = _table(dataset, _MODALITY_TABLES, signed=form.signed, big_endian=form.big_endian)
    if table is not None:
        return table
    slope, intercept = decimal_of(dataset, _SLOPE), decimal_of(dataset, _INTERCEPT)
    if slope is None and intercept is None:
        return None
    if slope is None or intercept is None:
        raise DicomError(f"{tag_text(_SLOPE)} is {slope} and {tag_text(_INTERCEPT)} is {intercept}: one is missing")
    return Rescale(slope, intercept)


def window_of(
    dataset: Dataset, form: StoredFormat, modality: Rescale | LookupTable | None
) -> Window | LookupTable | None:
    """Return how modality values become 0..1; None where the file leaves that open.

    Raises:
        DicomError: If half of a window is missing, its function is unknown, or a table is not what it announces.
    """
    # The output of a modality table is unsigned; otherwise the sign is that of the stored values.
    signed = form.signed and not isinstance(modality, LookupTable)
    table = _table(dataset, _VOI_TABLES, signed=signed, big_endian=form.big_endian)
    if table is not None:
        return table
    center, width = decimal_of(dataset, _CENTER), decimal_of(dataset, _WIDTH)
    if center is None and width is None:
        return None
    if center is None or width is None:
        raise DicomError(f"{tag_text(_CENTER)} is {center} and {tag_text(_WIDTH)} is {width}: one is missing")
    function = value_of(dataset, _FUNCTION) or "LINEAR"
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        raise DicomError(f"{tag_text(_FUNCTION)} is none of the standard's; known are LINEAR, LINEAR_EXACT and SIGMOID")
    return Window(center, width, cast(WindowFunction, function))


def _table(dataset: Dataset, tag: int, *, signed: bool, big_endian: bool) -> LookupTable | None:
    """Read the first lookup table of a sequence."""
    sequence = value_of(dataset, tag)
    if not sequence:
        return None
    item = sequence[0]
    descriptor = value_of(item, _TABLE_DESCRIPTOR)
    if isinstance(descriptor, bytes) and len(descriptor) == 6:  # a type that pydicom could not settle
        descriptor = np.frombuffer(descriptor, dtype=">u2" if big_endian else "<u2").tolist()
    if isinstance(descriptor, (str, bytes)) or descriptor is None or len(descriptor) != 3:
        raise DicomError(f"{tag_text(_TABLE_DESCRIPTOR)} in {tag_text(tag)} does not have three numbers")
    count, first, bits = (int(number) for number in descriptor)
    count = (count & 0xFFFF) or 1 << 16  # 0 stands for 65536, and signed reading makes negatives
    if signed and first >= 1 << 15:
        first -= 1 << 16
    if not signed and first < 0:
        first += 1 << 16
    entries = _table_entries(value_of(item, _TABLE_DATA), count, big_endian)
    if not 1 <= bits <= 16 or entries is None or entries.max() >= 1 << bits:
        raise DicomError(
            f"{tag_text(_TABLE_DATA)} in {tag_text(tag)} does not hold the {count} values of {bits} bits that "
            f"{tag_text(_TABLE_DESCRIPTOR)} announces"
        )
    return LookupTable(first, bits, entries)


def _table_entries(data: Any, count: int, big_endian: bool) -> np.ndarray[Any, Any] | None:
    """Turn LUT Data, which pydicom gives as bytes or numbers, into ``count`` numbers; none if it does not fit."""
    if isinstance(data, (bytes, bytearray)):
        if len(data) == 2 * count:
            return np.frombuffer(data, dtype=">u2" if big_endian else "<u2").astype(np.int64)
        # Entries of 8 bits may be packed, with a byte to fill the last word.
        return np.frombuffer(data, dtype="u1")[:count].astype(np.int64) if len(data) == count + count % 2 else None
    if data is None or isinstance(data, str):
        return None
    entries = np.atleast_1d(np.asarray(data, dtype=np.int64))
    return entries & 0xFFFF if entries.shape == (count,) else None
