"""BMP files: whole, or refused."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data import read_image, read_mask
from piggygan.data.image_file import read_image_file
from piggygan.data.pictures.bmp_header import bmp_header
from piggygan.errors import ImageError, InputTooLargeError

COLOURS = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 37, 3), dtype=np.uint8))


def encoded(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "BMP")
    return file.getvalue()


def reread(folder: Path, content: bytes, max_pixels: int = 10_000) -> torch.Tensor:
    (folder / "a.bmp").write_bytes(content)
    return read_image(folder / "a.bmp", max_pixels=max_pixels)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_every_mode_comes_back_as_from_a_png(tmp_path: Path, mode: str) -> None:
    COLOURS.convert(mode).save(tmp_path / "a.png")
    assert torch.equal(reread(tmp_path, encoded(COLOURS.convert(mode))), read_image(tmp_path / "a.png"))
    assert read_image_file(tmp_path / "a.bmp").kind == "BMP"


def test_a_mask_is_a_mask(tmp_path: Path) -> None:
    (tmp_path / "m.bmp").write_bytes(encoded(Image.fromarray(np.eye(8, dtype=bool))))
    assert torch.equal(read_mask(tmp_path / "m.bmp")[0] > 0, torch.eye(8, dtype=torch.bool))


def test_a_picture_from_top_to_bottom_and_an_old_header_are_read(tmp_path: Path) -> None:
    content = bytearray(encoded(COLOURS))
    struct.pack_into("<i", content, 22, -24)
    assert torch.equal(reread(tmp_path, bytes(content)), reread(tmp_path, encoded(COLOURS)).flip(1))
    old = b"BM" + struct.pack("<3I", 0, 0, 26) + struct.pack("<I4H", 12, 2, 1, 1, 24) + bytes([1, 2, 3, 4, 5, 6, 0, 0])
    assert ((reread(tmp_path, old) + 1) * 127.5).round().int().flatten().tolist() == [3, 6, 2, 5, 1, 4]


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = encoded(COLOURS)
    for length in (*range(0, 60), *range(60, len(whole), 97), len(whole) - 1):
        with pytest.raises(ImageError):
            reread(tmp_path, whole[:length])


@pytest.mark.parametrize(
    ("place", "form", "value"),
    [
        (18, "<i", 5000),
        (18, "<i", 0),
        (18, "<i", -37),
        (22, "<i", 25),
        (22, "<i", 0),
        (28, "<H", 32),
        (28, "<H", 7),
        (10, "<I", 10**6),
    ],
)
def test_a_lie_in_the_header_is_refused(tmp_path: Path, place: int, form: str, value: int) -> None:
    content = bytearray(encoded(COLOURS))
    struct.pack_into(form, content, place, value)
    with pytest.raises(ImageError):
        reread(tmp_path, bytes(content))


def test_run_lengths_are_refused_in_words_and_size_before_decoding(tmp_path: Path) -> None:
    content = bytearray(encoded(COLOURS.convert("L")))
    struct.pack_into("<I", content, 30, 1)
    with pytest.raises(ImageError, match="it is compressed, which is not read: save it as PNG"):
        reread(tmp_path, bytes(content))
    with pytest.raises(InputTooLargeError, match="37 x 24"):
        reread(tmp_path, encoded(COLOURS), max_pixels=100)
    assert bmp_header(encoded(COLOURS)).depth == 24
