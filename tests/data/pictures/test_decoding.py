"""Picture files are decoded completely or not at all."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from piggygan.data.images import read_image
from piggygan.data.pictures.decoding import check_jpeg_data, decode_image, kind_of
from piggygan.data.pictures.jpeg_segments import outline_of
from piggygan.errors import (
    ImageError,
    InputTooLargeError,
    PiggyganError,
)
from tests.data.pictures.by_hand import JPEG_BYTES, PICTURE, PNG_BYTES, chunk, encoded, levels, png


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"<html><body>404</body></html>", b"<svg xmlns='http://www.w3.org/2000/svg'/>", PNG_BYTES[:8]],
)
def test_a01_what_is_no_image_is_refused_by_content(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match=r"a\.png.* is not a PNG or JPEG"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["GIF", "PPM", "TGA"])
def test_a02_other_formats_named_png_are_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.png").write_bytes(encoded(PICTURE, kind))
    with pytest.raises(ImageError, match="not a PNG or JPEG"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("content", [PNG_BYTES, JPEG_BYTES], ids=["png", "jpeg"])
def test_a03_a_file_cut_anywhere_is_refused_or_still_whole(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    whole = read_image(path)
    readable = 0
    lengths = {*range(0, len(content), 3), *range(len(content) - 60, len(content))}
    for length in sorted(lengths):
        path.write_bytes(content[:length])
        try:
            image = read_image(path)
        except ImageError:
            continue
        readable += 1
        assert torch.equal(image, whole), length
    assert readable <= 4  # the checksum of a PNG's empty end mark guards nothing


def test_a04_a_png_with_any_flipped_byte_of_pixels_is_refused(tmp_path: Path) -> None:
    start, end = PNG_BYTES.index(b"IDAT") - 4, PNG_BYTES.index(b"IEND") - 4
    for position in range(start, end, 2):
        damaged = bytearray(PNG_BYTES)
        damaged[position] ^= 0x10
        (tmp_path / "a.png").write_bytes(damaged)
        with pytest.raises(ImageError):
            read_image(tmp_path / "a.png")


@given(
    kind=st.sampled_from([PNG_BYTES, JPEG_BYTES]), position=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255)
)
def test_a05_a_changed_byte_gives_pixels_or_our_error(
    tmp_path_factory: pytest.TempPathFactory, kind: bytes, position: float, byte: int
) -> None:
    damaged = bytearray(kind)
    damaged[int(position * len(kind))] = byte
    path = tmp_path_factory.getbasetemp() / "changed"
    path.write_bytes(damaged)
    try:
        image = read_image(path, max_pixels=10_000)
    except PiggyganError:
        return
    assert bool((image.abs() <= 1).all())


def test_a06_impossible_sizes_are_refused_before_decoding(tmp_path: Path) -> None:
    (tmp_path / "wide.png").write_bytes(png(60_000, 60_000, 8, 2, b"ab"))
    (tmp_path / "none.png").write_bytes(png(0, 0, 8, 2, b""))
    with pytest.raises(InputTooLargeError):
        read_image(tmp_path / "wide.png")
    with pytest.raises(ImageError):
        read_image(tmp_path / "none.png")


def test_a07_more_pixels_than_the_cap_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png(9000, 9000, 1, 0, bytes(1126) * 9000))
    with pytest.raises(InputTooLargeError, match="9000 x 9000 pixels; at most 67108864"):
        read_image(tmp_path / "bomb.png")
    # Pillow itself only warns here, and its warning must not leak.
    (tmp_path / "large.png").write_bytes(png(10_000, 10_000, 1, 0, bytes(1251) * 10_000))
    with pytest.raises(InputTooLargeError):
        read_image(tmp_path / "large.png")
    (tmp_path / "small.png").write_bytes(PNG_BYTES)
    with pytest.raises(InputTooLargeError):
        read_image(tmp_path / "small.png", max_pixels=98)
    assert read_image(tmp_path / "small.png", max_pixels=99).shape == (3, 9, 11)


def test_a08_a_compressed_text_bomb_is_refused(tmp_path: Path) -> None:
    bomb = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(20_000_000)))
    (tmp_path / "a.png").write_bytes(png(1, 1, 8, 0, b"\0\0", extra=bomb))
    with pytest.raises(ImageError):
        read_image(tmp_path / "a.png")


def test_a13_an_exif_orientation_is_applied(tmp_path: Path) -> None:
    stored = np.array([[10, 20, 30], [40, 50, 60]], dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    assert levels(read_image(tmp_path / "a.png", channels=1)) == [np.rot90(stored, k=-1).tolist()]
    exif_of_16_bits = png(2, 1, 16, 0, b"\0" + struct.pack(">2H", 0, 65535), extra=chunk(b"eXIf", exif.tobytes()))
    (tmp_path / "b.png").write_bytes(exif_of_16_bits)
    assert read_image(tmp_path / "b.png", channels=1).tolist() == [[[-1.0], [1.0]]]


def test_a14_the_first_frame_of_an_animation_is_read(tmp_path: Path) -> None:
    first, second = Image.new("L", (2, 2), 10), Image.new("L", (2, 2), 200)
    first.save(tmp_path / "a.png", save_all=True, append_images=[second])
    assert levels(read_image(tmp_path / "a.png", channels=1)) == [[[10, 10], [10, 10]]]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG_BYTES, "PNG"),
        (JPEG_BYTES, "JPEG"),
        (encoded(PICTURE, "BMP"), "BMP"),
        (encoded(PICTURE, "TIFF"), "TIFF"),
        (encoded(PICTURE, "WEBP", lossless=True), "WebP"),
        (encoded(PICTURE, "GIF"), None),
        (b"", None),
        (bytes(128) + b"DICM", None),
    ],
    ids=str,
)
def test_a_kind_is_known_by_its_first_bytes_and_decoded_as_such(content: bytes, kind: str | None) -> None:
    assert kind_of(content) == kind
    if kind is None:
        with pytest.raises(ImageError, match="'film' is not a PNG or JPEG image, nor TIFF"):
            decode_image(content, Path("film"), max_pixels=1000)
        return
    decoded = decode_image(content, Path("film"), max_pixels=99)
    assert (decoded.kind, decoded.bits, decoded.values.shape) == (kind, 8, (9, 11, 3))
    if kind != "JPEG":
        np.testing.assert_array_equal(decoded.values, np.asarray(PICTURE))
    with pytest.raises(InputTooLargeError, match="'film' has 11 x 9 pixels; at most 98"):
        decode_image(content, Path("film"), max_pixels=98)


def test_a_palette_keeps_its_numbers_beside_its_colours() -> None:
    palette = Image.new("P", (2, 1), 1)
    palette.putpalette([0, 0, 0, 200, 100, 50])
    decoded = decode_image(encoded(palette, "PNG"), Path("film"), max_pixels=2)
    assert (decoded.mode, decoded.values.tolist()) == ("P", [[1, 1]])
    assert decoded.colours.tolist() == [[[200, 100, 50]] * 2]


def test_a_jpeg_whose_data_end_early_is_seen_though_pillow_paints_the_rest() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8))
    whole = encoded(noise, "JPEG")
    check_jpeg_data(whole, outline_of(whole))
    cut = whole[: len(whole) * 2 // 3] + b"\xff\xd9"
    with pytest.raises(ImageError, match="its data end before its last pixel"):
        check_jpeg_data(cut, outline_of(cut))
    with pytest.raises(ImageError, match=r"'film' is cut or corrupt"):
        decode_image(cut, Path("film"), max_pixels=10_000)
