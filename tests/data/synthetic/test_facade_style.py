"""Checks of a building's style: measures that fit into each other, colours that stay colours."""

from __future__ import annotations

import numpy as np
import pytest

from piggygan.data.synthetic.facade_style import BRICKS, FacadeStyle, draw_style, mixed, pick_colour, tinted


def styles(count: int = 300) -> list[FacadeStyle]:
    return [draw_style(np.random.default_rng(seed)) for seed in range(count)]


def test_a_style_is_drawn_from_its_generator_alone() -> None:
    assert draw_style(np.random.default_rng(9)) == draw_style(np.random.default_rng(9))
    assert len({repr(style) for style in styles(50)}) == 50


def test_storeys_and_bays_fill_the_front_exactly() -> None:
    for style in styles():
        assert 0.0 < style.left < style.right < 1.0
        assert 0.0 < style.top < style.bottom < 1.0
        assert style.storeys * style.storey_height + style.ground_height == pytest.approx(style.bottom - style.top)
        assert style.ground_height >= style.storey_height
        assert style.bays * style.bay_width == pytest.approx(style.right - style.left)
        assert style.left < style.bay_center(0) < style.bay_center(style.bays - 1) < style.right
        assert style.bay_center(1) - style.bay_center(0) == pytest.approx(style.bay_width)
        assert style.left + style.right == pytest.approx(style.bay_center(0) + style.bay_center(style.bays - 1))


def test_windows_leave_room_for_the_wall_and_shutters_for_each_other() -> None:
    for style in styles():
        leaves = 2 * 0.42 if style.blinds == "shutters" else 0.0
        assert style.window_width * (1.0 + leaves) < 0.8
        assert 0.5 <= style.window_height <= 0.6


def test_every_choice_is_made_by_some_building() -> None:
    drawn = styles()
    expected = {
        "material": {"brick", "plaster", "stone"},
        "bars": {"cross", "sash", "casement", "triple"},
        "cornice": {"none", "flat", "triangle", "arch"},
        "blinds": {"none", "shutters", "roller"},
        "balconies": {"none", "single", "column", "long"},
        "railing": {"bars", "solid"},
        "moldings": {"none", "top", "all"},
        "pillars": {"none", "edges", "all"},
        "storeys": {2, 3, 4},
        "bays": {3, 4, 5},
    } | {name: {True, False} for name in ("arched", "sills", "panels", "shops", "pitched")}
    for name, choices in expected.items():
        assert {getattr(style, name) for style in drawn} == choices, name


def test_tinting_darkens_and_lightens_and_stays_a_colour() -> None:
    assert tinted((100, 200, 10), 0.5) == (50, 100, 5)
    assert tinted((100, 200, 10), 1.0) == (100, 200, 10)
    assert tinted((100, 200, 10), 3.0) == (255, 255, 30)
    assert tinted((100, 200, 10), -1.0) == (0, 0, 0)


def test_a_mixture_goes_from_the_first_colour_to_the_second() -> None:
    first, second = (0, 100, 255), (200, 100, 55)
    assert mixed(first, second, 0.0) == first
    assert mixed(first, second, 1.0) == second
    assert mixed(first, second, 0.25) == (50, 100, 205)


def test_a_picked_colour_is_one_of_the_choices_within_a_tint() -> None:
    found = set()
    for seed in range(100):
        picked = np.array(pick_colour(np.random.default_rng(seed), BRICKS))
        shares = [picked / np.array(brick) for brick in BRICKS]
        near = [np.ptp(share) < 0.02 and 0.91 < share.mean() < 1.09 for share in shares]
        assert sum(near) == 1
        found.add(near.index(True))
    assert found == set(range(len(BRICKS)))


def test_walls_have_the_colours_of_their_material() -> None:
    for style in styles(60):
        if style.material == "brick":
            assert any(np.ptp(np.array(style.wall) / np.array(brick)) < 0.02 for brick in BRICKS)
        assert np.array(style.trim).mean() >= np.array(style.wall).mean() - 10  # mixed with a pale stone
