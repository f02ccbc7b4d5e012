import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from piggygan.data.augmentation import PairAugmentation
from piggygan.errors import ConfigurationError, InputError

NONE = PairAugmentation.none()


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def picture(side: int, channels: int = 1, seed: int = 0) -> torch.Tensor:
    return torch.rand(channels, side, side, generator=generator(seed)) * 2 - 1


@given(seed=st.integers(0, 1000), rotation=st.floats(0, 180), zoom=st.floats(0.5, 2.0))
def test_a_mask_stays_a_mask_and_labels_get_no_new_colours(seed: int, rotation: float, zoom: float) -> None:
    augmentation = PairAugmentation(zoom=(zoom, zoom * 1.2), rotation_degrees=rotation, shift=0.3)
    mask = (picture(12, seed=seed) > 0).float() * 2 - 1
    colours = (picture(12, channels=3, seed=seed) * 2).round() / 2
    _, moved_mask = augmentation(picture(12), mask, generator(seed))
    _, moved_colours = augmentation(picture(12), colours, generator(seed), size=9)
    assert set(moved_mask.unique().tolist()) <= {-1.0, 1.0}
    before = {tuple(colour) for colour in colours.flatten(1).T.tolist()}
    assert {tuple(colour) for colour in moved_colours.flatten(1).T.tolist()} <= before


@given(seed=st.integers(0, 10_000))
def test_input_and_target_move_together(seed: int) -> None:
    """A bright disc must be found at the same place in both."""
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    disc = (((rows - 10) ** 2 + (columns - 13) ** 2) < 36).float()[None] * 2 - 1
    image, mask = PairAugmentation(rotation_degrees=40, contrast=0, brightness=0)(disc, disc, generator(seed))
    assert mask.sum() > -32 * 32
    assert float(((image > 0) != (mask > 0)).float().mean()) < 0.03


def test_a_flip_mirrors_left_and_right() -> None:
    image = picture(6)
    flipped, flipped_target = PairAugmentation(1.0, (1, 1), 0, 0, 0, 0)(image, -image, generator(0))
    torch.testing.assert_close(flipped, image.flip(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(flipped_target, -image.flip(2))


def test_half_of_the_pairs_are_flipped() -> None:
    augmentation = PairAugmentation(0.5, (1, 1), 0, 0, 0, 0)
    image = torch.tensor([[[-1.0, 1.0], [-1.0, 1.0]]])
    flips = [bool(augmentation(image, image, generator(seed))[1][0, 0, 0] > 0) for seed in range(400)]
    assert 160 < sum(flips) < 240


def test_a_half_turn_by_rotation_equals_two_flips() -> None:
    """Of all angles the test can check 180 degrees by hand; the generator's third draw chooses the angle."""
    seed = next(
        seed for seed in range(100_000) if torch.rand(7, generator=generator(seed), dtype=torch.float64)[2] > 0.9999
    )
    image = picture(6)
    turned, target = PairAugmentation(0, (1, 1), 0, 180, 0, 0)(image, image, generator(seed))
    torch.testing.assert_close(turned, image.flip(1, 2), atol=0.01, rtol=0)
    torch.testing.assert_close(target, image.flip(1, 2))


def test_a_quarter_turn_is_a_quarter_turn() -> None:
    draws = {seed: torch.rand(7, generator=generator(seed), dtype=torch.float64)[2].item() for seed in range(5000)}
    seed = min(draws, key=lambda seed: abs(draws[seed] - 0.75))  # 180 * (2 * 0.75 - 1) = 90
    image = picture(7)
    turned_by_hand = np.rot90(image[0].numpy())
    for flip, expected in ((0, turned_by_hand), (1, turned_by_hand[:, ::-1])):
        _, turned = PairAugmentation(flip, (1, 1), 0, 180, 0, 0)(image, image, generator(seed))
        assert turned[0].tolist() == expected.tolist()


def test_zoom_magnifies_about_the_middle() -> None:
    image = torch.full((1, 8, 8), -1.0)
    image[:, 2:6, 2:6] = 1.0
    _, near = PairAugmentation(0, (2, 2), 0, 0, 0, 0)(image, image, generator(0))
    _, far = PairAugmentation(0, (0.5, 0.5), 0, 0, 0, 0)(image, image, generator(0))
    assert near.unique().tolist() == [1.0]
    assert int((far > 0).sum()) == 4  # a quarter of 16


def test_beyond_the_border_both_go_on_with_the_border() -> None:
    image, mask = torch.full((1, 8, 8), 0.5), torch.ones(1, 8, 8)
    moved, moved_mask = PairAugmentation(0, (0.5, 0.5), 0.5, 45, 0, 0)(image, mask, generator(1))
    torch.testing.assert_close(moved, image)
    assert torch.equal(moved_mask, mask)


@given(seed=st.integers(0, 1000))
def test_the_crop_of_pix2pix_is_a_window_of_the_loaded_picture(seed: int) -> None:
    augmentation = PairAugmentation.pix2pix(load=12, crop=8)
    assert augmentation.stored_size(8) == 12
    image = picture(12, seed=seed)
    cropped, target = augmentation(image, image, generator(seed), size=8)
    windows = [
        view[:, top : top + 8, left : left + 8]
        for view in (image, image.flip(2))
        for top in range(5)
        for left in range(5)
    ]
    assert sum(torch.equal(target, window) for window in windows) == 1
    assert min(float((cropped - window).abs().max()) for window in windows) < 1e-4  # not blurred


def test_pictures_are_kept_large_enough_for_the_zoom() -> None:
    assert PairAugmentation.pix2pix().stored_size(256) == 286
    assert PairAugmentation(zoom=(0.8, 1.0)).stored_size(256) == 256
    assert NONE.stored_size(128) == 128


def test_contrast_and_brightness_change_the_input_only_and_stay_in_range() -> None:
    augmentation = PairAugmentation(0, (1, 1), 0, 0, contrast=0.5, brightness=0.5)
    image, target = picture(8), picture(8, seed=1)
    for seed in range(20):
        draws = torch.rand(7, generator=generator(seed), dtype=torch.float64).tolist()
        gain, offset = 1 + 0.5 * (2 * draws[5] - 1), 0.5 * (2 * draws[6] - 1)
        changed, same = augmentation(image, target, generator(seed))
        assert torch.equal(same, target)
        np.testing.assert_allclose(changed, np.clip(image.numpy() * gain + offset, -1, 1), atol=1e-6)
        labels, _ = augmentation(image, target, generator(seed), image_sampling="nearest")
        assert torch.equal(labels, image)


def test_none_changes_nothing_to_the_last_bit() -> None:
    image, target = picture(9), picture(9, seed=1)
    same, same_target = NONE(image, target, generator(4))
    assert torch.equal(same, image)
    assert torch.equal(same_target, target)


def test_one_seed_gives_one_variation() -> None:
    image = picture(16)
    first, again, other = (PairAugmentation()(image, image, generator(seed))[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    "options",
    [
        {"flip": 1.5},
        {"flip": math.nan},
        {"shift": -0.1},
        {"rotation_degrees": 181},
        {"contrast": 2},
        {"brightness": -1},
        {"zoom": (1.2, 1.0)},
        {"zoom": (0.0, 1.0)},
        {"zoom": (1.0, math.inf)},
    ],
)
def test_values_outside_their_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        PairAugmentation(**options)  # type: ignore[arg-type]


def test_a_crop_larger_than_the_picture_and_unequal_pictures_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="crop is 300"):
        PairAugmentation.pix2pix(load=286, crop=300)
    for image, target in ((picture(8), picture(9)), (torch.zeros(1, 8, 9), torch.zeros(1, 8, 9))):
        with pytest.raises(InputError, match="square"):
            NONE(image, target, generator(0))
