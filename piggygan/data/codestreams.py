"""The size that a compressed picture announces by itself, read before any decoder sees it.

A decoder makes room for that size, whatever the file around it says; and rows taken for columns come out as a
picture that is scrambled without a word.
"""

from __future__ import annotations

import struct

_JPEG_2000 = b"\xff\x4f\xff\x51"
_JPEG = b"\xff\xd8"
# Start of frame: 0xC0 to 0xCF without the tables 0xC4, 0xC8 and 0xCC (ITU-T T.81, B.1.1.3), and 0xF7 of JPEG-LS.
_FRAME_STARTS = (set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}) | {0xF7}
_SCAN_START = 0xDA


def announced_size(stream: bytes) -> tuple[int, int] | None:
    r"""Return rows and columns of a JPEG, JPEG-LS or JPEG 2000 stream; None if it is of another kind, or broken.

    Example:
        >>> announced_size(b"\xff\xd8" + b"\xff\xc0\x00\x0b\x08\x00\x20\x00\x10\x01\x01\x11\x00")
        (32, 16)
    """
    try:
        if stream.startswith(_JPEG_2000):  # ITU-T T.800, A.5.1
            right, bottom, left, top = struct.unpack_from(">4I", stream, 8)
            return bottom - top, right - left
        return _jpeg_size(stream) if stream.startswith(_JPEG) else None
    except struct.error:
        return None


def _jpeg_size(stream: bytes) -> tuple[int, int] | None:
    place = len(_JPEG)
    while stream[place : place + 1] == b"\xff":
        (marker,) = struct.unpack_from("B", stream, place + 1)
        if marker == 0xFF:  # a byte that fills up
            place += 1
            continue
        if marker in _FRAME_STARTS:
            rows, columns = struct.unpack_from(">2H", stream, place + 5)
            return rows, columns
        if marker == _SCAN_START:
            return None
        (length,) = struct.unpack_from(">H", stream, place + 2)
        place += 2 + max(length, 2)
    return None
