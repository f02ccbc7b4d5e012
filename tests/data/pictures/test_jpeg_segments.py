"""JPEG streams that are not as the standard has them, and JPEG files that hold only part of their picture."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from piggygan.data import read_image
from piggygan.data.pictures.jpeg_segments import outline_of
from piggygan.errors import ImageError

RANDOM = np.random.default_rng(3)
PICTURE = Image.fromarray(RANDOM.integers(0, 256, (40, 56, 3), dtype=np.uint8))
FRAME = b"\xff\xc0"


def jpeg(image: Image.Image = PICTURE, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format="JPEG", **options)
    return file.getvalue()


KINDS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "optimized": {"optimize": True},
    "restarts": {"restart_marker_rows": 1},
    "progressive with restarts": {"progressive": True, "restart_marker_blocks": 3},
    "4:4:4": {"subsampling": 0},
}
MODES = ("L", "RGB", "CMYK")


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(1, 1), (56, 40), (17, 33)])
def test_what_others_wrote_is_read_whole(
    tmp_path: Path, mode: str, size: tuple[int, int], options: dict[str, Any]
) -> None:
    content = jpeg(PICTURE.resize(size).convert(mode), **options)
    outline = outline_of(content)
    assert (outline.columns, outline.rows, outline.precision) == (*size, 8)
    (tmp_path / "a.jpg").write_bytes(content + b"what a camera puts behind")
    read_image(tmp_path / "a.jpg")


@pytest.mark.parametrize("grey", [0, 127, 128, 255])
def test_a_picture_of_one_grey_is_whole(tmp_path: Path, grey: int) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(Image.new("L", (40, 24), grey)))
    assert read_image(tmp_path / "a.jpg", 1).shape == (1, 24, 40)


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
def test_17_06_a_jpeg_cut_and_closed_with_an_end_mark_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    content = jpeg(**options)
    start = content.index(b"\xff\xda")
    refused = 0
    for end in [*range(start + 14, len(content) - 2, 97), len(content) - 4]:
        if content[end - 1] == 0xFF:
            continue
        (tmp_path / "a.jpg").write_bytes(content[:end] + b"\xff\xd9")
        with pytest.raises(ImageError, match="cut or corrupt"):
            read_image(tmp_path / "a.jpg")
        refused += 1
    assert refused > 10


def test_17_06_a_jpeg_that_claims_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    content = bytearray(jpeg(PICTURE.resize((24, 20)).convert("L")))
    place = content.index(FRAME)
    struct.pack_into(">2H", content, place + 5, 800, 800)
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ImageError, match="end before its last pixel"):
        read_image(tmp_path / "a.jpg")


def test_17_06_a_progressive_jpeg_without_its_last_scan_is_refused() -> None:
    content = jpeg(progressive=True)
    last = content.rindex(b"\xff\xda")
    with pytest.raises(ImageError, match="before all of the picture came"):
        outline_of(content[:last] + b"\xff\xd9")


@pytest.mark.parametrize(
    ("inserted", "message"),
    [(b"\xff\xd0", "belongs elsewhere"), (b"\xff\x00", "belongs elsewhere"), (b"\x00", "stray"), (b"\xff\xd8", "mark")],
)
def test_17_05_what_stands_between_segments_is_refused(inserted: bytes, message: str) -> None:
    content = jpeg()
    place = content.index(FRAME)
    with pytest.raises(ImageError, match=message):
        outline_of(content[:place] + inserted + content[place:])


def test_bytes_that_fill_up_are_the_standards_own() -> None:
    content = jpeg()
    place = content.index(FRAME)
    assert outline_of(content[:place] + b"\xff\xff\xff" + content[place:]).rows == 40


def test_a_size_that_is_announced_twice_is_refused() -> None:
    content = jpeg()
    place = content.index(FRAME)
    frame = content[place : place + 2 + struct.unpack_from(">H", content, place + 2)[0]]
    with pytest.raises(ImageError, match="twice"):
        outline_of(content[:place] + frame + content[place:])


@pytest.mark.parametrize("marker", [0xC9, 0xCA, 0xC5, 0xCD])
def test_arithmetic_and_hierarchical_streams_are_refused(marker: int) -> None:
    with pytest.raises(ImageError, match="not read"):
        outline_of(jpeg().replace(FRAME, bytes([0xFF, marker])))


def test_cut_anywhere_a_stream_is_refused() -> None:
    content = jpeg(progressive=True)
    for end in range(0, len(content) - 1, 7):
        with pytest.raises(ImageError):
            outline_of(content[:end])
