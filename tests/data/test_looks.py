"""Label pictures and photos, told apart."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import torch
from PIL import Image

from piggygan.data.looks import colours_of_half, is_two_valued, look_black, look_like_labels, look_like_masks
from piggygan.data.palette import CMP_PALETTE

RANDOM = np.random.default_rng(0)


def painted(quality: int | None = None) -> torch.Tensor:
    """Rectangles in the colours of the facades, as they are or through JPEG."""
    picture = np.zeros((192, 192, 3), np.uint8)
    for _ in range(20):
        top, left = RANDOM.integers(0, 150, 2)
        picture[top : top + 60, left : left + 40] = CMP_PALETTE[RANDOM.integers(12)].rgb
    if quality is not None:
        file = BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=quality)
        picture = np.asarray(Image.open(file))
    return torch.from_numpy(picture.copy()).permute(2, 0, 1) / 127.5 - 1


def shaded(bands: int) -> torch.Tensor:
    """A smooth slope with grain, as a film or a photo has."""
    slope = torch.linspace(-0.8, 0.8, 64)[None, None].expand(bands, 64, 64)
    return (slope + 0.05 * torch.from_numpy(RANDOM.standard_normal((bands, 64, 64))).float()).clamp(-1, 1)


def test_labels_are_told_from_photos_and_films_also_through_jpeg() -> None:
    for quality in (None, 95, 75):
        assert look_like_labels([painted(quality) for _ in range(5)])
    assert not look_like_labels([shaded(3) for _ in range(5)])
    assert not look_like_labels([shaded(1) for _ in range(5)])
    assert not look_like_labels([shaded(1).expand(3, -1, -1) for _ in range(5)])
    assert not look_like_labels([])


def test_colours_are_counted_by_hand() -> None:
    picture = torch.tensor([[[-1.0, -1.0, 0.0, 0.0, 1.0, 1.0, 0.5, -0.5]]])
    assert colours_of_half(picture) == 2  # two pixels of each of two colours are half of eight


def test_two_values_are_those_of_a_mask() -> None:
    assert is_two_valued(torch.tensor([[[-1.0, 1.0]], [[-1.0, 1.0]], [[-1.0, 1.0]]]))
    assert not is_two_valued(torch.tensor([[[-1.0, 1.0, 0.0]]]))


def test_masks_are_black_and_white_each_of_them_and_of_none_nothing_is_known() -> None:
    mask = torch.ones(1, 20, 20)
    mask[:, :10] = -1
    blurred = mask.clone()
    blurred[:, 10] = 0  # 20 pixels of 400
    assert look_like_masks([mask, blurred])
    blurred[:, 11, 0] = 0
    assert not look_like_masks([mask, blurred])
    assert not look_like_masks([])


def test_pictures_look_black_whose_values_are_next_to_0_and_not_such_that_are_0() -> None:
    faint = torch.full((1, 4, 4), -1.0)
    assert not look_black([faint])
    faint[0, 0, 0] = 1 / 127.5 - 1
    assert look_black([faint, faint - 1 / 127.5])
    assert not look_black([faint, torch.zeros(1, 4, 4)])
    assert not look_black([])
