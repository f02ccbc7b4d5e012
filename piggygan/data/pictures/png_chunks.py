"""The chunks of a PNG file: what size it announces, and whether all of its rows are there.

Pillow takes a file whose compressed rows end early for a picture with a black rest, and one with rows to spare for a
whole picture. So the chunks are walked here, their checksums compared and the bytes of the rows counted, before Pillow
decodes them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from piggygan.errors import ImageError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_END = 33  # signature, and the first chunk with its length, name, 13 bytes and checksum
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by colour type (PNG specification, section 11.2.1)
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column and row, and steps between columns and rows, of each pass of an interlaced picture (section 8.2)."""
_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class PngHeader:
    """What the first chunk of a PNG file says.

    Attributes:
        width: In pixels.
        height: In pixels.
        depth: Bits of one sample.
        colour: The colour type: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha.
        is_interlaced: Whether its pixels come in seven passes.
    """

    width: int
    height: int
    depth: int
    colour: int
    is_interlaced: bool

    @property
    def row_bytes(self) -> int:
        """How many bytes all rows have before they are compressed, each with the byte that names its filter.

        Example:
            >>> PngHeader(10, 3, 1, 0, False).row_bytes, PngHeader(1, 1, 16, 6, True).row_bytes
            (9, 9)
        """
        passes = _PASSES if self.is_interlaced else ((0, 0, 1, 1),)
        bits = self.depth * _SAMPLES[self.colour]
        total = 0
        for left, top, across, down in passes:
            columns, rows = -(-(self.width - left) // across), -(-(self.height - top) // down)
            total += rows * (1 + -(-columns * bits // 8)) if columns > 0 and rows > 0 else 0
        return total


def png_header(content: bytes) -> PngHeader:
    """Read the first chunk of a PNG file.

    Raises:
        ImageError: If it is none, or announces what PNG does not have.
    """
    if not content.startswith(SIGNATURE) or content[8:16] != b"\0\0\0\x0dIHDR" or len(content) < _HEADER_END:
        raise ImageError("it does not begin as a PNG file does")
    width, height, depth, colour, packing, filtering, interlace = struct.unpack_from(">2I5B", content, 16)
    if depth not in _DEPTHS.get(colour, ()) or packing or filtering or interlace > 1 or not (width and height):
        raise ImageError("its header announces what PNG does not have")
    return PngHeader(width, height, depth, colour, bool(interlace))


def check_rows(content: bytes, header: PngHeader) -> None:
    """Make sure that a PNG file holds exactly the rows that its header announces, and that no checksum is wrong.

    Raises:
        ImageError: If it is cut or corrupt, or has too few or too many rows.
    """
    inflater = zlib.decompressobj()
    needed = header.row_bytes
    found = 0
    try:
        for compressed in _row_chunks(content):
            rest: bytes = compressed
            while rest and found <= needed:
                found += len(inflater.decompress(rest, _AT_ONCE))
                rest = inflater.unconsumed_tail
    except zlib.error:
        raise ImageError("its compressed rows are corrupt") from None
    # Some writers leave out the last bytes of the compressed stream, its checksum; Pillow sees to that.
    if found != needed:
        few = "fewer" if found < needed else "more"
        raise ImageError(f"it has {few} rows than the {header.height} of {header.width} pixels that its header says")


def _row_chunks(content: bytes) -> Iterator[bytes]:
    """Walk the chunks up to the end mark, and give those with rows."""
    view = memoryview(content)
    place = len(SIGNATURE)
    while True:
        if place + 12 > len(content):
            raise ImageError("it ends before its end mark")
        (length,) = struct.unpack_from(">I", content, place)
        name, end = content[place + 4 : place + 8], place + 8 + length
        if end + 4 > len(content):
            raise ImageError("it ends inside a chunk")
        if zlib.crc32(view[place + 4 : end]) != int.from_bytes(content[end : end + 4], "big"):
            raise ImageError("the checksum of a chunk is wrong")
        if name == b"IEND":
            return
        if name == b"IDAT":
            yield content[place + 8 : end]
        elif name not in _CRITICAL and not name[0] & 0x20:
            raise ImageError("it has a chunk without which it cannot be shown, and that PNG does not know")
        place = end + 4
