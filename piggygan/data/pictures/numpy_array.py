"""Arrays in ``.npy`` files: numbers only.

Such a file could hold objects in a pickle besides: those are refused by their type, and never touched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.lib import format as npy

from piggygan.data.pictures.decoded import MAX_CHANNELS, DecodedImage
from piggygan.errors import ImageError

SIGNATURE = b"\x93NUMPY"
_READ = ("bool", "uint8", "uint16", "uint32", "float16", "float32", "float64")
_LONGEST_HEADER = 4096


@dataclass(frozen=True)
class NumpyHeader:
    """What a ``.npy`` file says of its array.

    Attributes:
        shape: ``(height, width)`` or ``(height, width, channels)``.
        is_by_columns: Whether the first index runs fastest.
        kind: Of a number.
        start: Where the numbers begin.
    """

    shape: tuple[int, ...]
    is_by_columns: bool
    kind: np.dtype[Any]
    start: int

    @property
    def height(self) -> int:
        """In pixels."""
        return self.shape[0]

    @property
    def width(self) -> int:
        """In pixels."""
        return self.shape[1]

    @property
    def bands(self) -> int:
        """How many channels there are."""
        return self.shape[2] if len(self.shape) == 3 else 1

    @property
    def bits(self) -> int:
        """Of a number."""
        return 1 if self.kind.name == "bool" else 8 * self.kind.itemsize


def numpy_header(content: bytes) -> NumpyHeader:
    """Read what array a ``.npy`` file holds.

    Raises:
        ImageError: If it is no picture: needed is (height, width) or (height, width, channels).
    """
    file = BytesIO(content)
    try:
        version = npy.read_magic(file)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        shape, is_by_columns, kind = read(file, max_header_size=_LONGEST_HEADER)
    # What NumPy says of a header it may have quoted from it. Python's parser calls brackets too deep a lack of memory.
    except (ValueError, KeyError, TypeError, RecursionError, MemoryError):
        raise ImageError("its header is none of NumPy's, version 1 or 2") from None
    if kind.name not in _READ or kind.hasobject:
        raise ImageError(f"it has values of another type than {', '.join(_READ)}: convert them")
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise ImageError(
            f"its shape is {shape}; needed is (height, width) or (height, width, channels), as of one picture"
        )
    if len(shape) == 3 and shape[2] > MAX_CHANNELS:
        raise ImageError(
            f"its shape is {shape}, {shape[2]} channels; at most {MAX_CHANNELS} are read, and they come last: "
            f"numpy.moveaxis(array, 0, -1)"
        )
    if len(content) - file.tell() != math.prod(shape) * kind.itemsize:
        raise ImageError("it has fewer or more numbers than its header says")
    return NumpyHeader(shape, is_by_columns, kind, file.tell())


def decode_numpy(content: bytes, header: NumpyHeader) -> DecodedImage:
    """Read an array as a picture."""
    flat = np.frombuffer(content, header.kind, offset=header.start)
    values = flat.reshape(header.shape, order="F" if header.is_by_columns else "C")
    values = values.astype(header.kind.newbyteorder("="))
    if values.shape[2:] == (1,):
        values = values[..., 0]
    return DecodedImage("bands", values, values, "NumPy", header.bits)
