"""Checks of the step from a painted facade to a photo and a label map."""

from __future__ import annotations

import numpy as np

from piggygan.data.palette import CMP_PALETTE
from piggygan.data.synthetic.camera import coloured, turned
from piggygan.data.synthetic.canvas import Canvas


def test_turning_a_label_map_invents_no_class_between_two() -> None:
    canvas = Canvas(96, light=1.0)
    canvas.box((0.2, 0.3, 0.8, 0.7), (255, 255, 255), label=9)
    _, labels, _ = turned(canvas, np.random.default_rng(3))
    assert set(np.unique(np.asarray(labels)).tolist()) == {0, 9}
    colours = np.unique(coloured(labels, 32).reshape(-1, 3), axis=0).tolist()
    assert sorted(map(tuple, colours)) == sorted([CMP_PALETTE[0].rgb, CMP_PALETTE[9].rgb])


def test_photo_and_labels_are_turned_alike() -> None:
    canvas = Canvas(96, light=1.0)
    canvas.box((0.2, 0.3, 0.8, 0.7), (255, 255, 255), label=9)
    photo, labels, _ = turned(canvas, np.random.default_rng(3))
    is_bright = np.asarray(photo)[..., 0] > 127
    assert (is_bright == (np.asarray(labels) == 9)).mean() > 0.98
    assert is_bright.tobytes() != (np.asarray(canvas.labels) == 9).tobytes()
