"""Pictures to the network's size and back: where things land, and how little a mask loses on the way."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from piggygan.data.framing import BLACK, Placement, resized, to_square
from piggygan.errors import ConfigurationError, InputError

SIDES = st.integers(1, 70)


def lungs(rows: int, columns: int) -> Tensor:
    """Draw two lung-like fields with a dome below and a notch for the heart, as -1 and 1."""
    y = ((torch.arange(rows) + 0.5) / rows * 2 - 1)[:, None]
    x = ((torch.arange(columns) + 0.5) / columns * 2 - 1)[None]
    heart = ((x - 0.12) / 0.30) ** 2 + ((y - 0.35) / 0.30) ** 2 < 1
    mask = torch.zeros(rows, columns, dtype=torch.bool)
    for middle in (-0.42, 0.42):
        field = ((x - middle) / 0.28) ** 2 + ((y + 0.05) / 0.68) ** 2 < 1
        mask |= field & (y < 0.55 - (x - middle) ** 2) & ~heart
    return torch.where(mask, 1.0, -1.0)[None]


def dice(one: Tensor, other: Tensor) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def placements(rows: int, columns: int, side: int, aspect: float) -> list[Placement]:
    return [
        Placement.stretched(rows, columns, side),
        Placement.padded(rows, columns, side, aspect),
        Placement.natural(rows, columns, side, aspect),
    ]


@pytest.mark.parametrize(
    ("rows", "columns", "aspect"),
    [
        (500, 500, 1.0), (501, 613, 1.0), (777, 999, 0.5), (1955, 1841, 1.0), (2022, 2021, 1.37), (1024, 1025, 2.0),
        (4000, 4000, 1.0), (3999, 3001, 0.5),
        (4000, 2500, 1.37), (4892, 4020, 1.0),
    ],
)  # fmt: skip
def test_a_lung_mask_comes_back_from_256_pixels_all_but_whole(rows: int, columns: int, aspect: float) -> None:
    drawn = lungs(rows, columns)
    for placement in placements(rows, columns, 256, aspect)[:2]:
        canvas = placement.place(drawn)
        assert canvas.shape == (1, 256, 256)
        back = placement.take_back(canvas)
        assert back.shape == drawn.shape
        assert dice(back > 0, drawn > 0) >= 0.995


def test_a_mask_shifted_by_one_pixel_of_the_network_would_be_noticed() -> None:
    """The bound of the test above can fail: half a pixel at 256 is what a wrong corner convention costs."""
    drawn = lungs(2022, 2021)
    shifted = torch.roll(drawn, (4, 4), dims=(1, 2))
    assert dice(shifted > 0, drawn > 0) < 0.995


def test_a_real_mask_of_montgomery_comes_back_all_but_whole() -> None:
    files = sorted((Path(__file__).parents[2] / "../shared/data/others/montgomery_masks_only").glob("*.png"))
    if not files:
        pytest.skip("the real masks are not beside this checkout")
    for file in files:
        with Image.open(file) as image:
            drawn = torch.from_numpy(np.asarray(image).astype(np.float32) * 2 - 1)[None].clamp(-1, 1)
        for placement in placements(*drawn.shape[-2:], 256, 1.0)[:2]:
            assert dice(placement.take_back(placement.place(drawn)) > 0, drawn > 0) >= 0.995


@given(rows=SIDES, columns=SIDES, side=SIDES, aspect=st.floats(0.1, 10))
def test_every_picture_comes_back_at_its_own_size_and_in_range(
    rows: int, columns: int, side: int, aspect: float
) -> None:
    picture = torch.rand(2, rows, columns) * 2 - 1
    for placement in placements(rows, columns, side, aspect):
        canvas = placement.place(picture)
        assert canvas.shape == (2, placement.canvas_height, placement.canvas_width)
        back = placement.take_back(canvas)
        assert back.shape == picture.shape
        assert canvas.abs().max() <= 1
        assert back.abs().max() <= 1


@given(rows=SIDES, columns=SIDES)
def test_a_picture_that_fits_is_not_resampled(rows: int, columns: int) -> None:
    picture = torch.rand(3, rows, columns) * 2 - 1
    side = max(rows, columns)
    for placement in (Placement.padded(rows, columns, side), Placement.natural(rows, columns, side)):
        canvas = placement.place(picture)
        assert placement.take_back(canvas).numpy().tobytes() == picture.numpy().tobytes()
        assert int((canvas == BLACK).sum()) == canvas.numel() - picture.numel()


@pytest.mark.parametrize("fit", ["stretched", "padded", "natural"])
def test_left_stays_left_and_up_stays_up(fit: str) -> None:
    """A dark picture with one bright corner, on every way."""
    picture = torch.full((1, 120, 80), -1.0)
    picture[:, :30, :20] = 1.0
    placement = getattr(Placement, fit)(120, 80, 64)
    back = placement.take_back(placement.place(picture))
    assert dice(back > 0, picture > 0) > 0.97


def test_stretching_is_what_training_does() -> None:
    picture = torch.rand(3, 93, 140) * 2 - 1
    for sampling in ("bilinear", "nearest"):
        placed = Placement.stretched(93, 140, 32).place(picture, sampling)
        assert placed.numpy().tobytes() == to_square(picture, 32, sampling).numpy().tobytes()


@pytest.mark.parametrize("aspect", [0.25, 0.8, 1.0, 1.5, 4.0])
@pytest.mark.parametrize("fit", ["padded", "natural"])
def test_what_is_round_on_the_patient_is_round_for_the_network(aspect: float, fit: str) -> None:
    """A disc, drawn in pixels that are not square, is as high as wide on the canvas."""
    rows, columns = round(600 / math.sqrt(aspect)), round(600 * math.sqrt(aspect))
    y = ((torch.arange(rows) + 0.5) / rows * 2 - 1)[:, None]
    x = ((torch.arange(columns) + 0.5) / columns * 2 - 1)[None]
    disc = torch.where(x**2 + y**2 < 0.5, 1.0, -1.0)[None]
    placement = getattr(Placement, fit)(rows, columns, 256, aspect)
    seen = placement.place(disc)[0] > 0
    height, width = int(seen.any(1).sum()), int(seen.any(0).sum())
    assert abs(height / width - 1) < 0.02


def test_reducing_agrees_with_pillow() -> None:
    """Pillow's bilinear filter is antialiased too, and was written by others."""
    levels = np.random.default_rng(0).integers(0, 256, (91, 133), dtype=np.uint8)
    theirs = Image.fromarray(levels).resize((40, 29), Image.Resampling.BILINEAR)
    ours = resized(torch.from_numpy(levels).float()[None] / 127.5 - 1, 29, 40)
    assert np.abs(np.asarray(theirs) - ((ours[0].numpy() + 1) * 127.5)).max() <= 1


@pytest.mark.parametrize("aspect", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("fit", [Placement.padded, Placement.natural])
def test_an_impossible_pixel_is_refused(fit: type[Placement], aspect: float) -> None:
    with pytest.raises(ConfigurationError, match="aspect"):
        fit(10, 10, 16, aspect)  # type: ignore[call-arg, arg-type]


def test_an_impossible_placement_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="smaller than the picture"):
        Placement(10, 10, 8, 8, 7, 8)
    with pytest.raises(ConfigurationError, match="below 1"):
        Placement.stretched(0, 10, 16)


def test_another_picture_than_announced_is_refused() -> None:
    placement = Placement.stretched(10, 12, 16)
    with pytest.raises(InputError, match=r"\(1, 12, 10\).*\(channels, 10, 12\)"):
        placement.place(torch.zeros(1, 12, 10))
    with pytest.raises(InputError, match=r"\(channels, 16, 16\)"):
        placement.take_back(torch.zeros(1, 10, 12))


def test_a15_any_size_is_stretched_to_the_square() -> None:
    for height, width in ((1, 1), (3, 5), (700, 2)):
        for sampling in ("bilinear", "nearest"):
            square = to_square(torch.full((2, height, width), 0.25), 8, sampling)  # type: ignore[arg-type]
            torch.testing.assert_close(square, torch.full((2, 8, 8), 0.25))


def test_a_photo_is_averaged_and_labels_are_picked_from_the_middle() -> None:
    picture = torch.arange(36.0).reshape(1, 6, 6) / 36
    # Each result stands for 3 x 3 pixels; their middle ones are 7, 10, 25 and 28.
    assert (to_square(picture, 2, "nearest") * 36).round().tolist() == [[[7, 10], [25, 28]]]
    stripes = (torch.arange(64) % 8 == 3).float().expand(1, 64, 64) * 2 - 1  # an eighth is bright
    assert (to_square(stripes, 8, "bilinear") + 0.75).abs().max() < 0.15
    checkers = ((torch.arange(64)[:, None] + torch.arange(64)) % 2).float()[None] * 2 - 1
    assert set(to_square(checkers, 7, "nearest").unique().tolist()) <= {-1.0, 1.0}
