"""Checks of the canvas: one drawing, three layers that agree; requests that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from piggygan.data.synthetic.canvas import Canvas, check_count, check_seed, check_side, generator_of, smooth_noise
from piggygan.errors import ConfigurationError

RED, BLUE = (255, 0, 0), (0, 0, 255)


def layers(canvas: Canvas) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    return np.asarray(canvas.photo), np.asarray(canvas.labels), np.asarray(canvas.shade)


@pytest.mark.parametrize("size", [32, 4096, np.int64(33), np.uint8(64)])
def test_sides_that_can_be_drawn_are_taken(size: int) -> None:
    check_side(size)


@pytest.mark.parametrize(
    ("size", "message"), [(31, "31 pixels"), (4097, "32 to 4096"), (64.0, "integer"), (True, "integer"), ("64", "'64'")]
)
def test_other_sides_are_refused(size: int, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^`size` is .*{message}|{message}"):
        check_side(size)


@pytest.mark.parametrize("wrong", [-1, 1.0, True, "1", None])
def test_counts_begin_at_one_and_seeds_at_nought(wrong: Any) -> None:
    for check, name in ((check_count, "count"), (check_seed, "seed")):
        with pytest.raises(ConfigurationError, match=f"^`{name}` is {wrong!r}: give "):
            check(wrong)
    with pytest.raises(ConfigurationError, match="at least 1"):
        check_count(0)
    check_seed(0)
    check_count(1)


def test_every_picture_has_a_stream_of_its_own() -> None:
    drawn = {generator_of(3, *stream).bytes(8) for stream in ((0,), (1,), (2,))}
    assert len(drawn) == 3
    assert generator_of(3, 1).bytes(8) == generator_of(np.int64(3), 1).bytes(8) != generator_of(4, 1).bytes(8)


def test_noise_is_smooth_and_does_not_depend_on_the_size_of_the_picture() -> None:
    small, large = (smooth_noise(np.random.default_rng(2), side, (4, 4), octaves=2) for side in (40, 160))
    assert small.dtype == np.float32
    np.testing.assert_allclose(large.reshape(40, 4, 40, 4).mean(axis=(1, 3)), small, atol=0.03)
    assert np.abs(np.diff(large, axis=0)).max() < 0.12
    first, second = np.random.default_rng(2), np.random.default_rng(2)
    smooth_noise(first, 16, (4, 4))
    smooth_noise(second, 64, (4, 4))
    assert first.bytes(8) == second.bytes(8)


def test_more_octaves_add_finer_and_fainter_noise() -> None:
    coarse = smooth_noise(np.random.default_rng(0), 128, (3, 3), octaves=1)
    fine = smooth_noise(np.random.default_rng(0), 128, (3, 3), octaves=2)
    added = fine - coarse
    assert 0.0 < np.abs(added).max() <= 0.75  # half as strong, and a bicubic step beyond
    assert np.abs(np.diff(added)).mean() > 0.6 * np.abs(np.diff(coarse)).mean()


def test_a_box_is_painted_and_labelled_on_the_same_pixels() -> None:
    canvas = Canvas(100, light=0.0)
    canvas.box((0.2, 0.4, 0.5, 0.9), RED, label=7)
    photo, labels, shade = layers(canvas)
    is_red = (photo == RED).all(axis=2)
    assert np.array_equal(is_red, labels == 7)
    assert is_red[41:90, 21:50].all()
    assert is_red.sum() == pytest.approx(30 * 50, rel=0.06)
    assert (shade == 255).all()


def test_what_has_no_label_leaves_the_one_behind_it() -> None:
    canvas = Canvas(50, light=0.0)
    canvas.box((0.0, 0.0, 1.0, 1.0), BLUE, label=3)
    canvas.ellipse((0.3, 0.3, 0.7, 0.7), RED)
    canvas.line([(0.0, 0.1), (1.0, 0.1)], RED, 0.0001)
    photo, labels, _ = layers(canvas)
    assert (labels == 3).all()
    assert (photo[25, 25] == RED).all()
    assert (photo[5] == RED).all()  # a line is at least one pixel wide


def test_marking_changes_labels_alone_and_darkening_shade_alone() -> None:
    canvas = Canvas(50, light=0.0)
    canvas.mark((0.0, 0.0, 0.5, 0.5), 4)
    canvas.darken([(0.5, 0.5), (1.0, 0.5), (1.0, 1.0)], 60)
    photo, labels, shade = layers(canvas)
    assert (photo == 0).all()
    assert (labels[:25, :25] == 4).all()
    assert (labels[30:] == 0).all()
    assert set(np.unique(shade).tolist()) == {60, 255}
    assert shade[30, 48] == 60


@pytest.mark.parametrize("light", [-1.0, 1.0])
def test_a_shadow_falls_down_and_away_from_the_light(light: float) -> None:
    canvas = Canvas(100, light=light)
    canvas.box((0.4, 0.4, 0.6, 0.6), RED, depth=0.1)
    _, _, shade = layers(canvas)
    assert (shade[41:60, 41:60] == 255).all()  # what stands out is lit itself
    down, across = np.nonzero(shade < 255)
    assert down.max() == pytest.approx(70, abs=1)
    assert (across.max() if light > 0 else 100 - across.min()) == pytest.approx(70, abs=2)
    assert (across.min() if light > 0 else 100 - across.max()) >= 49


def test_an_ellipse_is_labelled_where_it_is_painted() -> None:
    canvas = Canvas(80, light=0.0)
    canvas.ellipse((0.1, 0.2, 0.9, 0.6), RED, label=5)
    photo, labels, _ = layers(canvas)
    assert np.array_equal((photo == RED).all(axis=2), labels == 5)
    assert (labels == 5).sum() == pytest.approx(np.pi * 32 * 16, rel=0.06)


def test_a_part_of_a_picture_is_put_where_it_was_also_at_the_edge() -> None:
    whole = np.random.default_rng(0).integers(1, 256, (20, 20, 3), dtype=np.uint8)
    canvas = Canvas(20, light=0.0)
    canvas.replace(whole, (-0.2, 0.5, 0.5, 1.3))
    canvas.replace(whole, (0.5, -0.3, 1.0, 0.25))
    photo, _, _ = layers(canvas)
    np.testing.assert_array_equal(photo[10:, :10], whole[10:, :10])
    np.testing.assert_array_equal(photo[:5, 10:], whole[:5, 10:])
    assert (photo[:10, :10] == 0).all()
    assert (photo[5:, 10:] == 0).all()
