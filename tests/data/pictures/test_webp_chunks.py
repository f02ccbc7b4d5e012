"""WebP files: whole, or refused."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data import read_image, read_mask
from piggygan.data.image_file import read_image_file
from piggygan.data.pictures.webp_chunks import webp_size
from piggygan.errors import ImageError, InputTooLargeError

COLOURS = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 37, 4), dtype=np.uint8))


def encoded(picture: Image.Image = COLOURS, **options: Any) -> bytes:
    file = BytesIO()
    picture.save(file, "WEBP", **options)
    return file.getvalue()


def reread(folder: Path, content: bytes, **options: Any) -> torch.Tensor:
    (folder / "a.webp").write_bytes(content)
    return read_image(folder / "a.webp", **options)


def test_a_lossless_picture_comes_back_to_the_bit(tmp_path: Path) -> None:
    colours = COLOURS.convert("RGB")
    picture = reread(tmp_path, encoded(colours, lossless=True))
    assert torch.equal(
        ((picture + 1) * 127.5).round().to(torch.uint8), torch.from_numpy(np.array(colours)).permute(2, 0, 1)
    )
    assert read_image_file(tmp_path / "a.webp").kind == "WebP"
    assert webp_size(encoded(colours)) == (37, 24)


def test_a_lossless_mask_is_a_mask(tmp_path: Path) -> None:
    (tmp_path / "m.webp").write_bytes(encoded(Image.fromarray(np.eye(8, dtype=bool)), lossless=True))
    assert torch.equal(read_mask(tmp_path / "m.webp")[0] > 0, torch.eye(8, dtype=torch.bool))


def test_an_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert reread(tmp_path, encoded(exif=exif)).shape == (3, 37, 24)


def test_an_animation_is_refused(tmp_path: Path) -> None:
    other = Image.new("RGBA", COLOURS.size)
    with pytest.raises(ImageError, match="it is an animation: save the frame"):
        reread(tmp_path, encoded(save_all=True, append_images=[other], duration=100))


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}])
def test_a_file_cut_anywhere_is_refused_also_where_its_lengths_are_made_to_fit(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    whole = encoded(COLOURS.convert("RGB"), **options)
    for length in range(0, len(whole) - 1, 11):
        with pytest.raises(ImageError):
            reread(tmp_path, whole[:length])
    if "exif" not in options:
        for length in range(30, len(whole) - 16, 11):
            cut = bytearray(whole[: length - length % 2])
            struct.pack_into("<I", cut, 4, len(cut) - 8)
            struct.pack_into("<I", cut, 16, len(cut) - 20)
            with pytest.raises(ImageError):
                reread(tmp_path, bytes(cut))


def test_a_large_canvas_is_refused_before_room_is_made(tmp_path: Path) -> None:
    content = bytearray(encoded())  # with alpha, so with a chunk that announces the canvas
    place = content.index(b"VP8X") + 12
    content[place : place + 6] = b"\xff\x3f\0\xff\x3f\0"
    with pytest.raises(ImageError, match="announced twice"):
        reread(tmp_path, bytes(content))
    with pytest.raises(InputTooLargeError, match="37 x 24"):
        reread(tmp_path, encoded(), max_pixels=100)
