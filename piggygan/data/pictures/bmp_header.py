"""The header of a BMP file: what size it announces, and whether all of its rows are there."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from piggygan.errors import ImageError

SIGNATURE = b"BM"
_SHORT_HEADER = 12
_PLAIN, _WITH_MASKS = 0, 3
_DEPTHS = (1, 4, 8, 16, 24, 32)


@dataclass(frozen=True)
class BmpHeader:
    """What a BMP file says.

    Attributes:
        width: In pixels.
        height: In pixels.
        depth: Bits of one pixel.
        is_grey: Whether it has a palette of greys alone.
    """

    width: int
    height: int
    depth: int
    is_grey: bool


def bmp_header(content: bytes) -> BmpHeader:
    """Read the header of a BMP file.

    Raises:
        ImageError: If it is cut or corrupt, holds fewer rows than it announces, or is compressed.
    """
    try:
        start, length = struct.unpack_from("<2I", content, 10)
        if length == _SHORT_HEADER:
            width, height, _, depth = struct.unpack_from("<4H", content, 18)
            packing = _PLAIN
        else:
            width, height, _, depth, packing = struct.unpack_from("<2i2HI", content, 18)
    except struct.error:
        raise ImageError("it ends inside its header") from None
    if width < 1 or height == 0 or depth not in _DEPTHS:
        raise ImageError("its header announces no picture")
    if packing not in (_PLAIN, _WITH_MASKS):
        raise ImageError("it is compressed, which is not read: save it as PNG")
    row = (width * depth + 31) // 32 * 4
    if start + row * abs(height) > len(content):
        raise ImageError("it ends before its last row")
    entry = 3 if length == _SHORT_HEADER else 4
    palette = content[14 + length : start]
    is_grey = depth <= 8 and palette[::entry] == palette[1::entry] == palette[2::entry]
    return BmpHeader(width, abs(height), depth, is_grey)
