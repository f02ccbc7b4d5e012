"""Checks of the anatomy: where lungs, heart, diaphragm and body lie, whatever the patient."""

from __future__ import annotations

import numpy as np
import pytest

from piggygan.data.synthetic.chest import (
    Plane,
    abdomen_distance,
    body_distance,
    draw_chest,
    heart_distance,
    lung_distance,
    softened,
)
from piggygan.data.synthetic.xrays import generate_xray


def test_there_is_a_lung_on_either_side_and_none_in_the_middle() -> None:
    for seed in range(20):
        _, mask = generate_xray(np.random.default_rng(seed), 128)
        assert 0.12 < mask.mean() < 0.5, seed
        assert mask[:, :64].mean() > 0.08, seed
        assert mask[:, 64:].mean() > 0.08, seed
        assert mask[:, 60:68].mean() < 0.15, seed
        edge = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
        assert not edge.any(), f"a lung of patient {seed} is cut off"


class Straight(Plane):
    """A patient who is not moved, turned or scaled, and whose outline is even."""

    def __init__(self, size: int) -> None:
        self.size, self.scale, self.turn, self.shift = size, 1.0, 0.0, (0.0, 0.0)
        centers = ((np.arange(size, dtype=np.float32) + 0.5) / size) * 2.0 - 1.0
        self.x, self.y = np.meshgrid(centers, centers)


def test_a_plan_is_drawn_from_its_generator_alone_and_within_its_bounds() -> None:
    assert draw_chest(np.random.default_rng(4)) == draw_chest(np.random.default_rng(4))
    chests = [draw_chest(np.random.default_rng(seed)) for seed in range(200)]
    for chest in chests:
        for side in (chest.right, chest.left):
            assert -0.82 < side.apex < 0.0 < side.dome < 0.75
            assert 0.0 <= side.opacity <= 0.6
            assert side.inner < side.dome_at < side.wall < chest.girth + 0.1
        assert chest.ribs in (9, 10)
    assert np.mean([chest.left.dome - chest.right.dome for chest in chests]) > 0.03  # the liver lifts the right dome
    assert {chest.breast > 0 for chest in chests} == {chest.gas > 0 for chest in chests} == {True, False}


@pytest.mark.parametrize("size", [32, 75, 128])
def test_a_point_of_the_patient_is_drawn_at_the_pixel_that_has_its_coordinates(size: int) -> None:
    for seed in range(10):
        plane = Plane(np.random.default_rng(seed), size)
        points = np.array([[0.0, 0.0], [-0.6, 0.5], [0.4, -0.7]])
        for (x, y), (across, down) in zip(points, plane.pixels(points[:, 0], points[:, 1], size), strict=True):
            row, column = int(down), int(across)
            assert plane.x[row, column] == pytest.approx(x, abs=0.03 + 2 / size)
            assert plane.y[row, column] == pytest.approx(y, abs=0.03 + 2 / size)


def test_pixels_of_a_larger_picture_are_the_same_places() -> None:
    plane, x, y = Plane(np.random.default_rng(1), 64), np.array([0.3, -0.2]), np.array([0.1, 0.9])
    small, large = (np.array(plane.pixels(x, y, side)) for side in (64, 256))
    np.testing.assert_allclose(large, 4 * small)


def test_an_edge_is_a_half_and_soft_on_both_sides_alike() -> None:
    distance = np.linspace(-1.0, 1.0, 201, dtype=np.float32)
    soft = softened(distance, 0.2)
    assert soft.dtype == np.float32
    assert soft[100] == 0.5
    assert (np.diff(soft) >= 0).all()
    np.testing.assert_allclose(soft + soft[::-1], 1.0, atol=1e-6)
    assert soft[0] < 1e-6
    assert soft[-1] > 1 - 1e-6
    assert softened(np.float32([0.1]), 0.2)[0] == pytest.approx(0.5 * (1 + np.tanh(1.0)), abs=1e-6)


def test_lungs_lie_in_the_body_above_the_diaphragm_and_beside_the_heart() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        chest = draw_chest(rng)
        plane = Plane(rng, 96)
        heart = heart_distance(chest, plane)
        assert (heart > 0).any()
        body = body_distance(chest, plane)
        for side, sign in ((chest.right, -1.0), (chest.left, 1.0)):
            lung = lung_distance(plane, side, sign, heart) > 0
            assert lung.any(), seed
            assert (body[lung] > 0).all(), seed
            assert (heart[lung] < 0).all(), seed
            assert (abdomen_distance(plane, side, sign)[lung] < 0).all(), seed
            assert (sign * plane.x[lung] > 0).all(), seed


def test_the_two_lungs_of_one_form_mirror_each_other() -> None:
    plane = Straight(64)
    side = draw_chest(np.random.default_rng(2)).right
    nowhere = np.full((64, 64), -9.0, dtype=np.float32)
    right, left = (lung_distance(plane, side, sign, nowhere) for sign in (-1.0, 1.0))
    np.testing.assert_allclose(right, left[:, ::-1], atol=1e-6)


def test_the_heart_lies_to_the_patients_left() -> None:
    for seed in range(10):
        chest, plane = draw_chest(np.random.default_rng(seed)), Straight(64)
        inside = heart_distance(chest, plane) > 0
        assert plane.x[inside].mean() > 0.02, seed


def test_a_dome_is_highest_at_its_top() -> None:
    plane = Straight(64)
    side = draw_chest(np.random.default_rng(2)).left
    depth = abdomen_distance(plane, side, 1.0)
    top = int(np.argmax(depth[32]))  # in one row, what lies deepest below the dome is below its top
    assert plane.x[32, top] == pytest.approx(side.dome_at, abs=2 / 64)
    below, above = plane.y[:, top] > side.dome + 0.04, plane.y[:, top] < side.dome - 0.04
    assert (depth[below, top] > 0).all()
    assert (depth[above, top] < 0).all()
