"""What jobs are tried on: a registry of small tasks that learned nothing, and pairs that are at hand at once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data.datasets import ImagesWithMasks, SideBySide
from piggygan.data.pairs import PairDataset
from piggygan.data.synthetic.facades import write_facades
from piggygan.data.synthetic.xrays import write_xrays
from piggygan.jobs.config import LearningConfig, MethodConfig, NetworkConfig, TrainConfig
from piggygan.jobs.data import DataConfig, TaskData
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.training.result import TrainedTask, read_result
from piggygan.jobs.training.run import train_task
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry
from tests.training.conftest import several as several  # a fixture

SIZE = 16
LEARNED_SIZE = 32
"""Of what is really learned: no U-Net for the command is smaller."""


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> TaskRegistry:
    """Facades, and two tasks of masks that differ."""
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), "facades")
    model.freeze_task("facades")
    registry = TaskRegistry(tmp_path_factory.mktemp("clinic") / "registry")
    registry.commit(model, "facades", image_size=SIZE)
    for task in ("lungs", "hearts"):
        model.add_task(task, out_channels=1)
        with torch.no_grad():
            for parameter in model.task_parameters(task):
                parameter += 0.3 * torch.randn(parameter.shape)
        model.freeze_task(task)
        registry.commit(model, task, image_size=SIZE)
    return registry


def write_films(folder: Path, count: int, rows: int = 24, columns: int = 20) -> None:
    """Write films of noise with a bright box, and masks of the boxes."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    draw = np.random.default_rng(count)
    for number in range(count):
        pixels = draw.integers(0, 120, (rows, columns), dtype=np.uint8)
        mask = np.zeros_like(pixels)
        top, left = draw.integers(2, 8, 2)
        mask[top : top + 12, left : left + 10] = 255
        pixels[mask > 0] += 120
        Image.fromarray(pixels).save(folder / f"images/p{number // 2}-{number}.png")
        Image.fromarray(mask).save(folder / f"masks/p{number // 2}-{number}.png")


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A folder of six films of three patients."""
    write_films(tmp_path / "films", 6)
    return tmp_path / "films"


def task_data(pairs: PairDataset, kind: str, patients: dict[str, str] | None = None) -> TaskData:
    """Make of pairs what opening them would."""
    image, target, _ = pairs[0]
    return TaskData(
        kind=kind,  # type: ignore[arg-type]
        train=pairs,
        validation=pairs,
        test=pairs,
        in_channels=image.shape[0],
        out_channels=target.shape[0],
        fingerprint=pairs.fingerprint,
        splits={"test": pairs.names},
        notes=[],
        patients=patients or {},
    )


@pytest.fixture
def masks_in() -> Callable[..., TaskData]:
    """Open a folder of images and masks, whatever cannot be read in it."""

    def opened(folder: Path, patients: dict[str, str] | None = None) -> TaskData:
        return task_data(ImagesWithMasks(folder).pairs(SIZE, max_skipped=0.9), "masks", patients)

    return opened


@pytest.fixture
def facades(tmp_path: Path) -> TaskData:
    """Four facades of noise beside label pictures in the colours of the CMP set."""
    from piggygan.data.palette import CMP_PALETTE

    colours = np.array([one.rgb for one in CMP_PALETTE], dtype=np.uint8)
    draw = np.random.default_rng(0)
    (tmp_path / "pairs/test").mkdir(parents=True)
    for number in range(4):
        photo = draw.integers(0, 256, (20, 20, 3), dtype=np.uint8)
        labels = colours[draw.integers(0, 12, (5, 5)).repeat(4, 0).repeat(4, 1)]
        Image.fromarray(np.concatenate([photo, labels], axis=1)).save(tmp_path / f"pairs/test/{number}.png")
    return task_data(SideBySide(tmp_path / "pairs").pairs(SIZE), "pairs")


@pytest.fixture(scope="session")
def facade_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten generated facades beside their labels, on three sides."""
    folder = tmp_path_factory.mktemp("data") / "facades"
    for seed, (side, count) in enumerate({"train": 6, "val": 2, "test": 2}.items()):
        write_facades(folder / side, count, LEARNED_SIZE, seed=seed)
    return folder


@pytest.fixture(scope="session")
def lung_films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten generated films with masks, on three sides."""
    folder = tmp_path_factory.mktemp("data") / "films"
    names = [image.name for image, _ in write_xrays(folder, 10, LEARNED_SIZE, seed=0)]
    splits = {"train": names[:6], "val": names[6:8], "test": names[8:]}
    (folder / "splits.json").write_text(json.dumps(splits), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def small() -> Any:
    """Makes the configuration of a small task: a folder of data, and options by name whatever their table."""

    def make(data: Path | None = None, **options: Any) -> TrainConfig:
        config = TrainConfig(
            DataConfig(data=data),
            NetworkConfig(width=2),
            MethodConfig(),
            LearningConfig(epochs=3, batch_size=2, commit_anyway=True),  # so little learns nothing
        )
        for name, value in options.items():
            for part in ("data", "network", "method", "training", "provenance"):
                table = getattr(config, part)
                if name in vars(table):
                    config = replace(config, **{part: replace(table, **{name: value})})
        return config

    return make


@pytest.fixture(scope="session")
def once_learned(tmp_path_factory: pytest.TempPathFactory, facade_pairs: Path, small: Any) -> Path:
    """A run whose first task, facades, is learned; for reading."""
    folder = tmp_path_factory.mktemp("runs") / "exp"
    train_task(folder, "facades", small(facade_pairs, size=LEARNED_SIZE), progress=False)
    return folder


@pytest.fixture
def run_folder(tmp_path: Path, once_learned: Path) -> Path:
    """A copy of that run, to change."""
    return Path(shutil.copytree(once_learned, tmp_path / "exp"))


@pytest.fixture(scope="session")
def straight_run(tmp_path_factory: pytest.TempPathFactory, once_learned: Path, lung_films: Path, small: Any) -> Path:
    """That run with lungs, when nothing stopped them; for reading."""
    folder = Path(shutil.copytree(once_learned, tmp_path_factory.mktemp("runs") / "straight"))
    train_task(folder, "lungs", small(lung_films), progress=False)
    return folder


@pytest.fixture(scope="session")
def straight(straight_run: Path) -> TrainedTask:
    """What lungs come to in it."""
    found = read_result(RunFolder.at(straight_run).task("lungs"))
    assert found is not None
    return found
