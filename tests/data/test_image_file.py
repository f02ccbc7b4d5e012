"""One opening of a file gives its picture and what it says of itself."""

import hashlib
import struct
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data.image_file import check_channels, narrow_range, read_image_file
from piggygan.data.images import read_image
from piggygan.errors import (
    ConfigurationError,
    DicomError,
    ImageError,
)
from tests.data.pictures.by_hand import JPEG_BYTES, PNG_BYTES, levels, png


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


def test_the_name_of_a_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "jpeg.png").write_bytes(JPEG_BYTES)
    (tmp_path / "png.dcm").write_bytes(PNG_BYTES)
    assert read_image(tmp_path / "jpeg.png").shape == read_image(tmp_path / "png.dcm").shape == (3, 9, 11)


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


def test_a_dicom_file_is_known_by_its_prefix(tmp_path: Path, write_dicom: Callable[..., Path]) -> None:
    path = write_dicom(np.array([[0, 255], [51, 204]], dtype=np.uint8), name="scan.png")
    assert levels(read_image(path)) == [[[0, 255], [51, 204]]] * 3
    (tmp_path / "bad.png").write_bytes(bytes(128) + b"DICM" + b"rubbish")
    with pytest.raises(DicomError):
        read_image(tmp_path / "bad.png")


def test_a_file_says_its_digest_its_kind_and_its_bits(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG_BYTES)
    file = read_image_file(path)
    assert file.digest == hashlib.sha256(PNG_BYTES).hexdigest()
    assert (file.kind, file.bits, file.aspect, file.film, file.source, file.remarks) == ("PNG", 8, 1.0, None, None, ())
    path.write_bytes(JPEG_BYTES)
    assert read_image_file(path).kind == "JPEG"


def test_a_film_says_what_it_shows_and_what_it_is_if_asked(write_film: Callable[..., Path], tmp_path: Path) -> None:
    path = write_film(
        tmp_path / "film.dcm", np.zeros((3, 4), dtype=np.uint16), BitsStored=12, PixelAspectRatio=["2", "1"]
    )
    file = read_image_file(path, 1)
    assert (file.kind, file.bits, file.aspect, file.source) == ("DICOM", 12, 2.0, None)
    assert file.film is not None
    assert (file.film.modality, file.film.body_part) == ("CR", "CHEST")
    source = read_image_file(path, 3, identify="patient").source
    assert source is not None
    assert source.sop_class == "1.2.840.10008.5.1.4.1.1.1"
    with pytest.raises(ImageError, match="a DICOM film, which is grey; it cannot be read with 4 channels"):
        read_image_file(path, 4)


def test_channels_of_a_grey_file_share_their_memory(tmp_path: Path) -> None:
    Image.new("L", (5, 4), 9).save(tmp_path / "grey.png")
    picture = read_image_file(tmp_path / "grey.png", 3).picture
    assert picture.shape == (3, 4, 5)
    assert picture.stride(0) == 0


@pytest.mark.parametrize("channels", [0, 2, -1, 65])
def test_other_numbers_of_channels_are_refused(channels: int) -> None:
    with pytest.raises(ConfigurationError, match=f"^channels is {channels}; an image is read with 1"):
        check_channels(channels)


@pytest.mark.parametrize(
    ("largest", "used", "factor"), [(1, 1, 32768), (4095, 12, 16), (16_383, 14, 4), (16_384, None, 0), (0, None, 0)]
)
def test_a_range_that_leaves_two_bits_unused_is_narrow(largest: int, used: int | None, factor: int) -> None:
    said = narrow_range(largest)
    assert (said is None) == (used is None)
    if said is not None:
        assert f"uses {used} of them" in said
        assert said.endswith(f"Multiply its values by {factor}.")
        assert largest * factor < 65_536


def test_twelve_bits_in_sixteen_are_remarked_on(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 4095]], dtype=np.uint16)).save(tmp_path / "a.png")
    (remark,) = read_image_file(tmp_path / "a.png", 1).remarks
    assert "uses 12 of them" in remark
    assert "a.png" not in remark  # Python shows a warning once, not once a file
