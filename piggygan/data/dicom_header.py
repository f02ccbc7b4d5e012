"""What a DICOM file says about its pixels, read with pydicom and checked: nothing else of the file is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from io import BytesIO
from typing import Any, cast

import numpy as np
from pydicom.datadict import dictionary_description
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag

from piggygan.data.files import without_warnings
from piggygan.data.grayscale import LookupTable, Rescale, StoredFormat, Window, WindowFunction
from piggygan.errors import DicomError, InputTooLargeError

DICOM_PREFIX = b"DICM"
"""Follows the 128 free bytes at the start of every DICOM file."""

_TRANSFER_SYNTAX = 0x00020010
_SAMPLES, _PHOTOMETRIC, _FRAMES = 0x00280002, 0x00280004, 0x00280008
_ROWS, _COLUMNS = 0x00280010, 0x00280011
_BITS_ALLOCATED, _BITS_STORED, _HIGH_BIT, _SIGNED = 0x00280100, 0x00280101, 0x00280102, 0x00280103
_PADDING, _PADDING_LIMIT = 0x00280120, 0x00280121
_CENTER, _WIDTH, _INTERCEPT, _SLOPE, _FUNCTION = 0x00281050, 0x00281051, 0x00281052, 0x00281053, 0x00281056
_MODALITY_TABLES, _TABLE_DESCRIPTOR, _TABLE_DATA, _VOI_TABLES = 0x00283000, 0x00283002, 0x00283006, 0x00283010
_PIXEL_DATA = 0x7FE00010
# fmt: off
_NEEDED: list[BaseTag | int] = [
    _SAMPLES, _PHOTOMETRIC, _FRAMES, _ROWS, _COLUMNS, _BITS_ALLOCATED, _BITS_STORED, _HIGH_BIT, _SIGNED, _PADDING,
    _PADDING_LIMIT, _CENTER, _WIDTH, _INTERCEPT, _SLOPE, _FUNCTION, _MODALITY_TABLES, _VOI_TABLES, _PIXEL_DATA,
]
# fmt: on
# UID -> (is implicit VR, is little endian)
_UNCOMPRESSED = {
    "1.2.840.10008.1.2": (True, True),
    "1.2.840.10008.1.2.1": (False, True),
    "1.2.840.10008.1.2.2": (False, False),
}


@dataclass(frozen=True)
class DicomPixels:
    """One grey image of a DICOM file: its bytes, and how they become window output.

    Attributes:
        rows: Height.
        columns: Width.
        form: How bytes make stored values.
        is_inverted: Whether small values are bright (``MONOCHROME1``).
        padding: Lowest and highest stored value that mean "outside of the picture", if any do.
        modality: From stored to modality values; none where they are the same.
        window: From modality values to 0..1; none where the file leaves that open.
        data: Pixel bytes, exactly ``rows * columns`` of them.
    """

    rows: int
    columns: int
    form: StoredFormat
    is_inverted: bool
    padding: tuple[int, int] | None
    modality: Rescale | LookupTable | None
    window: Window | LookupTable | None
    data: bytes


def parse_dicom(content: bytes, *, max_pixels: int) -> DicomPixels:
    """Read and check what a DICOM file says about its pixels.

    Only the tags needed for pixels are read: a bad value elsewhere does no harm, and no patient attribute can
    get into a message.

    Raises:
        DicomError: If the file is no uncompressed grey single-frame image, or contradicts itself.
        InputTooLargeError: If it has more than ``max_pixels`` pixels.
    """
    if content[128:132] != DICOM_PREFIX:
        raise DicomError("the DICM prefix is missing: this is not a DICOM file")
    try:
        with without_warnings():
            return _parse(content, max_pixels)
    except (DicomError, InputTooLargeError):
        raise
    except Exception as error:
        # What pydicom raises on broken files is no promise, and its texts quote values: only the kind is told.
        raise DicomError(f"its data elements are broken ({type(error).__name__})") from None


def _parse(content: bytes, max_pixels: int) -> DicomPixels:
    file = BytesIO(content)
    file.seek(132)
    meta = read_dataset(file, False, True, stop_when=lambda tag, _vr, _length: tag.group != 2)
    implicit, little_endian = _encoding(meta)
    dataset = read_dataset(file, implicit, little_endian, specific_tags=_NEEDED)

    if _PIXEL_DATA not in dataset:
        raise DicomError(f"{_tag(_PIXEL_DATA)} is missing: there is no image in this object, or the file is cut")
    is_inverted = _is_inverted(dataset)
    rows, columns = _size(dataset, max_pixels)
    form = _stored_format(dataset, big_endian=not little_endian)
    modality = _modality(dataset, form)
    return DicomPixels(
        rows=rows,
        columns=columns,
        form=form,
        is_inverted=is_inverted,
        padding=_padding(dataset),
        modality=modality,
        window=_window(dataset, form, modality),
        data=_pixel_bytes(dataset, rows * columns, form),
    )


def _encoding(meta: Dataset) -> tuple[bool, bool]:
    syntax = str(_value(meta, _TRANSFER_SYNTAX) or "")
    if not syntax:
        raise DicomError(f"{_tag(_TRANSFER_SYNTAX)} is missing: how the file is encoded is not known")
    if syntax not in _UNCOMPRESSED:
        raise DicomError(
            f"{_tag(_TRANSFER_SYNTAX)} is {syntax!r}, which needs a decoder; only uncompressed files are read "
            f"here: rewrite it uncompressed first, for example with `gdcmconv --raw` or `dcmdjpeg`"
        )
    return _UNCOMPRESSED[syntax]


def _is_inverted(dataset: Dataset) -> bool:
    photometric = _value(dataset, _PHOTOMETRIC)
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise DicomError(
            f"{_tag(_PHOTOMETRIC)} is {photometric!r}; only MONOCHROME1 and MONOCHROME2 are read, and it is not guessed"
        )
    return bool(photometric == "MONOCHROME1")


def _size(dataset: Dataset, max_pixels: int) -> tuple[int, int]:
    rows, columns = _integer(dataset, _ROWS), _integer(dataset, _COLUMNS)
    if rows < 1 or columns < 1:
        raise DicomError(f"{_tag(_ROWS)} is {rows} and {_tag(_COLUMNS)} is {columns}; both must be at least 1")
    # Some writers put 0 frames for one; that it is one, the exact number of pixel bytes shows.
    frames = _integer(dataset, _FRAMES, default=1)
    if frames not in (0, 1):
        raise DicomError(f"{_tag(_FRAMES)} is {frames}; one frame is read: write the one you need as a file")
    samples = _integer(dataset, _SAMPLES, default=1)  # a grey image has no other number
    if samples != 1:
        raise DicomError(f"{_tag(_SAMPLES)} is {samples}; a grey image has 1")
    if rows * columns > max_pixels:
        raise InputTooLargeError(f"it has {columns} x {rows} pixels; at most {max_pixels} are decoded")
    return rows, columns


def _stored_format(dataset: Dataset, *, big_endian: bool) -> StoredFormat:
    allocated, stored = _integer(dataset, _BITS_ALLOCATED), _integer(dataset, _BITS_STORED)
    high = _integer(dataset, _HIGH_BIT, default=stored - 1)  # the standard allows no other
    signed = _integer(dataset, _SIGNED)
    if allocated not in (8, 16, 32) or not 1 <= stored <= allocated or high != stored - 1 or signed not in (0, 1):
        raise DicomError(
            f"{_tag(_BITS_ALLOCATED)} is {allocated}, {_tag(_BITS_STORED)} {stored}, {_tag(_HIGH_BIT)} {high}, "
            f"{_tag(_SIGNED)} {signed}; needed are 8, 16 or 32 bits, no more of them stored, the high bit one "
            f"less than these, and a representation of 0 or 1"
        )
    return StoredFormat(allocated, stored, signed=bool(signed), big_endian=big_endian)


def _padding(dataset: Dataset) -> tuple[int, int] | None:
    if _value(dataset, _PADDING) is None:
        return None
    value = _integer(dataset, _PADDING)
    limit = _integer(dataset, _PADDING_LIMIT, default=value)
    return min(value, limit), max(value, limit)


def _modality(dataset: Dataset, form: StoredFormat) -> Rescale | LookupTable | None:
    table = _table(dataset, _MODALITY_TABLES, signed=form.signed, big_endian=form.big_endian)
    if table is not None:
        return table
    slope, intercept = _decimal(dataset, _SLOPE), _decimal(dataset, _INTERCEPT)
    if slope is None and intercept is None:
        return None
    if slope is None or intercept is None:
        raise DicomError(f"{_tag(_SLOPE)} is {slope} and {_tag(_INTERCEPT)} is {intercept}: one is missing")
    return Rescale(slope, intercept)


def _window(
    dataset: Dataset, form: StoredFormat, modality: Rescale | LookupTable | None
) -> Window | LookupTable | None:
    # The output of a modality table is unsigned; otherwise the sign is that of the stored values.
    signed = form.signed and not isinstance(modality, LookupTable)
    table = _table(dataset, _VOI_TABLES, signed=signed, big_endian=form.big_endian)
    if table is not None:
        return table
    center, width = _decimal(dataset, _CENTER), _decimal(dataset, _WIDTH)
    if center is None and width is None:
        return None
    if center is None or width is None:
        raise DicomError(f"{_tag(_CENTER)} is {center} and {_tag(_WIDTH)} is {width}: one is missing")
    function = _value(dataset, _FUNCTION) or "LINEAR"
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        raise DicomError(f"{_tag(_FUNCTION)} is {function!r}; known are LINEAR, LINEAR_EXACT and SIGMOID")
    return Window(center, width, cast(WindowFunction, function))


def _table(dataset: Dataset, tag: int, *, signed: bool, big_endian: bool) -> LookupTable | None:
    """Read the first lookup table of a sequence."""
    sequence = _value(dataset, tag)
    if not sequence:
        return None
    item = sequence[0]
    descriptor = _value(item, _TABLE_DESCRIPTOR)
    if isinstance(descriptor, bytes) and len(descriptor) == 6:  # a type that pydicom could not settle
        descriptor = np.frombuffer(descriptor, dtype=">u2" if big_endian else "<u2").tolist()
    if isinstance(descriptor, (str, bytes)) or descriptor is None or len(descriptor) != 3:
        raise DicomError(f"{_tag(_TABLE_DESCRIPTOR)} in {_tag(tag)} does not have three numbers")
    count, first, bits = (int(number) for number in descriptor)
    count = (count & 0xFFFF) or 1 << 16  # 0 stands for 65536, and signed reading makes negatives
    if signed and first >= 1 << 15:
        first -= 1 << 16
    if not signed and first < 0:
        first += 1 << 16
    entries = _table_entries(_value(item, _TABLE_DATA), count, big_endian)
    if not 1 <= bits <= 16 or entries is None or entries.max() >= 1 << bits:
        raise DicomError(
            f"{_tag(_TABLE_DATA)} in {_tag(tag)} does not hold the {count} values of {bits} bits that "
            f"{_tag(_TABLE_DESCRIPTOR)} announces"
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


def _pixel_bytes(dataset: Dataset, pixels: int, form: StoredFormat) -> bytes:
    element = dataset[_PIXEL_DATA]
    size = pixels * form.bits_allocated // 8
    data = element.value
    length = len(data) if isinstance(data, bytes) else 0
    # A value has an even length, but some writers leave out the byte that fills an odd one up.
    if element.is_undefined_length or length not in (size, size + size % 2):
        raise DicomError(f"{_tag(_PIXEL_DATA)} has {length} bytes; {_tag(_ROWS)} x {_tag(_COLUMNS)} need {size}")
    if form.big_endian and form.bits_allocated == 8 and element.VR == "OW":
        # Bytes in 16-bit words: the high byte of a word, written first, is the second pixel.
        words = np.frombuffer(data + b"\0" * (length % 2), dtype="<u2")
        data = words.byteswap().tobytes()
    return bytes(data[:size])


def _tag(tag: int) -> str:
    return f"{dictionary_description(tag)} ({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _value(dataset: Dataset, tag: int) -> Any:
    """Get the value of a tag; None where it is absent or empty."""
    value = dataset[tag].value if tag in dataset else None
    return None if isinstance(value, (str, bytes)) and not value else value


def _integer(dataset: Dataset, tag: int, default: int | None = None) -> int:
    value = _value(dataset, tag)
    if value is None and default is not None:
        return default
    if not isinstance(value, int):  # also several values, text, bytes
        raise DicomError(f"{_tag(tag)} is {'missing' if value is None else 'not one whole number'}")
    return int(value)


def _decimal(dataset: Dataset, tag: int) -> float | None:
    """Get a decimal number, the first if there are several."""
    value = _value(dataset, tag)
    if value is not None and not isinstance(value, (int, float, str)) and hasattr(value, "__len__"):
        value = value[0] if len(value) else None
    if value is None:
        return None
    number = float(value)
    if math.isinf(number):
        raise DicomError(f"{_tag(tag)} is infinite")
    return number
