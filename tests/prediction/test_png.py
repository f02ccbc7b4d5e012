"""PNG files of masks, pictures and overlays."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data import read_image, read_mask, write_image
from piggygan.errors import InputError
from piggygan.prediction.png import LARGEST_PREVIEW, mask_png, overlay_png, picture_png, preview_of


def test_a_mask_is_read_back_as_it_was(tmp_path: Path) -> None:
    mask = np.random.default_rng(0).random((13, 29)) > 0.5
    (tmp_path / "mask.png").write_bytes(mask_png(mask))
    assert np.array_equal(read_mask(tmp_path / "mask.png")[0].numpy() > 0, mask)
    with Image.open(tmp_path / "mask.png") as image:
        assert (image.mode, image.size, image.getextrema(), image.info) == ("L", (29, 13), (0, 255), {})


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_has_the_pixels_that_write_image_writes(tmp_path: Path, channels: int) -> None:
    picture = torch.rand(channels, 11, 17) * 2 - 1
    write_image(tmp_path / "theirs.png", picture)
    (tmp_path / "ours.png").write_bytes(picture_png(picture))
    assert torch.equal(read_image(tmp_path / "ours.png"), read_image(tmp_path / "theirs.png"))


@pytest.mark.parametrize("value", [1.1, -2.0, float("nan"), float("inf")])
def test_d07_what_is_no_picture_is_not_written(value: float) -> None:
    with pytest.raises(InputError, match="outside"):
        picture_png(torch.full((3, 4, 4), value))


@pytest.mark.parametrize(
    ("rows", "columns", "aspect", "size"),
    [
        (100, 80, 1.0, (100, 80)),
        (3000, 1500, 1.0, (1024, 512)),
        (100, 100, 2.0, (200, 100)),
        (100, 100, 0.5, (100, 200)),
        (5000, 1, 1.0, (1024, 1)),
    ],
)
def test_a_preview_is_small_and_its_pixels_are_square(
    rows: int, columns: int, aspect: float, size: tuple[int, int]
) -> None:
    preview = preview_of(torch.zeros(1, rows, columns), aspect)
    assert preview.shape == (*size, 3)
    assert max(preview.shape) <= LARGEST_PREVIEW
    assert (preview == 128).all()


def test_an_overlay_shows_the_film_outside_tints_it_inside_and_draws_the_outline() -> None:
    mask = np.zeros((40, 60), dtype=bool)
    mask[10:20, 30:50] = True
    preview = np.full((20, 30, 3), 100, dtype=np.uint8)
    with Image.open(io.BytesIO(overlay_png(preview, mask))) as image:
        drawn = np.asarray(image)
    small = mask[1::2, 1::2]
    assert (drawn[~small] == 100).all()
    inner = np.zeros_like(small)
    inner[6:9, 16:24] = True
    assert len(np.unique(drawn[inner], axis=0)) == 1
    assert len(np.unique(drawn[small & ~inner], axis=0)) == 1
    assert drawn[7, 20].tolist() != drawn[5, 20].tolist() != [100, 100, 100]
