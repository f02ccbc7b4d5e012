"""The Montgomery films: both masks of a film are one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piggygan.data.datasets import (
    Montgomery,
)


def test_the_masks_of_both_lungs_are_united(montgomery: Path) -> None:
    files = Montgomery(montgomery).files[0]
    _, mask = Montgomery.reader(1).read(files)
    left, right = (
        np.asarray(Image.open(montgomery / "ManualMask" / f"{side}Mask" / f"{files.name}.png"))
        for side in ("left", "right")
    )
    assert left.any()
    assert right.any()
    assert not (left & right).any()
    assert np.array_equal(mask[0].numpy() > 0, left | right)


def test_the_real_masks_of_montgomery_are_united(shared_data: Path, tmp_path: Path) -> None:
    name = "MCUCXR_0001_0"
    parts = {side: shared_data / f"others/montgomery_masks_only/{name}_{side}_mask.png" for side in ("left", "right")}
    if not all(path.is_file() for path in parts.values()):
        pytest.skip("the real masks are not there")
    for side, path in parts.items():
        link = tmp_path / "ManualMask" / f"{side}Mask" / f"{name}.png"
        link.parent.mkdir(parents=True)
        link.symlink_to(path.resolve())
    (tmp_path / "CXR_png").mkdir()
    Image.new("L", (4892, 4020)).save(tmp_path / "CXR_png" / f"{name}.png")
    pair = Montgomery(tmp_path).pairs(256, channels=1)[0]
    areas = [np.asarray(Image.open(path)).mean() for path in parts.values()]
    assert min(areas) > 0.05
    assert (pair.target > 0).float().mean().item() == pytest.approx(sum(areas), abs=0.002)
