"""Checks of a facade's parts: each is painted where its label says, and no other class is touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from piggygan.data.palette import CMP_INDEX
from piggygan.data.synthetic.canvas import Box, Canvas
from piggygan.data.synthetic.facade_parts import (
    paint_balcony,
    paint_door,
    paint_roller,
    paint_shop,
    paint_shutters,
    paint_surround,
    paint_window,
)
from piggygan.data.synthetic.facade_style import FacadeStyle, draw_style

SIDE = 200
BOX: Box = (0.4, 0.3, 0.6, 0.7)
STYLE = replace(
    draw_style(np.random.default_rng(1)), arched=False, cornice="none", sills=False, railing="bars", bars="cross"
)


def painted(paint: Callable[[Canvas], None]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Paint on a canvas of one colour: where the photo changed, the labels, where there is shade."""
    canvas = Canvas(SIDE, light=0.5)
    before = (255, 0, 255)
    canvas.box((0.0, 0.0, 1.0, 1.0), before)
    paint(canvas)
    return (np.asarray(canvas.photo) != before).any(axis=2), np.asarray(canvas.labels), np.asarray(canvas.shade) < 255


def classes(labels: np.ndarray[Any, Any]) -> set[str]:
    names = {index: name for name, index in CMP_INDEX.items()}
    return {names[index] for index in np.unique(labels).tolist()} - {"background"}


def extent(region: np.ndarray[Any, Any]) -> tuple[float, float, float, float]:
    down, across = np.nonzero(region)
    return across.min() / SIDE, down.min() / SIDE, (across.max() + 1) / SIDE, (down.max() + 1) / SIDE


@pytest.mark.parametrize("bars", ["cross", "sash", "casement", "triple"])
def test_a_window_is_its_box_and_nothing_else(bars: str) -> None:
    style = replace(STYLE, bars=bars)
    changed, labels, shade = painted(lambda canvas: paint_window(canvas, style, BOX, np.random.default_rng(0)))
    assert classes(labels) == {"window"}
    assert extent(labels == CMP_INDEX["window"]) == pytest.approx(BOX, abs=0.012)
    assert np.array_equal(changed, labels > 0)
    assert shade.any()
    assert not (shade & ~changed).any()


def test_an_arched_window_is_higher_by_its_arch() -> None:
    style = replace(STYLE, arched=True)
    _, flat, _ = painted(lambda canvas: paint_window(canvas, STYLE, BOX, np.random.default_rng(0)))
    _, arched, _ = painted(lambda canvas: paint_window(canvas, style, BOX, np.random.default_rng(0)))
    rise = min(0.32 * 0.2, 0.13 * style.storey_height)
    assert extent(arched > 0)[1] == pytest.approx(extent(flat > 0)[1] - rise, abs=0.012)
    assert (arched > 0)[flat > 0].all()


def test_windows_differ_by_their_generator_and_by_nothing_else() -> None:
    def photo(seed: int) -> bytes:
        canvas = Canvas(SIDE, light=0.5)
        paint_window(canvas, STYLE, BOX, np.random.default_rng(seed))
        return np.asarray(canvas.photo).tobytes()

    assert photo(1) == photo(1)
    assert len({photo(seed) for seed in range(10)}) == 10


def test_without_cornice_and_sill_nothing_surrounds_a_window() -> None:
    changed, labels, shade = painted(lambda canvas: paint_surround(canvas, STYLE, BOX))
    assert not changed.any()
    assert not labels.any()
    assert not shade.any()


@pytest.mark.parametrize("cornice", ["flat", "triangle", "arch"])
def test_a_cornice_lies_over_its_window_and_a_sill_under_it(cornice: str) -> None:
    style = replace(STYLE, cornice=cornice, sills=True)
    changed, labels, shade = painted(lambda canvas: paint_surround(canvas, style, BOX))
    assert classes(labels) == {"cornice", "sill"}
    above, below = extent(labels == CMP_INDEX["cornice"]), extent(labels == CMP_INDEX["sill"])
    assert above[3] < BOX[1] + 0.012
    assert below[1] == pytest.approx(BOX[3], abs=0.012)
    for left, right in ((above[0], above[2]), (below[0], below[2])):  # both stand out to the sides
        assert left < BOX[0]
        assert right > BOX[2]
    assert (labels[changed] > 0).all()
    assert shade.any()


def test_shutters_stand_on_either_side_and_cover_no_glass() -> None:
    changed, labels, _ = painted(lambda canvas: paint_shutters(canvas, STYLE, BOX))
    assert classes(labels) == {"blind"}
    assert np.array_equal(changed, labels > 0)
    left, right = labels[:, : SIDE // 2] > 0, labels[:, SIDE // 2 :] > 0
    assert left.sum() == pytest.approx(right.sum(), rel=0.1)
    inside = labels[70:130, round(BOX[0] * SIDE) + 2 : round(BOX[2] * SIDE) - 1]
    assert not inside.any()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_roller_blind_covers_its_share_of_the_window(share: float) -> None:
    _, labels, _ = painted(lambda canvas: paint_roller(canvas, STYLE, BOX, share))
    assert classes(labels) == {"blind"}
    assert extent(labels > 0) == pytest.approx((BOX[0], BOX[1], BOX[2], BOX[1] + share * 0.4), abs=0.012)


@pytest.mark.parametrize("railing", ["bars", "solid"])
def test_a_balcony_is_labelled_as_a_whole_though_one_sees_through_its_bars(railing: str) -> None:
    style = replace(STYLE, railing=railing)
    changed, labels, _ = painted(lambda canvas: paint_balcony(canvas, style, 0.2, 0.8, 0.6))
    assert classes(labels) == {"balcony"}
    height, slab = 0.36 * style.storey_height, 0.10 * style.storey_height
    assert extent(labels > 0) == pytest.approx((0.2, 0.6 - height, 0.8, 0.6 + slab), abs=0.012)
    seen_through = (labels > 0) & ~changed
    assert seen_through.any() == (railing == "bars")


@pytest.mark.parametrize("arched", [False, True])
def test_a_door_reaches_the_ground_in_a_surround_that_is_wall(arched: bool) -> None:
    style = replace(STYLE, arched=arched)
    changed, labels, _ = painted(lambda canvas: paint_door(canvas, style, BOX))
    assert classes(labels) == {"door"}
    left, top, right, bottom = extent(labels > 0)
    assert (left, right, bottom) == pytest.approx((BOX[0], BOX[2], BOX[3]), abs=0.012)
    assert top == pytest.approx(BOX[1] - (0.36 * 0.2 if arched else 0.0), abs=0.012)
    assert extent(changed)[0] < left - 0.02


def test_a_shop_is_a_sign_a_pane_and_at_times_an_awning() -> None:
    box: Box = (0.2, 0.4, 0.8, 0.8)
    awnings = 0
    for seed in range(12):
        changed, labels, shade = painted(
            lambda canvas, seed=seed: paint_shop(canvas, box, np.random.default_rng(seed))  # type: ignore[misc]
        )
        assert classes(labels) == {"shop"}
        assert (labels[changed] > 0).all()
        assert extent(labels > 0) == pytest.approx(box, abs=0.022)
        awnings += bool(shade[round(0.59 * SIDE) :].any())
    assert 0 < awnings < 12


def test_a_part_that_reaches_over_the_edge_of_the_picture_is_cut_there() -> None:
    style: FacadeStyle = replace(STYLE, cornice="flat", sills=True)
    edge: Box = (-0.1, -0.1, 0.1, 0.2)
    _, labels, _ = painted(lambda canvas: paint_window(canvas, style, edge, np.random.default_rng(0)))
    assert extent(labels > 0) == pytest.approx((0.0, 0.0, 0.1, 0.2), abs=0.012)
    painted(lambda canvas: paint_surround(canvas, style, edge))
