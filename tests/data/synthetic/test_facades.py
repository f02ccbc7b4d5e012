"""Checks of the generated facades: repeatable, exactly labelled, plausible."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piggygan.data.palette import CMP_INDEX, CMP_PALETTE
from piggygan.data.synthetic.facades import generate_facade, write_facades
from piggygan.errors import ConfigurationError

COLOURS = {entry.rgb: entry.name for entry in CMP_PALETTE}


def _shares(labels: np.ndarray) -> dict[str, float]:
    """Return the share of every class among the pixels."""
    colours, counts = np.unique(labels.reshape(-1, 3), axis=0, return_counts=True)
    return {
        COLOURS[tuple(colour)]: count / labels[..., 0].size
        for colour, count in zip(colours.tolist(), counts.tolist(), strict=True)
    }


def test_one_seed_gives_the_same_bytes_twice() -> None:
    first, second = generate_facade(11, 64), generate_facade(11, 64)
    assert [part.tobytes() for part in first] == [part.tobytes() for part in second]


def test_a_generator_is_as_good_as_a_seed_and_moves_on() -> None:
    rng = np.random.default_rng((11,))
    assert generate_facade(rng, 64)[0].tobytes() == generate_facade(11, 64)[0].tobytes()
    assert generate_facade(rng, 64)[0].tobytes() != generate_facade(11, 64)[0].tobytes()


def test_twenty_seeds_give_twenty_buildings() -> None:
    label_maps = {generate_facade(seed, 32)[1].tobytes() for seed in range(20)}
    assert len(label_maps) == 20


@pytest.mark.parametrize("size", [32, 64, 100, 256])
def test_photo_and_labels_are_rgb_of_the_asked_size(size: int) -> None:
    photo, labels = generate_facade(5, size)
    assert photo.shape == labels.shape == (size, size, 3)
    assert photo.dtype == labels.dtype == np.uint8


def test_every_label_pixel_has_a_colour_of_the_palette() -> None:
    for seed in range(12):
        assert set(_shares(generate_facade(seed, 64)[1])) <= set(CMP_INDEX)


def test_every_class_is_painted_somewhere_among_forty_buildings() -> None:
    seen: set[str] = set()
    for seed in range(40):
        seen |= set(_shares(generate_facade(seed, 64)[1]))
    assert seen == set(CMP_INDEX)


def test_every_building_has_a_wall_a_door_windows_and_surroundings() -> None:
    for seed in range(12):
        shares = _shares(generate_facade(seed, 128)[1])
        assert shares["facade"] > 0.15, seed
        assert 0.05 < shares["background"] < 0.5, seed
        assert shares["window"] > 0.03, seed
        assert shares["door"] > 0.005, seed


def test_a_seed_gives_the_same_building_at_every_size() -> None:
    small, large = generate_facade(8, 64)[1], generate_facade(8, 256)[1]
    middles = large[2::4, 2::4]
    assert (small == middles).all(axis=2).mean() > 0.93


def test_windows_are_darker_than_the_wall_round_them() -> None:
    # The labels lie where the photo shows the thing: over many buildings glass is darker than wall.
    differences = []
    for seed in range(12):
        photo, labels = generate_facade(seed, 128)
        brightness = photo.mean(axis=2)
        is_window = (labels == CMP_PALETTE[CMP_INDEX["window"]].rgb).all(axis=2)
        is_wall = (labels == CMP_PALETTE[CMP_INDEX["facade"]].rgb).all(axis=2)
        differences.append(brightness[is_wall].mean() - brightness[is_window].mean())
    assert np.mean(differences) > 15.0


def test_written_pairs_hold_photo_and_labels_side_by_side(tmp_path: Path) -> None:
    paths = write_facades(tmp_path / "facades", count=3, size=48, seed=2)
    assert [path.name for path in paths] == ["000.png", "001.png", "002.png"]
    for index, path in enumerate(paths):
        with Image.open(path) as file:
            assert file.mode == "RGB"
            pair = np.asarray(file)
        photo, labels = generate_facade(np.random.default_rng((2, index)), 48)
        np.testing.assert_array_equal(pair[:, :48], photo)
        np.testing.assert_array_equal(pair[:, 48:], labels)


def test_the_same_arguments_write_the_same_bytes_and_a_larger_count_only_adds(tmp_path: Path) -> None:
    few = write_facades(tmp_path / "few", count=2, size=32, seed=4)
    more = write_facades(tmp_path / "more", count=3, size=32, seed=4)
    other = write_facades(tmp_path / "other", count=2, size=32, seed=5)
    assert [path.read_bytes() for path in few] == [path.read_bytes() for path in more[:2]]
    assert few[0].read_bytes() != other[0].read_bytes()


@pytest.mark.parametrize(
    "wrong",
    [{"size": 31}, {"size": 5000}, {"size": 64.0}, {"count": 0}, {"count": True}, {"seed": -1}, {"seed": 1.5}],
    ids=str,
)
def test_a_wrong_argument_is_refused_and_nothing_is_written(tmp_path: Path, wrong: dict[str, int]) -> None:
    arguments = {"count": 1, "size": 32, "seed": 0} | wrong
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        write_facades(tmp_path / "facades", **arguments)
    assert not (tmp_path / "facades").exists()


def test_one_facade_too_is_refused_below_32_pixels() -> None:
    with pytest.raises(ConfigurationError, match="16 pixels"):
        generate_facade(0, 16)
    with pytest.raises(ConfigurationError, match="seed"):
        generate_facade(-3, 64)


def test_a_size_of_few_bits_is_a_size() -> None:
    small = generate_facade(3, np.uint8(100))
    assert [part.tobytes() for part in small] == [part.tobytes() for part in generate_facade(3, 100)]
