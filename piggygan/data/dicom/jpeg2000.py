"""The codestream of a JPEG 2000 picture: taken out of its boxes, its size read and its tiles counted.

Done before any decoder sees it: pydicom 3.0.2 goes round for ever in boxes of length 0, and takes boxes for a picture
of any size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from piggygan.errors import ImageError

_BOXES = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_START_AND_SIZE, _TILE_PART, _END = b"\xff\x4f\xff\x51", 0xFF90, b"\xff\xd9"
_MOST_TILES = 65_535
_HAS_PALETTE = b"pclr"


def codestream_of(stream: bytes) -> bytes:
    """Return the codestream of a picture, which DICOM wants bare and some writers leave in the boxes of a JP2 file.

    Raises:
        ImageError: If it is neither, a box does not end, or the boxes hold a palette too.
    """
    if stream.startswith(_START_AND_SIZE):
        return stream
    if not stream.startswith(_BOXES):
        raise ImageError("it does not begin as a JPEG 2000 picture does")
    found = None
    for name, start, end in _boxes(stream):
        if name == b"jp2h" and any(inner == _HAS_PALETTE for inner, _, _ in _boxes(stream[start:end])):
            raise ImageError("it has a palette, and a grey picture has none")
        if name == b"jp2c" and found is None:
            found = stream[start:end]
    if found is None or not found.startswith(_START_AND_SIZE):
        raise ImageError("its boxes hold no JPEG 2000 codestream")
    return found


def checked_size(codestream: bytes) -> tuple[int, int, int]:
    """Return rows, columns and bits of a grey codestream all of whose tiles are there (ITU-T T.800, annex A).

    Raises:
        ImageError: If it is of several components, cut, or contradicts itself.
    """
    try:
        rows, columns, bits, tiles = _size(codestream)
        seen = set(_tiles(codestream))
    except struct.error:
        raise ImageError("it ends before all of its tiles came") from None
    if seen != set(range(tiles)):
        raise ImageError(f"it has {len(seen)} of its {tiles} tiles")
    return rows, columns, bits


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Give name, start and end of what is in each box (annex I.4)."""
    place = 0
    while place < len(data):
        if place + 8 > len(data):
            raise ImageError("one of its boxes is cut")
        length, name = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        start = place + 8
        end = len(data) if length == 0 else place + length  # 0: the last box, which goes on to the end
        if length == 1:
            end, start = place + int.from_bytes(data[start : start + 8], "big"), start + 8
        if not start <= end <= len(data):
            raise ImageError("one of its boxes has a length that cannot be")
        yield name, start, end
        place = end


def _size(codestream: bytes) -> tuple[int, int, int, int]:
    """Read the size marker: rows, columns, bits and number of tiles (A.5.1)."""
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top, components = struct.unpack_from(
        ">8IH", codestream, 8
    )
    bits, across, down = struct.unpack_from(">3B", codestream, 42)
    if components != 1 or (across, down) != (1, 1):
        raise ImageError(f"it has {components} components, or samples that are no pixels; a grey picture has 1")
    fits = tile_left <= left < right and tile_top <= top < bottom and tile_width and tile_height
    if not fits or tile_left + tile_width <= left or tile_top + tile_height <= top:
        raise ImageError("its size and tiles contradict each other")
    tiles = -(-(right - tile_left) // tile_width) * -(-(bottom - tile_top) // tile_height)
    if tiles > _MOST_TILES:
        raise ImageError(f"it announces {tiles} tiles; at most {_MOST_TILES} can be")
    return bottom - top, right - left, (bits & 0x7F) + 1, tiles


def _tiles(codestream: bytes) -> Iterator[int]:
    """Walk the main header and the parts of tiles, each as long as it says, and give the tiles' numbers (A.4.2)."""
    place = 2
    marker, length = struct.unpack_from(">2H", codestream, place)
    while marker != _TILE_PART:
        if marker < 0xFF00 or length < 2:
            raise ImageError("its header is broken")
        place += 2 + length
        marker, length = struct.unpack_from(">2H", codestream, place)
    while codestream[place : place + 2] == b"\xff\x90":
        (tile, part) = struct.unpack_from(">HI", codestream, place + 4)
        if part == 0:  # the last one, which goes on to the end mark
            part = codestream.rfind(_END) - place
        if part < 14 or place + part > len(codestream):
            raise ImageError("one of its tiles is cut")
        yield tile
        place += part
    # An end mark that is missing loses nothing, since every tile was as long as it said.
    # But one inside a tile, whose data never look like that, closes a stream that was cut.
    is_closed = codestream[place : place + 2] == _END
    if not is_closed and (codestream[place:].strip(b"\0") or codestream[place - 2 : place] == _END):
        raise ImageError("one of its tiles is cut, or followed by something else")
