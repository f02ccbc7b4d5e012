"""TIFF files: all that is read comes back as it was, and what is not is refused in words."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from piggygan.data import read_image, read_mask
from piggygan.data.image_file import read_image_file
from piggygan.errors import ImageError, InputTooLargeError

RANDOM = np.random.default_rng(0)


def written(folder: Path, values: np.ndarray[Any, Any], **options: Any) -> Path:
    path = folder / "a.tif"
    tifffile.imwrite(path, values, **options)
    return path


def expected(values: np.ndarray[Any, Any]) -> torch.Tensor:
    """The formula, written again in float64."""
    full = np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1.0
    bands = values[None] if values.ndim == 2 else np.moveaxis(values, -1, 0)
    return torch.from_numpy(bands.astype(np.float64) / full * 2 - 1).float()


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("layout", [{}, {"tile": (16, 16)}, {"rowsperstrip": 5}, {"byteorder": ">"}, {"bigtiff": True}])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "uint32", "float16", "float32", "float64"])
def test_grey_of_every_type_comes_back(tmp_path: Path, kind: str, layout: dict[str, Any], compression: Any) -> None:
    values = RANDOM.random((23, 37))
    values = (values * np.iinfo(kind).max).astype(kind) if kind[0] == "u" else values.astype(kind)
    file = read_image_file(written(tmp_path, values, compression=compression, **layout), 1)
    assert (file.kind, file.bits) == ("TIFF", 8 * values.itemsize)
    torch.testing.assert_close(file.picture, expected(values), rtol=0, atol=2e-7)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("bands", [3, 4, 7])
def test_channels_come_back_together_or_apart(tmp_path: Path, bands: int, planar: str) -> None:
    values = RANDOM.integers(0, 65536, (20, 24, bands), dtype=np.uint16)
    stored = values if planar == "contig" else np.moveaxis(values, -1, 0)
    path = written(tmp_path, stored, planarconfig=planar, photometric="minisblack", compression="zlib", rowsperstrip=7)
    torch.testing.assert_close(read_image(path, bands), expected(values), rtol=0, atol=2e-7)
    if bands > 3:
        with pytest.raises(ImageError, match=f"has {bands} channels and cannot be read with 3: take channels={bands}"):
            read_image(path, 3)


@pytest.mark.parametrize("predictor", [True, False])
def test_predictors_are_undone(tmp_path: Path, predictor: bool) -> None:
    pytest.importorskip("PIL")
    picture = Image.fromarray(RANDOM.integers(0, 256, (20, 24, 3), dtype=np.uint8))
    path = tmp_path / "a.tif"
    picture.save(path, compression="tiff_adobe_deflate", tiffinfo={317: 2 if predictor else 1})
    torch.testing.assert_close(read_image(path), expected(np.asarray(picture)), rtol=0, atol=2e-7)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits"])
@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "I;16"])
def test_what_pillow_unpacks_comes_back(tmp_path: Path, mode: str, compression: str) -> None:
    colours = Image.fromarray(RANDOM.integers(0, 256, (24, 23, 4), dtype=np.uint8))
    wide = Image.fromarray(RANDOM.integers(0, 65536, (24, 23), dtype=np.uint16))
    picture = wide if mode == "I;16" else colours.convert(mode)
    picture.save(tmp_path / "a.tif", compression=compression)
    picture.save(tmp_path / "a.png")
    assert torch.equal(read_image(tmp_path / "a.tif"), read_image(tmp_path / "a.png"))


def test_white_is_zero_is_inverted_and_a_palette_looked_up(tmp_path: Path) -> None:
    values = np.array([[0, 255], [100, 7]], dtype=np.uint8)
    inverted = read_image(written(tmp_path, values, photometric="miniswhite"), 1)
    torch.testing.assert_close(inverted, expected(255 - values), rtol=0, atol=2e-7)
    palette = RANDOM.integers(0, 65536, (3, 256), dtype=np.uint16)
    path = written(tmp_path, values, photometric="palette", colormap=palette)
    looked_up = np.moveaxis((palette >> 8).astype(np.uint8)[:, values], 0, -1)
    torch.testing.assert_close(read_image(path), expected(looked_up), rtol=0, atol=2e-7)
    Image.fromarray(np.array([[0, 7]], dtype=np.uint8)).save(path)
    assert read_mask(path).tolist() == [[[-1.0, 1.0]]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright_as_pillow_turns_it(tmp_path: Path, orientation: int) -> None:
    values = RANDOM.integers(0, 256, (5, 7), dtype=np.uint8)
    # Compressed: uncompressed files on their side Pillow 13.0 scrambles.
    Image.fromarray(values).save(tmp_path / "pillow.tif", compression="tiff_lzw", tiffinfo={274: orientation})
    with Image.open(tmp_path / "pillow.tif") as image:
        image.load()
        turned = expected(np.asarray(image))
    path = written(tmp_path, values, extratags=[(274, "H", 1, orientation, True)])
    torch.testing.assert_close(read_image(path, 1), turned, rtol=0, atol=2e-7)
    torch.testing.assert_close(read_image(tmp_path / "pillow.tif", 1), turned, rtol=0, atol=2e-7)


def test_what_is_transparent_is_laid_over_black(tmp_path: Path) -> None:
    values = np.array([[[200, 100, 50, 255], [200, 100, 50, 0]]], dtype=np.uint8)
    picture = read_image(written(tmp_path, values, photometric="rgb", extrasamples=["unassalpha"]))
    torch.testing.assert_close(picture[:, 0, 0], torch.tensor([200.0, 100, 50]) / 127.5 - 1, rtol=0, atol=1e-6)
    assert picture[:, 0, 1].tolist() == [-1.0, -1.0, -1.0]


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [
        (np.zeros((2, 8, 8), np.uint8), {"photometric": "minisblack"}, "several pages"),
        (np.zeros((8, 8), np.int16), {}, "signed numbers of 16 bits"),
        (np.zeros((8, 8), np.complex64), {}, "other numbers"),
        (np.full((8, 8), 700.0, np.float32), {}, r"numbers from 700 to 700.*scale them to 0\.\.1"),
        (np.full((8, 8), np.nan, np.float32), {}, "numbers from nan"),
        (np.zeros((8, 8, 4), np.uint8), {"photometric": "separated"}, "neither grey, RGB nor a palette"),
        (np.zeros((8, 8, 65), np.uint8), {"photometric": "minisblack", "planarconfig": "contig"}, "65 channels"),
    ],
)
def test_what_is_not_read_is_refused_in_words(
    tmp_path: Path, values: np.ndarray[Any, Any], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ImageError, match=words):
        read_image(written(tmp_path, values, **options), 1)


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    for compression in (None, "zlib"):
        whole = written(tmp_path, RANDOM.integers(0, 256, (16, 16), np.uint8), compression=compression).read_bytes()
        data_end = len(whole)
        for length in range(8, data_end, 7):
            (tmp_path / "cut.tif").write_bytes(whole[:length])
            with pytest.raises(ImageError):
                read_image(tmp_path / "cut.tif", 1)


def forged(path: Path, tag: int, value: int) -> Path:
    """Write another value into a tag of the only page."""
    data = bytearray(path.read_bytes())
    (place,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, place)
    for number in range(count):
        entry = place + 2 + 12 * number
        code, kind = struct.unpack_from("<HH", data, entry)
        if code == tag:
            struct.pack_into("<H" if kind == 3 else "<I", data, entry + 8, value)
    path.write_bytes(data)
    return path


def test_a_missing_part_of_what_pillow_unpacks_is_refused_before_libtiff_prints(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.tif"
    for tag, value in ((BYTE_COUNTS, 0), (BYTE_COUNTS, 10**6), (OFFSETS, 10**6), (ROWS_PER_STRIP, 3)):
        Image.fromarray(RANDOM.integers(0, 256, (16, 16), np.uint8)).save(path, compression="tiff_lzw")
        with pytest.raises(ImageError, match=r"a\.tif' cannot be read: .* part"):
            read_image(forged(path, tag, value), 1)
    assert capfd.readouterr() == ("", "")


WIDTH, LENGTH, ROWS_PER_STRIP, BYTE_COUNTS, OFFSETS = 256, 257, 278, 279, 273


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize(
    ("tag", "value"), [(WIDTH, 64), (LENGTH, 64), (ROWS_PER_STRIP, 5), (BYTE_COUNTS, 3), (OFFSETS, 10**6), (OFFSETS, 0)]
)
def test_a_lie_in_a_tag_is_refused(tmp_path: Path, tag: int, value: int, compression: Any) -> None:
    path = written(tmp_path, RANDOM.integers(0, 256, (16, 16), np.uint8), compression=compression)
    with pytest.raises(ImageError):
        read_image(forged(path, tag, value), 1)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = written(tmp_path, np.zeros((2000, 2000), np.uint8), compression="zlib")
    assert path.stat().st_size < 20_000
    with pytest.raises(InputTooLargeError, match="2000 x 2000"):
        read_image(path, 1, max_pixels=1_000_000)
    forged(forged(path, WIDTH, 16), LENGTH, 16)  # what is packed is far more than what is announced
    with pytest.raises(ImageError, match="fewer or more numbers"):
        read_image(path, 1, max_pixels=1_000_000)


def test_tifffile_warns_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    data = BytesIO()
    Image.new("L", (8, 8)).save(data, "TIFF")
    (tmp_path / "a.tif").write_bytes(data.getvalue()[:-3])
    with pytest.raises(ImageError):
        read_image(tmp_path / "a.tif")
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")
