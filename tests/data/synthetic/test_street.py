"""Checks of what surrounds a facade: background in the labels, and before the house nothing at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from piggygan.data.synthetic.canvas import Canvas
from piggygan.data.synthetic.facade_style import draw_style
from piggygan.data.synthetic.street import paint_foreground, paint_surroundings

STYLE = replace(draw_style(np.random.default_rng(1)), left=0.15, right=0.85, top=0.2, bottom=0.9)


def surroundings(seed: int, side: int = 64) -> np.ndarray[Any, Any]:
    canvas = Canvas(side, light=0.5)
    paint_surroundings(canvas, STYLE, np.random.default_rng(seed))
    assert not np.asarray(canvas.labels).any()
    assert (np.asarray(canvas.shade) == 255).all()
    return np.asarray(canvas.photo)


def foreground(seed: int, side: int = 100) -> tuple[np.ndarray[Any, Any], Canvas]:
    """Paint what stands in the way before a labelled wall: where the photo changed, and the canvas."""
    canvas = Canvas(side, light=0.5)
    canvas.box((0.0, 0.0, 1.0, 1.0), (255, 0, 255), label=2)
    paint_foreground(canvas, STYLE, np.random.default_rng(seed))
    return (np.asarray(canvas.photo) != (255, 0, 255)).any(axis=2), canvas


def test_surroundings_are_background_and_come_from_their_generator_alone() -> None:
    assert surroundings(3).tobytes() == surroundings(3).tobytes()
    assert len({surroundings(seed).tobytes() for seed in range(10)}) == 10


def test_there_is_sky_above_and_a_darker_street_below() -> None:
    for seed in range(10):
        photo = surroundings(seed).astype(int)
        sky, street = photo[:4, 20:44], photo[-3:, 20:44]
        assert sky[..., 2].mean() >= sky[..., 0].mean() - 1, seed  # blue or grey, never warm
        assert (street == (92, 92, 96)).all(), seed
        assert sky.mean() > street.mean() + 20, seed


def test_there_is_a_house_on_either_side() -> None:
    for seed in range(10):
        photo = surroundings(seed).astype(int)
        row = round(0.7 * 64)
        middle = photo[row, 32]
        assert (photo[row, 2] != middle).any(), seed
        assert (photo[row, 61] != middle).any(), seed


def test_cars_and_trees_change_the_photo_and_no_label() -> None:
    kinds = set()
    for seed in range(40):
        changed, canvas = foreground(seed)
        assert (np.asarray(canvas.labels) == 2).all(), seed
        low = changed[round(STYLE.bottom * 100) - 12 :].any()
        high = changed[: round(STYLE.bottom * 100) - 20].any()
        kinds.add((bool(low), bool(high)))
    assert {(False, False), (True, False), (True, True)} <= kinds  # nothing; cars; a tree


def test_a_car_stands_on_the_street_and_is_no_higher_than_a_door() -> None:
    for seed in range(40):
        changed, _ = foreground(seed)
        down, across = np.nonzero(changed)
        if not down.size or down.min() < 70:  # nothing there, or a tree too
            continue
        assert down.max() / 100 <= STYLE.bottom + 0.06
        assert down.min() / 100 >= STYLE.bottom - 0.04
        assert across.size / 100**2 < 2 * 0.19 * 0.08
