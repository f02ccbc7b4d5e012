"""What train keeps of the films that it learned from: statistics of enough of them, the same ones each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import piggygan as pg
from piggygan.data.synthetic import write_facades
from piggygan.evaluation.familiarity import FEATURES, Familiarity
from piggygan.jobs import DataConfig, train_task
from piggygan.jobs.training.features import NOT_KEPT
from piggygan.registry import TaskRegistry


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[[int], Path]:
    def write(validation: int) -> Path:
        folder = tmp_path / f"data{validation}"
        for seed, (side, count) in enumerate({"train": 12, "val": validation}.items()):
            write_facades(folder / side, count, 32, seed=seed)
        return folder

    return write


@pytest.mark.filterwarnings("ignore:.*exactly twice as wide as high")
def test_a_task_that_is_committed_keeps_what_its_films_are_like(
    pictures: Callable[[int], Path], tmp_path: Path, small: Any
) -> None:
    kept = []
    config = replace(small(pictures(10)), data=DataConfig(pictures(10)))
    for run in ("one", "two"):
        result = train_task(tmp_path / run, "facades", config, progress=False)
        assert NOT_KEPT not in result.notes
        registry = TaskRegistry(tmp_path / run / "registry")
        kept.append(registry.attachment("facades", FEATURES))
        assert Familiarity.of_tensors(kept[-1]).threshold > 0
    assert all(torch.equal(kept[0][name], kept[1][name]) for name in kept[0])
    predicted = pg.predict(registry, "facades", tmp_path / "data10/val", tmp_path / "out")
    names = {finding.name for file in predicted.predicted for finding in file.findings}
    assert names == {"distance", "distance_threshold", "unlike"}


def test_of_too_few_films_nothing_is_kept_and_that_is_noted(
    pictures: Callable[[int], Path], tmp_path: Path, small: Any
) -> None:
    config = replace(small(pictures(9)), data=DataConfig(pictures(9)))
    result = train_task(tmp_path / "run", "facades", config, progress=False)
    assert NOT_KEPT in result.notes
    assert TaskRegistry(tmp_path / "run/registry").describe("facades").attachments == {}
