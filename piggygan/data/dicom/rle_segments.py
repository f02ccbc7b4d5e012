"""How many pixels a run-length stream of DICOM holds (PS3.5, annex G), counted before it is decoded.

Decoders cut off what is too much: a stream of 40 columns read as one of 39 comes out scrambled without a word.
"""

from __future__ import annotations

import struct

from piggygan.errors import ImageError

_HEADER = 64
_MOST_SEGMENTS = 15
_NOTHING = 128


def check_segments(stream: bytes, pixels: int, bytes_a_pixel: int) -> None:
    """Make sure that each byte of every pixel is in its segment, and nothing else.

    Raises:
        ImageError: If there are more or fewer segments, or one has more or fewer bytes.
    """
    if len(stream) < _HEADER:
        raise ImageError("it is shorter than its header")
    count, *offsets = struct.unpack_from(f"<{1 + _MOST_SEGMENTS}I", stream)
    if count != bytes_a_pixel:
        raise ImageError(f"it has {count} segments; pixels of {bytes_a_pixel} bytes have {bytes_a_pixel}")
    ends = [*offsets[1:count], len(stream)]
    for start, end in zip(offsets[:count], ends, strict=True):
        if not _HEADER <= start < end <= len(stream):
            raise ImageError("its segments lie elsewhere than in it")
        found = unpacked_length(stream[start:end], pixels)
        if found != pixels:
            few = "fewer" if found < pixels else "more"
            raise ImageError(f"one of its segments has {few} bytes than the {pixels} pixels that there should be")


def unpacked_length(segment: bytes, enough: int) -> int:
    """Count the bytes that a segment unpacks to; counting ends above ``enough``.

    Example:
        >>> unpacked_length(bytes([2, 7, 8, 9, 254, 1]), 100)  # three bytes as they are, and one three times
        6
    """
    place, found, last = 0, 0, len(segment) - 1
    while place < last and found <= enough:  # a single byte at the end fills up
        code = segment[place]
        if code < _NOTHING:
            found += min(code + 1, last - place)
            place += code + 2
        elif code > _NOTHING:
            found += 257 - code
            place += 2
        else:
            place += 1
    return found
