"""Which of a task's versions predicts: the newest, unless one is pinned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import piggygan as pg
from piggygan.errors import PredictionError, TaskNotFoundError
from piggygan.prediction import PredictionOptions, predict
from piggygan.registry import TaskRegistry

OPTIONS = PredictionOptions(size=32)


@pytest.fixture
def versions(tmp_path: Path) -> TaskRegistry:
    """Lungs, and a newer version of them."""
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2), "lungs")
    registry = TaskRegistry(tmp_path / "clinic")
    for task in ("lungs", "lungs@2"):
        if task != "lungs":
            model.add_task(task, out_channels=1, draws_on=["lungs"])
        with torch.no_grad():
            for parameter in model.task_parameters(task):
                parameter.add_(torch.randn_like(parameter) * 0.1)
        model.freeze_task(task)
        registry.commit(model, task)
    Image.fromarray(np.full((40, 40), 90, np.uint8)).save(tmp_path / "film.png")
    return registry


@pytest.mark.parametrize(("name", "found"), [("lungs", "lungs@2"), ("lungs@2", "lungs@2"), ("lungs@1", "lungs")])
def test_a_name_means_the_newest_version_and_a_pinned_one_itself(
    versions: TaskRegistry, tmp_path: Path, name: str, found: str
) -> None:
    summary = predict(versions, name, tmp_path / "film.png", tmp_path / "out", OPTIONS)
    assert summary.task == found


def test_a_newer_version_does_not_go_on_in_the_folder_of_an_older_one(versions: TaskRegistry, tmp_path: Path) -> None:
    predict(versions, "lungs@1", tmp_path / "film.png", tmp_path / "out", OPTIONS)
    with pytest.raises(PredictionError, match=r"holds predictions of task 'lungs' \(this is 'lungs@2'\)"):
        predict(versions, "lungs", tmp_path / "film.png", tmp_path / "out", OPTIONS)


def test_a_version_that_is_not_there_is_refused(versions: TaskRegistry, tmp_path: Path) -> None:
    with pytest.raises(TaskNotFoundError, match="lungs@3"):
        predict(versions, "lungs@3", tmp_path / "film.png", tmp_path / "out", OPTIONS)
    assert not (tmp_path / "out").exists()
