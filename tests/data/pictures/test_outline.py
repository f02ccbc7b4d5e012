"""What a file's head says is what decoding it gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piggygan.data.image_file import read_image_file
from piggygan.data.pictures.outline import picture_outline, picture_size

COLOURS = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 7, 3), dtype=np.uint8))


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1"])
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "bmp", "npy"])
def test_size_kind_and_bits_are_those_of_the_decoded_picture(tmp_path: Path, suffix: str, mode: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "npy":
        np.save(path, np.asarray(COLOURS.convert(mode)))
    elif suffix == "jpg" and mode == "P":
        pytest.skip("JPEG has no palettes")
    else:
        COLOURS.convert(mode).save(path)
    outline = picture_outline(path.read_bytes())
    assert outline is not None
    file = read_image_file(path, 3)
    assert (outline.kind, outline.bits) == (file.kind, file.bits)
    assert picture_size(path) == (7, 6) == (file.picture.shape[2], file.picture.shape[1])
    if outline.bands == 1:
        assert file.picture.stride(0) == 0  # one band, seen three times


def test_what_is_no_picture_has_none(tmp_path: Path) -> None:
    assert picture_outline(b"GIF89a") is None
    for content in (b"", b"BM", b"II*\0", b"\x93NUMPY", b"RIFF\0\0\0\0WEBP", b"\xff\xd8\xff"):
        (tmp_path / "a").write_bytes(content)
        assert picture_size(tmp_path / "a") is None
    assert picture_size(tmp_path / "nowhere") is None
