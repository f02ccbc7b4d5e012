"""Checks of the CMP label colours and of the class that lies nearest to a colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piggygan.data.palette import CMP_INDEX, CMP_PALETTE

REAL_LABELS = Path(__file__).parents[2] / "../shared/data/facades/train"


def test_the_twelve_classes_have_twelve_names_and_twelve_colours() -> None:
    assert len(CMP_PALETTE) == 12
    assert len({entry.name for entry in CMP_PALETTE}) == 12
    assert len({entry.rgb for entry in CMP_PALETTE}) == 12
    assert [CMP_INDEX[entry.name] for entry in CMP_PALETTE] == list(range(12))


def test_the_colours_are_every_fifth_of_a_jet_scale_of_64() -> None:
    position = 5 + 5 * np.arange(12)  # entries 5, 10, ... of the scale, counted from 0
    blue = np.clip(np.where(position < 8, (position + 9) / 16, (39 - position) / 16), 0.0, 1.0)
    green = np.clip(np.where(position < 32, (position - 7) / 16, (55 - position) / 16), 0.0, 1.0)
    red = np.clip(np.where(position < 48, (position - 23) / 16, (71 - position) / 16), 0.0, 1.0)
    expected = np.rint(255 * np.stack([red, green, blue], axis=1)).astype(int)
    assert [entry.rgb for entry in CMP_PALETTE] == [tuple(row) for row in expected.tolist()]


@pytest.mark.skipif(not REAL_LABELS.is_dir(), reason="the CMP facades are not on this machine")
def test_flat_regions_of_the_real_label_maps_have_the_palettes_colours() -> None:
    # JPEG blurs edges, so only pixels are taken whose neighbours have the same colour.
    flat = []
    for path in sorted(REAL_LABELS.glob("*.jpg"))[::10]:
        with Image.open(path) as file:
            labels = np.asarray(file.convert("RGB"))[:, 256:].astype(int)
        neighbours = [np.roll(labels, shift, axis=axis) for axis in (0, 1) for shift in (-3, 3)]
        is_flat = np.all([np.abs(labels - other).max(axis=2) <= 4 for other in neighbours], axis=0)
        flat.append(labels[is_flat])
    pixels = np.concatenate(flat).astype(np.uint8)
    palette = np.array([entry.rgb for entry in CMP_PALETTE])
    classes = np.abs(pixels[:, None].astype(int) - palette).sum(axis=2).argmin(axis=1)
    for index, entry in enumerate(CMP_PALETTE):
        medians = np.median(pixels[classes == index], axis=0)
        assert np.abs(medians - np.array(entry.rgb)).max() <= 2, entry.name
