import io
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from piggygan.data.images import read_image, write_image
from piggygan.errors import (
    ConfigurationError,
    DicomError,
    ImageError,
    InputError,
    InputTooLargeError,
    PiggyganError,
)

RANDOM = np.random.default_rng(5)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, colour: int, data: bytes, extra: bytes = b"") -> bytes:
    """Write a PNG by hand from its rows, each with its filter byte."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


PICTURE = Image.fromarray(RANDOM.integers(0, 256, (9, 11, 3), dtype=np.uint8))
PNG_BYTES, JPEG_BYTES = encoded(PICTURE, "PNG"), encoded(PICTURE, "JPEG")


def levels(image: torch.Tensor) -> list[Any]:
    """The values of an image as grey levels 0..255."""
    return ((image.double() + 1) * 127.5).round().int().tolist()


def test_an_rgb_png_is_scaled_to_minus_one_to_one(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG_BYTES)
    image = read_image(tmp_path / "a.png")
    expected = np.asarray(PICTURE).transpose(2, 0, 1) / 255.0 * 2.0 - 1.0
    assert image.dtype == torch.float32
    assert image.shape == (3, 9, 11)
    np.testing.assert_allclose(image.numpy(), expected, atol=1e-6)


def test_colour_becomes_grey_by_bt601_and_grey_is_repeated(tmp_path: Path) -> None:
    Image.new("RGB", (2, 1), (200, 100, 50)).save(tmp_path / "colour.png")
    Image.new("L", (2, 1), 77).save(tmp_path / "grey.png")
    grey = read_image(tmp_path / "colour.png", channels=1)
    expected = (0.299 * 200 + 0.587 * 100 + 0.114 * 50) / 255 * 2 - 1
    torch.testing.assert_close(grey, torch.full((1, 1, 2), expected))
    assert levels(read_image(tmp_path / "grey.png", channels=3)) == [[[77, 77]]] * 3
    assert levels(read_image(tmp_path / "grey.png", channels=1)) == [[[77, 77]]]


def test_white_stays_within_one_in_grey(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2), "white").save(tmp_path / "white.png")
    assert read_image(tmp_path / "white.png", channels=1).max() == 1.0


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


def test_the_name_of_a_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "jpeg.png").write_bytes(JPEG_BYTES)
    (tmp_path / "png.dcm").write_bytes(PNG_BYTES)
    assert read_image(tmp_path / "jpeg.png").shape == read_image(tmp_path / "png.dcm").shape == (3, 9, 11)


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


def test_a09_sixteen_bit_grey_keeps_its_values(tmp_path: Path) -> None:
    values = [0, 256, 4095, 65535]
    (tmp_path / "a.png").write_bytes(png(4, 1, 16, 0, b"\0" + struct.pack(">4H", *values)))
    image = read_image(tmp_path / "a.png", channels=1)
    np.testing.assert_allclose(image[0, 0].double().numpy(), np.array(values) / 65535 * 2 - 1, atol=1e-7)


def test_a10_sixteen_bit_colour_is_read_with_one_warning(tmp_path: Path) -> None:
    row = b"\0" + struct.pack(">3H", 0x1234, 0x8000, 0xFFFF)
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(png(1, 1, 16, 2, row))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        image = read_image(tmp_path / "a.png")
        for _ in range(3):
            read_image(tmp_path / "b.png")
    assert [levels(image)[band][0][0] for band in range(3)] == [0x12, 0x80, 0xFF]
    assert len({str(warning.message) for warning in caught}) == 1


def test_a13_an_exif_orientation_is_applied(tmp_path: Path) -> None:
    stored = np.array([[10, 20, 30], [40, 50, 60]], dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    assert levels(read_image(tmp_path / "a.png", channels=1)) == [np.rot90(stored, k=-1).tolist()]
    exif_of_16_bits = png(2, 1, 16, 0, b"\0" + struct.pack(">2H", 0, 65535), extra=chunk(b"eXIf", exif.tobytes()))
    (tmp_path / "b.png").write_bytes(exif_of_16_bits)
    assert read_image(tmp_path / "b.png", channels=1).tolist() == [[[-1.0], [1.0]]]


def test_a14_transparency_is_laid_over_black(tmp_path: Path) -> None:
    Image.new("RGBA", (1, 1), (200, 100, 50, 128)).save(tmp_path / "rgba.png")
    Image.new("LA", (1, 1), (200, 0)).save(tmp_path / "la.png")
    palette = Image.new("P", (1, 1), 1)
    palette.putpalette([0, 0, 0, 200, 100, 50])
    palette.save(tmp_path / "palette.png", transparency=bytes([255, 128]))
    half = [200 * 128 / 255, 100 * 128 / 255, 50 * 128 / 255]
    for name, expected in (("rgba.png", half), ("palette.png", half), ("la.png", [0, 0, 0])):
        assert np.ravel(levels(read_image(tmp_path / name))).tolist() == pytest.approx(expected, abs=1), name


def test_a14_palette_cmyk_and_one_bit_are_converted(tmp_path: Path) -> None:
    palette = Image.new("P", (1, 1), 1)
    palette.putpalette([0, 0, 0, 200, 100, 50])
    palette.save(tmp_path / "palette.png")
    Image.new("CMYK", (8, 8), (255, 0, 0, 0)).save(tmp_path / "cmyk.jpg", quality=100)
    bits = Image.new("1", (2, 1))
    bits.putpixel((1, 0), 1)
    bits.save(tmp_path / "bits.png")
    assert levels(read_image(tmp_path / "palette.png")) == [[[200]], [[100]], [[50]]]
    cyan = np.array(levels(read_image(tmp_path / "cmyk.jpg")))[:, 0, 0]
    assert cyan.tolist() == pytest.approx([0, 255, 255], abs=3)
    assert levels(read_image(tmp_path / "bits.png", channels=1)) == [[[0, 255]]]


def test_a14_the_first_frame_of_an_animation_is_read(tmp_path: Path) -> None:
    first, second = Image.new("L", (2, 2), 10), Image.new("L", (2, 2), 200)
    first.save(tmp_path / "a.png", save_all=True, append_images=[second])
    assert levels(read_image(tmp_path / "a.png", channels=1)) == [[[10, 10], [10, 10]]]


def test_a_dicom_file_is_known_by_its_prefix(tmp_path: Path, write_dicom: Callable[..., Path]) -> None:
    path = write_dicom(np.array([[0, 255], [51, 204]], dtype=np.uint8), name="scan.png")
    assert levels(read_image(path)) == [[[0, 255], [51, 204]]] * 3
    (tmp_path / "bad.png").write_bytes(bytes(128) + b"DICM" + b"rubbish")
    with pytest.raises(DicomError):
        read_image(tmp_path / "bad.png")


def test_two_channels_are_refused_before_the_file_is_looked_for() -> None:
    with pytest.raises(ConfigurationError, match="channels is 2"):
        read_image("nowhere.png", channels=2)


@given(grey=st.lists(st.integers(0, 255), min_size=1, max_size=8), channels=st.sampled_from([1, 3]))
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, grey: list[int], channels: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.whatever"
    image = (torch.tensor(grey, dtype=torch.float32) / 255 * 2 - 1).expand(channels, 2, -1)
    write_image(path, image)
    assert torch.equal(read_image(path, channels), image)


def test_only_images_in_range_are_written(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for image in (torch.zeros(2, 4, 4), torch.zeros(4, 4), torch.zeros(1, 0, 4), torch.full((1, 2, 2), 255.0)):
        with pytest.raises(InputError):
            write_image(path, image)
    with pytest.raises(InputError):
        write_image(path, torch.full((1, 2, 2), float("nan")))
    assert not path.exists()
    with pytest.raises(ImageError, match="could not be written"):
        write_image(tmp_path / "missing" / "a.png", torch.zeros(1, 2, 2))
