"""PNG files that announce other rows than they hold."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piggygan.data import read_image, read_mask
from piggygan.data.pictures.png_chunks import PngHeader, check_rows, png_header
from piggygan.errors import ImageError

RANDOM = np.random.default_rng(2)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, rows: bytes, *, depth: int = 8, extra: bytes = b"") -> bytes:
    header = struct.pack(">2I5B", width, height, depth, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "P", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("size", [(1, 1), (5, 3), (8, 8), (9, 17), (33, 2)])
def test_the_rows_of_files_that_others_wrote_are_counted_right(mode: str, size: tuple[int, int]) -> None:
    picture = Image.new(mode, size) if mode == "I;16" else Image.new("RGBA", size, (9, 200, 40, 77)).convert(mode)
    file = io.BytesIO()
    picture.save(file, format="PNG")
    header = png_header(file.getvalue())
    assert (header.width, header.height) == size
    check_rows(file.getvalue(), header)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 5), (8, 8), (13, 9), (3, 1), (1, 5)])
@pytest.mark.parametrize("bits", [1, 8, 24])
def test_the_passes_of_interlaced_rows_are_counted_as_a_walk_over_the_pixels_counts_them(
    size: tuple[int, int], bits: int
) -> None:
    width, height = size
    grid = ["16462646", "77777777", "56565656", "77777777", "36463646", "77777777", "56565656", "77777777"]
    expected = 0
    for wanted in "1234567":
        for y in range(height):
            columns = sum(grid[y % 8][x % 8] == wanted for x in range(width))
            expected += 1 + -(-columns * bits // 8) if columns else 0
    depth, colour = (bits, 0) if bits < 9 else (8, 2)
    assert PngHeader(width, height, depth, colour, is_interlaced=True).row_bytes == expected


@pytest.mark.parametrize(("rows", "what"), [(5, "fewer"), (1, "fewer"), (9, "more")])
def test_17_06_a_png_with_other_rows_than_it_announces_is_refused(tmp_path: Path, rows: int, what: str) -> None:
    row = b"\0" + bytes(range(10, 16))
    path = tmp_path / "a.png"
    path.write_bytes(png(6, 8, row * 8))
    assert read_image(path).shape == (3, 8, 6)
    path.write_bytes(png(6, 8, row * rows))
    with pytest.raises(ImageError, match=f"{what} rows than the 8 of 6 pixels"):
        read_image(path)
    with pytest.raises(ImageError, match=what):
        read_mask(path)


def test_17_05_a_png_whose_width_was_changed_is_not_read_askew(tmp_path: Path) -> None:
    rows = b"".join(b"\0" + RANDOM.integers(0, 2, 10, dtype=np.uint8).tobytes() for _ in range(8))
    (tmp_path / "a.png").write_bytes(png(9, 8, rows))
    with pytest.raises(ImageError, match="more rows"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (png(1, 1, b"\0\1", extra=chunk(b"ABCD", b"")), "does not know"),
        (png(1, 1, b"\0\1")[:-13], "ends before its end mark|ends inside"),
        (png(1, 1, b"\0\1").replace(b"IDAT", b"IDAZ"), "checksum"),
        (png(1, 1, b"\0\1", depth=3), "does not have"),
        (png(0, 1, b"\0"), "does not have"),
    ],
)
def test_what_png_does_not_have_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match=message):
        read_image(tmp_path / "a.png")


def test_a_large_stream_of_rows_is_counted_without_being_held(tmp_path: Path) -> None:
    """A few kilobytes that inflate to far more than the picture: counting stops where the picture ends."""
    (tmp_path / "a.png").write_bytes(png(4, 4, bytes(50_000_000)))
    with pytest.raises(ImageError, match="more rows"):
        read_image(tmp_path / "a.png")
