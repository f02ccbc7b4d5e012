"""Miniatures of published folders: their names and forms, a few small pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

RANDOM = np.random.default_rng(11)


def grey(path: Path, width: int = 12, height: int = 10) -> None:
    save(path, RANDOM.integers(0, 256, (height, width), dtype=np.uint8))


def save(path: Path, pixels: np.ndarray[Any, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def half(left: bool, width: int = 12, height: int = 10) -> np.ndarray[Any, Any]:
    """A mask whose foreground is a block in the left or the right half."""
    mask = np.zeros((height, width), dtype=bool)
    mask[2:8, 1:4] = left
    mask[2:8, -4:-1] = not left
    return mask


@pytest.fixture
def montgomery(tmp_path: Path) -> Path:
    folder = tmp_path / "MontgomerySet"
    for number in range(4):
        name = f"MCUCXR_000{number}_{number % 2}"
        grey(folder / "CXR_png" / f"{name}.png")
        for side in ("left", "right"):
            save(folder / "ManualMask" / f"{side}Mask" / f"{name}.png", half(side == "left"))
        readings = folder / "ClinicalReadings" / f"{name}.txt"
        readings.parent.mkdir(exist_ok=True)
        readings.write_text("Patient's Sex: F\nPatient's Age: 027Y\nnormal\n")
    return folder


@pytest.fixture
def shenzhen(tmp_path: Path) -> Path:
    folder = tmp_path / "ChinaSet_AllFiles"
    for number in range(5):
        grey(folder / "CXR_png" / f"CHNCXR_000{number}_0.png")
        if number != 3:
            mask = np.where(half(True) | half(False), 255, 0).astype(np.uint8)
            save(folder / "mask" / f"CHNCXR_000{number}_0_mask.png", mask)
    return folder


@pytest.fixture
def jsrt(tmp_path: Path) -> Path:
    """One raw film at its full size, which its form fixes, and one as PNG."""
    folder = tmp_path / "JSRT"
    (folder / "All247images").mkdir(parents=True)
    densities = np.full((2048, 2048), 4095, dtype=">u2")
    densities[:, 1024:] = 0
    densities[0, 0] = 256
    densities.tofile(folder / "All247images" / "JPCLN001.IMG")
    grey(folder / "All247images" / "JPCNN002.png", 2048, 2048)
    for fold, name in (("fold1", "JPCLN001"), ("fold2", "JPCNN002")):
        for part in ("left lung", "right lung", "heart"):
            mask = half(part == "left lung", 1024, 1024) if part != "heart" else np.ones((1024, 1024), dtype=bool)
            save(folder / fold / "masks" / part / f"{name}.gif", np.where(mask, 255, 0).astype(np.uint8))
    return folder


@pytest.fixture
def facades(tmp_path: Path) -> Path:
    folder = tmp_path / "facades"
    for side, count in (("train", 3), ("val", 2), ("test", 1)):
        for number in range(1, count + 1):
            save(folder / side / f"{number}.jpg", RANDOM.integers(0, 256, (8, 16, 3), dtype=np.uint8))
    return folder


@pytest.fixture
def facades_base(tmp_path: Path) -> Path:
    folder = tmp_path / "CMP_facade_DB_base" / "base"
    for number in range(1, 4):
        stem = folder / f"cmp_b000{number}"
        save(stem.with_suffix(".jpg"), RANDOM.integers(0, 256, (10, 12, 3), dtype=np.uint8))
        labels = Image.fromarray((np.arange(120).reshape(10, 12) % 12 + 1).astype(np.uint8))
        labels.putpalette([0] * 768)  # whatever the colours: the numbers count
        labels.save(stem.with_suffix(".png"))
        stem.with_suffix(".xml").write_text("<object></object>")
    return folder.parent


@pytest.fixture
def covid_cxr(tmp_path: Path) -> Path:
    folder = tmp_path / "covid_cxr"
    rows = ["file,source_filename,licence_in_source_metadata,doi,url"]
    for name, doi, url in (
        ("a-day0", "10.1/x", ""),
        ("a-day3", "10.1/x", ""),
        ("b", "", "https://e.org/b"),
        ("c", "", ""),
    ):
        grey(folder / "images" / f"{name}.png")
        save(folder / "masks" / f"{name}.png", np.where(half(True), 255, 0).astype(np.uint8))
        rows.append(f"{name}.png,{name}.jpg,CC BY,{doi},{url}")
    (folder / "licences.csv").write_text("\n".join(rows), encoding="utf-8")
    splits = '{"grouped_by": "source", "train": ["a-day0.png", "a-day3.png", "b.png"], "test": ["c.png"]}'
    (folder / "splits.json").write_text(splits, encoding="utf-8")
    return folder
