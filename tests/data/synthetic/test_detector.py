"""Checks of the step from density to stored values: exposure, collimator, marker, noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from piggygan.data.synthetic.detector import LARGEST_STORED, _free_borders, _is_shuttered, _marker, detected
from piggygan.data.synthetic.xrays import generate_xray


def test_the_collimator_leaves_the_lungs_in_the_picture() -> None:
    shuttered = 0
    for seed in (*range(10), 209, 323):  # the last two draw shutters that would reach into a lung
        stored, mask = generate_xray(np.random.default_rng(seed), 192)
        for lines, covered in ((stored, mask), (stored.T, mask.T)):
            is_shut = np.ptp(lines, axis=1) == 0  # no noise behind lead
            shuttered += int(is_shut.sum())
            assert not covered[is_shut].any(), seed
    assert shuttered > 20


def flat(value: float, size: int = 64) -> np.ndarray[Any, Any]:
    return np.full((size, size), value, dtype=np.float32)


def lungs(size: int = 64) -> np.ndarray[Any, Any]:
    mask = np.zeros((size, size), dtype=bool)
    mask[size // 4 : -size // 4, size // 4 : -size // 4] = True
    return mask


@pytest.mark.parametrize("density", [-1.0, 0.0, 0.5, 1.0, 50.0])
def test_whatever_the_density_twelve_bits_are_stored(density: float) -> None:
    for seed in range(6):
        stored = detected(flat(density), lungs(), np.random.default_rng(seed))
        assert stored.dtype == np.uint16
        assert stored.shape == (64, 64)
        assert stored.max() <= LARGEST_STORED == 4095


def test_what_is_denser_is_brighter() -> None:
    for seed in range(6):
        thin, thick = (detected(flat(level), lungs(), np.random.default_rng(seed)) for level in (0.3, 0.6))
        assert thick[lungs()].mean() > thin[lungs()].mean() + 200


def test_the_same_generator_takes_the_same_picture_and_another_one_another() -> None:
    first, again, other = (detected(flat(0.5), lungs(), np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_the_marker_is_a_letter_on_the_side_that_it_names() -> None:
    for letter, half in (("L", np.s_[:, 32:]), ("R", np.s_[:, :32])):
        marker = _marker(letter, np.array([0.5, 0.5]), 64)
        assert marker.min() == 0.0
        assert 0.5 < marker.max() <= 1.0
        assert marker[half].sum() == marker.sum()


def test_shutters_are_as_wide_as_their_margins_and_the_lungs_room_is_known() -> None:
    shut = _is_shuttered(np.array([0.25, 0.0, 0.5, -0.1]), 8)
    assert shut[:, :2].all()
    assert shut[:4].all()
    assert not shut[4:, 2:].any()
    mask = np.zeros((10, 10), dtype=bool)
    mask[2:5, 1:9] = True
    np.testing.assert_allclose(_free_borders(mask), [0.1, 0.1, 0.2, 0.5])


def test_a_picture_without_lungs_is_taken_too() -> None:
    nothing = np.zeros((64, 64), dtype=bool)
    assert detected(flat(0.5), nothing, np.random.default_rng(1)).shape == (64, 64)
