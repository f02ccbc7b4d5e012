"""Checks of bones and vessels: soft lines in the patient's frame."""

from __future__ import annotations

import numpy as np
import pytest

from piggygan.data.synthetic.bones import LineLayer, ribs, shoulder_bones, spine, vessels
from piggygan.data.synthetic.chest import Chest, Plane, body_distance, draw_chest


def patient(seed: int, size: int = 64) -> tuple[Chest, Plane, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return draw_chest(rng), Plane(rng, size), rng


@pytest.mark.parametrize("size", [32, 100])
def test_every_layer_is_a_field_of_the_picture_between_0_and_1(size: int) -> None:
    chest, plane, rng = patient(3, size)
    fields = [*ribs(chest, plane), shoulder_bones(chest, plane, rng), spine(plane), vessels(chest, plane, rng)]
    for field in fields:
        assert field.dtype == np.float32
        assert field.shape == (size, size)
        assert field.min() >= 0.0
        assert 0.2 < field.max() <= 1.0


def test_bones_are_drawn_from_the_generator_alone() -> None:
    def drawn(seed: int) -> list[bytes]:
        chest, plane, rng = patient(seed)
        return [shoulder_bones(chest, plane, rng).tobytes(), vessels(chest, plane, rng).tobytes()]

    assert drawn(5) == drawn(5)
    assert not set(drawn(5)) & set(drawn(6))


def test_of_two_lines_the_later_one_covers_the_earlier() -> None:
    # A rib is drawn so: a bright tube, and then its darker middle.
    _, plane, _ = patient(1, 256)
    along, still = np.array([-0.5, 0.5]), np.zeros(2)
    layer = LineLayer(plane)
    layer.curve(along, still, 0.2, 1.0)
    tube = layer.field(0.001)
    layer.curve(along, still, 0.1, 0.5)
    hollow = layer.field(0.001)
    ((across, down),) = plane.pixels(np.zeros(1), np.zeros(1), 256)
    middle = int(down), int(across)
    assert tube[middle] > 0.99
    assert hollow[middle] == pytest.approx(0.5, abs=0.01)
    assert hollow.max() > 0.99


def test_a_line_is_as_wide_as_asked_and_never_thinner_than_a_pixel() -> None:
    _, plane, _ = patient(1, 256)
    upright = np.array([-0.5, 0.5])
    for width, expected in ((0.25, 32), (0.0001, 1)):
        layer = LineLayer(plane)
        layer.curve(np.zeros(2), upright, width, 1.0)
        row = layer.field(0.0001)[128]
        assert row.sum() == pytest.approx(expected, abs=1.5)


def test_a_disc_lies_round_its_point() -> None:
    _, plane, _ = patient(1, 256)
    layer = LineLayer(plane)
    layer.disc(0.2, -0.3, 0.1, 0.6)
    field = layer.field(0.0001)
    down, across = np.nonzero(field > 0.3)
    ((x, y),) = plane.pixels(np.array([0.2]), np.array([-0.3]), 256)
    assert (across.mean(), down.mean()) == pytest.approx((x, y), abs=1.0)
    assert (field > 0.3).sum() == pytest.approx(np.pi * (0.1 * plane.scale * 128) ** 2, rel=0.08)
    assert field.max() == pytest.approx(0.6, abs=0.01)


def test_there_are_ribs_on_both_sides_and_the_spine_is_in_the_middle() -> None:
    for seed in range(8):
        chest, plane, _ = patient(seed, 96)
        back, front = ribs(chest, plane)
        for field in (back, front):
            for sign in (-1.0, 1.0):
                assert field[sign * plane.x > 0.1].mean() > 0.05, seed
        assert np.abs(plane.x)[spine(plane) > 0.3].max() < 0.2, seed
        # In a column through a lung there is a rib, then a gap, then a rib ...
        column = back[:, int(np.argmin(np.abs(plane.x[48] - 0.35)))] > 0.4
        assert int((np.diff(column.astype(int)) == 1).sum()) >= 5, seed


def test_vessels_branch_inside_the_body() -> None:
    for seed in range(8):
        chest, plane, rng = patient(seed)
        field = vessels(chest, plane, rng)
        assert (body_distance(chest, plane)[field > 0.3] > 0).mean() > 0.97, seed


def test_shoulders_are_on_both_sides_above_the_middle_and_a_rib_is_a_tube() -> None:
    for seed in range(8):
        chest, plane, rng = patient(seed, 96)
        shoulders = shoulder_bones(chest, plane, rng)
        right, left = (shoulders[sign * plane.x > 0.3].sum() for sign in (-1.0, 1.0))
        assert 0.6 < right / left < 1.6, seed
        assert shoulders[plane.y < 0.0].sum() > 2 * shoulders[plane.y > 0.0].sum(), seed
        back, _ = ribs(chest, plane)
        assert back.max() > 0.75, seed  # its walls; its middle alone would have 0.72, blurred
        for sign in (-1.0, 1.0):
            assert back[sign * plane.x > 0.15].max() > 0.75, seed
