"""The chunks of a WebP file: what size it announces, and whether it is whole.

Pillow makes room for the announced canvas when it opens a file, so its size is looked at before (RFC 9649).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from piggygan.errors import ImageError

_ANIMATION = 0x02
_FRAMES = (b"VP8 ", b"VP8L")


def is_webp(content: bytes) -> bool:
    """Say by its first bytes whether a file is WebP."""
    return content[:4] == b"RIFF" and content[8:12] == b"WEBP"


def webp_size(content: bytes) -> tuple[int, int]:
    """Read width and height of a WebP picture.

    Raises:
        ImageError: If it is cut or corrupt, announces two sizes, or is an animation.
    """
    sizes = []
    try:
        for name, chunk in _chunks(content):
            if name in (b"ANIM", b"ANMF") or (name == b"VP8X" and chunk[0] & _ANIMATION):
                raise ImageError("it is an animation: save the frame that is meant as a file of its own")
            if name in (b"VP8X", *_FRAMES):
                sizes.append(_size(name, chunk))
    except (struct.error, IndexError):
        raise ImageError("one of its chunks is shorter than it must be") from None
    if not sizes:
        raise ImageError("there is no picture in it")
    if len(set(sizes)) > 1:
        raise ImageError("its size is announced twice, and differently")
    return sizes[0]


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    (length,) = struct.unpack_from("<I", content, 4)
    end = 8 + length
    if end > len(content):
        raise ImageError("it ends before its last chunk does")
    place = 12
    while place + 8 <= end:
        name, (size,) = content[place : place + 4], struct.unpack_from("<I", content, place + 4)
        if place + 8 + size > end:
            raise ImageError("it ends inside a chunk")
        yield name, content[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


def _size(name: bytes, chunk: bytes) -> tuple[int, int]:
    if name == b"VP8X":
        return 1 + int.from_bytes(chunk[4:7], "little"), 1 + int.from_bytes(chunk[7:10], "little")
    if name == b"VP8L":
        (packed,) = struct.unpack_from("<I", chunk, 1)
        return 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<2H", chunk, 6)
    return width & 0x3FFF, height & 0x3FFF
