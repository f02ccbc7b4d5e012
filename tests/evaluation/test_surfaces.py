"""Distances between outlines: against numbers worked out by hand, a loop over all pixels, and MONAI's functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from piggygan.errors import ConfigurationError, InputError
from piggygan.evaluation.surfaces import SurfaceScores, surface_of, surface_scores

Mask = np.ndarray[Any, Any]
masks = arrays(bool, (9, 7), elements=st.booleans())
spacings = st.tuples(st.floats(0.1, 3.0), st.floats(0.1, 3.0))


def box(top: int, left: int, height: int, width: int, shape: tuple[int, int] = (20, 24)) -> Mask:
    mask = np.zeros(shape, dtype=bool)
    mask[top : top + height, left : left + width] = True
    return mask


def by_hand(found: Mask, true: Mask, tolerance: float, spacing: tuple[float, float]) -> tuple[float, float, float]:
    """Every distance by a loop over all pairs of pixels of the two surfaces."""

    def surface(mask: Mask) -> list[tuple[int, int]]:
        rows, columns = mask.shape
        at = lambda y, x: 0 <= y < rows and 0 <= x < columns and mask[y, x]  # noqa: E731
        beside = ((-1, 0), (1, 0), (0, -1), (0, 1))
        return [
            (y, x)
            for y in range(rows)
            for x in range(columns)
            if mask[y, x] and not all(at(y + dy, x + dx) for dy, dx in beside)
        ]

    def nearest(those: list[tuple[int, int]], these: list[tuple[int, int]]) -> list[float]:
        return [min(math.hypot((y - v) * spacing[0], (x - u) * spacing[1]) for v, u in these) for y, x in those]

    there, back = nearest(surface(found), surface(true)), nearest(surface(true), surface(found))
    both = there + back
    hd95 = max(float(np.percentile(one, 95)) for one in (there, back))
    return hd95, sum(both) / len(both), sum(distance <= tolerance for distance in both) / len(both)


def test_a_box_beside_another_is_as_far_as_it_was_moved() -> None:
    scores = surface_scores(box(2, 2, 6, 1), box(2, 7, 6, 1), tolerance=4.9)
    assert scores == SurfaceScores(hd95=5.0, assd=5.0, nsd=0.0, is_defined=True)
    assert surface_scores(box(2, 2, 6, 1), box(2, 7, 6, 1), tolerance=5.0).nsd == 1.0


def test_pixels_that_are_not_square_count_by_their_sides() -> None:
    down = surface_scores(box(2, 2, 1, 6), box(6, 2, 1, 6), tolerance=1, spacing=(0.5, 0.2))
    across = surface_scores(box(2, 2, 6, 1), box(2, 7, 6, 1), tolerance=1, spacing=(0.5, 0.2))
    assert (down.hd95, down.assd) == (2.0, 2.0)
    assert (across.hd95, across.nsd) == (1.0, 1.0)


def test_one_stray_pixel_in_a_hundred_does_not_decide_hd95() -> None:
    true = box(2, 2, 10, 12)
    found = true.copy()
    found[19, 23] = True
    scores = surface_scores(found, true, tolerance=0)
    assert scores.hd95 == 0.0
    assert scores.assd == pytest.approx(math.hypot(8, 10) / 81)  # 40 pixels of outline twice, and the stray one
    assert scores.nsd == pytest.approx(80 / 81)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 0.25)])
def test_a_mask_that_is_empty_alone_is_a_diagonal_away(spacing: tuple[float, float]) -> None:
    empty, full = box(0, 0, 0, 0, (30, 40)), box(3, 3, 5, 5, (30, 40))
    diagonal = math.hypot(30 * spacing[0], 40 * spacing[1])
    expected = SurfaceScores(diagonal, diagonal, 0.0, is_defined=False)
    assert surface_scores(empty, full, tolerance=100, spacing=spacing) == expected
    assert surface_scores(full, empty, tolerance=100, spacing=spacing) == expected


def test_two_empty_masks_agree() -> None:
    empty = box(0, 0, 0, 0)
    assert surface_scores(empty, empty, tolerance=0) == SurfaceScores(0.0, 0.0, 1.0, is_defined=True)


@given(masks, masks, st.floats(0, 4), spacings)
def test_every_mask_scores_as_a_loop_over_all_pixels_says(
    found: Mask, true: Mask, tolerance: float, spacing: tuple[float, float]
) -> None:
    scores = surface_scores(found, true, tolerance=tolerance, spacing=spacing)
    assert all(map(math.isfinite, (scores.hd95, scores.assd, scores.nsd)))
    swapped = surface_scores(true, found, tolerance=tolerance, spacing=spacing)
    assert (swapped.hd95, swapped.nsd) == (scores.hd95, scores.nsd)
    if found.any() and true.any():
        hd95, assd, _ = by_hand(found, true, tolerance, spacing)
        assert (scores.hd95, scores.assd) == pytest.approx((hd95, assd), abs=1e-9)
        near = [by_hand(found, true, tolerance + shift, spacing)[2] for shift in (-1e-9, 1e-9)]
        assert min(near) <= scores.nsd <= max(near)


@pytest.mark.parametrize("seed", range(3))
def test_masks_of_noise_score_the_same_without_a_tree(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found, true = drawn(seed)
    by_tree = surface_scores(found, true, tolerance=1.3, spacing=(0.4, 0.7))
    monkeypatch.setattr("piggygan.evaluation.surfaces.MOST_IN_A_TREE", 0)
    by_pixel = surface_scores(found, true, tolerance=1.3, spacing=(0.4, 0.7))
    assert (by_pixel.hd95, by_pixel.assd, by_pixel.nsd) == pytest.approx((by_tree.hd95, by_tree.assd, by_tree.nsd))


@given(masks)
def test_a_surface_is_what_erosion_takes_away(mask: Mask) -> None:
    from scipy.ndimage import binary_erosion

    surface = np.zeros_like(mask)
    surface[tuple(surface_of(mask).T)] = True
    assert np.array_equal(surface, mask & ~binary_erosion(mask))


def drawn(seed: int) -> tuple[Mask, Mask]:
    """Two masks of smooth outlines and one stray part, as networks give them."""
    from scipy.ndimage import gaussian_filter

    draw = np.random.default_rng(seed)
    smooth = gaussian_filter(draw.normal(size=(3, 60, 50)), (0, 4, 4))
    return smooth[0] + smooth[1] > 0.02, smooth[0] + 0.6 * smooth[2] > 0.02


@pytest.mark.filterwarnings("ignore")  # MONAI's own
@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.4, 0.7)])
@pytest.mark.parametrize("seed", range(5))
def test_the_scores_are_those_of_monai(seed: int, spacing: tuple[float, float]) -> None:
    metrics = pytest.importorskip("monai.metrics", reason="pip install 'piggygan[dev-peers]'")
    found, true = drawn(seed)
    one, other = (torch.from_numpy(mask)[None, None].float() for mask in (found, true))
    tolerance = 1.3
    scores = surface_scores(found, true, tolerance=tolerance, spacing=spacing)
    hd95 = metrics.compute_hausdorff_distance(one, other, include_background=True, percentile=95, spacing=spacing)
    assd = metrics.compute_average_surface_distance(
        one, other, include_background=True, symmetric=True, spacing=spacing
    )
    nsd = metrics.compute_surface_dice(one, other, [tolerance], include_background=True, spacing=spacing)
    assert (scores.hd95, scores.assd, scores.nsd) == pytest.approx((hd95.item(), assd.item(), nsd.item()), rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tolerance": -1.0}, "`tolerance` is -1.0"),
        ({"tolerance": math.nan}, "`tolerance` is nan"),
        ({"tolerance": 1.0, "spacing": (0.0, 1.0)}, r"`spacing` is \(0.0, 1.0\)"),
    ],
)
def test_what_is_no_distance_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        surface_scores(box(1, 1, 2, 2), box(1, 1, 2, 2), **settings)


@pytest.mark.parametrize("other", [np.zeros((3, 3), dtype=bool), np.zeros((20, 24)), np.zeros((20, 24, 1), dtype=bool)])
def test_what_is_no_mask_of_this_shape_is_refused(other: Mask) -> None:
    with pytest.raises(InputError, match="two of bool"):
        surface_scores(box(1, 1, 2, 2), other, tolerance=1)
