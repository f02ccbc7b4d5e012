"""Films unlike those of training, on real ones: false alarms on films kept back, and what is found."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import piggygan as pg
from piggygan.jobs import DataConfig, LearningConfig, NetworkConfig, TrainConfig, train_task
from piggygan.prediction import PredictionOptions

SIDE = 256


def grey(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L").resize((SIDE, SIDE)))


def films(folder: Path, most: int | None = None) -> list[np.ndarray]:
    names = sorted(json.loads((folder / "splits.json").read_text())["test"])[:most]
    return [grey(folder / "images" / name) for name in names]


def alarms(registry: Path, pictures: list[np.ndarray], folder: Path) -> tuple[int, int]:
    folder.mkdir()
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{number}.png")
    found = pg.predict(registry, "lungs", folder, folder / "out", PredictionOptions(dicom_seg=False))
    said = [finding.value for file in found.predicted for finding in file.findings if finding.name == "unlike"]
    assert len(said) == len(pictures)
    return sum(map(bool, said)), len(said)


@pytest.mark.slow
def test_unlike_films_are_named_and_few_of_those_that_are_like(shared_data: Path, tmp_path: Path) -> None:
    config = TrainConfig(
        DataConfig(shared_data / "montgomery"), NetworkConfig(size=64, width=8), training=LearningConfig(epochs=16)
    )
    train_task(tmp_path / "run", "lungs", config, progress=False)
    registry, kept_back = tmp_path / "run/registry", films(shared_data / "montgomery")
    facades = sorted((shared_data / "facades/val").glob("*.jpg"))[:40]
    halves = [np.asarray(Image.open(path).convert("RGB"))[:, :SIDE].copy() for path in facades]
    noise = np.random.default_rng(0)
    unlike = {
        "inverted": [255 - film for film in kept_back],
        "turned by 90 degrees": [np.rot90(film).copy() for film in kept_back],
        "upside down": [film[::-1].copy() for film in kept_back],
        "four times as dark": [film // 4 for film in kept_back],
        "facades": halves,
        "noise": [noise.integers(0, 256, (SIDE, SIDE), dtype=np.uint8) for _ in range(30)],
    }
    for name, pictures in unlike.items():
        wrong, of = alarms(registry, pictures, tmp_path / name)
        assert wrong >= 0.95 * of, name
    wrong, of = alarms(registry, kept_back, tmp_path / "like")
    assert (wrong <= 3, of) == (True, 30)
    hand = pg.predict(registry, "lungs", [shared_data / "dicom/nema_wg04_RG3_J2KI_extremity.dcm"], tmp_path / "hand",
                      PredictionOptions(dicom_seg=False))  # fmt: skip
    assert {finding.name: finding.value for finding in hand.predicted[0].findings}["unlike"] is True
