"""The segments of a JPEG or JPEG-LS stream: what size it announces, and where its compressed data end.

Decoders make room for the announced size, whatever the file around the stream says; rows taken for columns come out as
a picture that is scrambled without a word. And they pass over bytes between segments, so that one reader may find
another size than the next. So what is not exactly as the standard has it (ITU-T T.81, annex B) is refused.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from piggygan.errors import ImageError

SIGNATURE = b"\xff\xd8"
_BASELINE, _EXTENDED, _PROGRESSIVE, _LOSSLESS, _JPEG_LS = 0xC0, 0xC1, 0xC2, 0xC3, 0xF7
_FRAME_STARTS = (set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}) | {_JPEG_LS}
_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_WITHOUT_LENGTH = {0x00, 0x01, *range(0xD0, 0xD8), _START}
_AFTER_DATA = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
_AFTER_JPEG_LS_DATA = re.compile(rb"\xff+[^\x00-\x7f\xd0-\xd7\xff]")
_RESTART = re.compile(rb"\xff+[\xd0-\xd7]")
_SURPLUS = bytes((37 * number * number + 11 * number + 90) % 251 for number in range(64))
"""Bytes that mean something to a decoder that still waits for data, and nothing to one that has all."""


@dataclass(frozen=True)
class JpegOutline:
    """What the segments of a stream say.

    Attributes:
        process: The last byte of the marker that starts the frame.
        precision: Bits of a sample.
        rows: Of the picture.
        columns: Of the picture.
        components: How many there are: 1 in a grey picture.
        data_ends: Where the compressed data of each scan, or of each part between restart marks, end.
    """

    process: int
    precision: int
    rows: int
    columns: int
    components: int
    data_ends: tuple[int, ...]

    @property
    def is_jpeg_ls(self) -> bool:
        """Whether it is JPEG-LS."""
        return self.process == _JPEG_LS

    @property
    def is_for_everyone(self) -> bool:
        """Whether it is of 8 bits with Huffman codes, baseline or progressive: what every decoder reads."""
        return self.precision == 8 and self.process in (_BASELINE, _EXTENDED, _PROGRESSIVE)


def outline_of(stream: bytes) -> JpegOutline:
    r"""Walk the segments of a JPEG or JPEG-LS stream, up to its end mark.

    Raises:
        ImageError: If anything is not as the standard has it, or a part of the picture is in no scan.

    Example:
        >>> import io
        >>> from PIL import Image
        >>> file = io.BytesIO()
        >>> Image.new("L", (16, 32)).save(file, format="JPEG")
        >>> outline = outline_of(file.getvalue())
        >>> outline.rows, outline.columns, outline.components
        (32, 16, 1)
    """
    walk = _Walk(stream)
    try:
        for marker, segment in _segments(stream, walk):
            walk.take(marker, segment)
    except (struct.error, IndexError):
        raise ImageError("one of its segments is shorter than it must be") from None
    return walk.outline()


def with_surplus(stream: bytes, outline: JpegOutline) -> bytes:
    """Put bytes behind all compressed data: a decoder that needed them gives another picture, else the same one."""
    parts, start = [], 0
    for end in outline.data_ends:
        parts += [stream[start:end], _SURPLUS]
        start = end
    return b"".join([*parts, stream[start:]])


def _segments(stream: bytes, walk: _Walk) -> Iterator[tuple[int, bytes]]:
    """Give every segment's marker and content; go on behind a scan's data."""
    if not stream.startswith(SIGNATURE):
        raise ImageError("it does not begin as a JPEG stream does")
    place = len(SIGNATURE)
    while True:
        if stream[place] != 0xFF:
            raise ImageError("there is a stray byte between its segments")
        while stream[place + 1] == 0xFF:  # a byte that fills up
            place += 1
        marker = stream[place + 1]
        if marker == _END:
            return
        if marker in _WITHOUT_LENGTH:
            raise ImageError("there is a mark between its segments that belongs elsewhere")
        (length,) = struct.unpack_from(">H", stream, place + 2)
        if length < 2 or place + 2 + length > len(stream):
            raise ImageError("one of its segments does not end inside it")
        yield marker, stream[place + 4 : place + 2 + length]
        place += 2 + length
        if marker == _SCAN:
            place = walk.pass_data(place)


@dataclass
class _Walk:
    """What was met on the way through a stream."""

    stream: bytes
    frame: JpegOutline | None = None
    waiting: dict[int, list[int | None]] = field(default_factory=dict)
    """For each component its coefficients: how many low bits are still to come; None: all."""
    data_ends: list[int] = field(default_factory=list)

    def take(self, marker: int, segment: bytes) -> None:
        if marker in _FRAME_STARTS:
            self._take_frame(marker, segment)
        elif marker == _SCAN:
            self._take_scan(segment)

    def _take_frame(self, marker: int, segment: bytes) -> None:
        if self.frame is not None:
            raise ImageError("it announces its size twice")
        if marker not in (_BASELINE, _EXTENDED, _PROGRESSIVE, _LOSSLESS, _JPEG_LS):
            raise ImageError("it is arithmetically coded or hierarchical, which is not read")
        precision, rows, columns, components = struct.unpack_from(">BHHB", segment)
        if not (rows and columns and components) or len(segment) != 6 + 3 * components:
            raise ImageError("its header announces no picture")
        self.frame = JpegOutline(marker, precision, rows, columns, components, ())
        coefficients = 64 if marker == _PROGRESSIVE else 1
        self.waiting = {segment[6 + 3 * number]: [None] * coefficients for number in range(components)}

    def _take_scan(self, segment: bytes) -> None:
        if self.frame is None:
            raise ImageError("its data begin before its size is announced")
        count = segment[0]
        if len(segment) != 4 + 2 * count:
            raise ImageError("the header of its data has another length than it says")
        first, last, bits = segment[1 + 2 * count : 4 + 2 * count]
        if self.frame.process != _PROGRESSIVE:
            first = last = bits = 0
        for number in range(count):
            component = self.waiting.get(segment[1 + 2 * number])
            if component is None or last >= len(component):
                raise ImageError("its data are of a part of the picture that was not announced")
            component[first : last + 1] = [bits & 0x0F] * (last + 1 - first)

    def pass_data(self, place: int) -> int:
        """Find where the data end that begin at a place; note that, and the ends before restart marks."""
        is_jpeg_ls = self.frame is not None and self.frame.process == _JPEG_LS
        found = (_AFTER_JPEG_LS_DATA if is_jpeg_ls else _AFTER_DATA).search(self.stream, place)
        if found is None:
            raise ImageError("it ends before its end mark")
        self.data_ends += [restart.start() for restart in _RESTART.finditer(self.stream, place, found.start())]
        self.data_ends.append(found.start())
        return found.start()

    def outline(self) -> JpegOutline:
        if self.frame is None or any(bits != 0 for component in self.waiting.values() for bits in component):
            raise ImageError("it ends before all of the picture came")
        return JpegOutline(**{**vars(self.frame), "data_ends": tuple(self.data_ends)})
