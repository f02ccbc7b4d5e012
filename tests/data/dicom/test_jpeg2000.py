"""JPEG 2000 streams: in boxes and bare, whole and not."""

import struct

import numpy as np
import pytest

from piggygan.data.dicom.jpeg2000 import checked_size, codestream_of
from piggygan.errors import ImageError

openjpeg = pytest.importorskip("openjpeg.utils")

SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
PIXELS = np.random.default_rng(0).integers(0, 4096, (48, 40), dtype=np.uint16)


@pytest.fixture(scope="module")
def codestream() -> bytes:
    stream: bytes = openjpeg.encode_array(PIXELS, bits_stored=12, photometric_interpretation=2)
    assert stream.startswith(b"\xff\x4f\xff\x51")
    return stream


def box(name: bytes, content: bytes, length: int | None = None) -> bytes:
    return struct.pack(">I4s", len(content) + 8 if length is None else length, name) + content


def test_the_size_is_what_was_written(codestream: bytes) -> None:
    assert codestream_of(codestream) is codestream
    assert checked_size(codestream) == (48, 40, 12)


def test_boxes_are_taken_off(codestream: bytes) -> None:
    before = SIGNATURE + box(b"ftyp", b"jp2 ") + box(b"jp2h", box(b"ihdr", bytes(14)))
    assert codestream_of(before + box(b"jp2c", codestream)) == codestream
    assert codestream_of(before + box(b"jp2c", codestream, length=0)) == codestream
    long = struct.pack(">I4sQ", 1, b"jp2c", len(codestream) + 16) + codestream
    assert codestream_of(before + long + box(b"uuid", b"after")) == codestream


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (box(b"ftyp", b"jp2 ", length=0), "no JPEG 2000 codestream"),
        (box(b"ftyp", b"jp2 ", length=4), "cannot be"),
        (box(b"ftyp", b"jp2 ", length=2**31), "cannot be"),
        (struct.pack(">I4sQ", 1, b"ftyp", 2**63), "cannot be"),
        (struct.pack(">I4sQ", 1, b"ftyp", 0), "cannot be"),
        (box(b"jp2h", box(b"pclr", b"")), "palette"),
        (b"\0\0\0", "is cut"),
        (b"", "no JPEG 2000 codestream"),
    ],
)
def test_17_02_boxes_that_do_not_end_are_refused_and_not_walked_for_ever(boxes: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        codestream_of(SIGNATURE + boxes)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (8, 0, "contradict"),
        (16, 40, "contradict"),
        (24, 0, "contradict"),
        (24, 1, r"of its 40 tiles"),
        (8, 2**32 - 1, "tiles"),
    ],
)
def test_sizes_that_cannot_be_are_refused(codestream: bytes, place: int, value: int, message: str) -> None:
    changed = bytearray(codestream)
    struct.pack_into(">I", changed, place, value)
    with pytest.raises(ImageError, match=message):
        checked_size(bytes(changed))


def test_a_stream_cut_and_closed_is_refused(codestream: bytes) -> None:
    for end in range(0, len(codestream) - 2, 13):
        with pytest.raises(ImageError):
            checked_size(codestream[:end] + b"\xff\xd9")
    assert checked_size(codestream[:-2]) == (48, 40, 12)  # without its end mark nothing is lost


def test_pictures_in_colour_are_refused(codestream: bytes) -> None:
    colour = bytearray(codestream)
    struct.pack_into(">H", colour, 40, 3)
    with pytest.raises(ImageError, match="3 components"):
        checked_size(bytes(colour))
