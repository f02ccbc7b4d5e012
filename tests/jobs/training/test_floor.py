"""The floor: the best answer that never looks at its input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from piggygan.data.pairs import PairDataset
from piggygan.jobs.data import DataConfig, TaskData, open_task_data
from piggygan.jobs.evaluating.scoring import score_side
from piggygan.jobs.training.floor import FixedAnswer, floor_of, is_learned

SIZE = 32


@pytest.fixture
def pairs(facade_pairs: Path) -> TaskData:
    return open_task_data(DataConfig(facade_pairs), size=SIZE, seed=0)


@pytest.fixture
def masks(lung_films: Path) -> TaskData:
    return open_task_data(DataConfig(lung_films), size=SIZE, seed=0)


def answered(data: TaskData, answer: torch.Tensor) -> dict[str, float]:
    assert isinstance(data.test, PairDataset)
    return score_side(FixedAnswer({}, "", answer), data, data.test, 2).scores


def test_no_grey_picture_has_a_smaller_difference_than_the_median(pairs: TaskData) -> None:
    floor = floor_of(pairs, 2)
    grey = [answered(pairs, torch.full((3, SIZE, SIZE), level))["l1"] for level in (-1.0, -0.5, 0.0, 0.5, 1.0)]
    assert floor["l1"] < min(grey)


def test_of_masks_it_is_better_than_everything_or_nothing(masks: TaskData) -> None:
    floor = floor_of(masks, 2)
    full, empty = (answered(masks, torch.full((1, SIZE, SIZE), value))["dice"] for value in (1.0, -1.0))
    assert floor["dice"] > max(full, empty)
    assert floor["dice"] < 1


def test_the_batch_size_changes_nothing(masks: TaskData) -> None:
    assert floor_of(masks, 1) == pytest.approx(floor_of(masks, 3))


def test_the_truth_is_learned_and_the_floor_is_not(masks: TaskData) -> None:
    floor = floor_of(masks, 2)
    assert is_learned("masks", {"dice": 1.0}, floor) is True
    assert is_learned("masks", dict(floor), floor) is False
    assert is_learned("masks", {"dice": float("nan")}, floor) is False


def test_what_nobody_paired_has_no_floor(pairs: TaskData) -> None:
    unpaired: Any = TaskData(**{**vars(pairs), "kind": "unpaired"})
    assert floor_of(unpaired, 1) == {}
    assert is_learned("unpaired", {"cycle_l1": 0.1}, {}) is None


def test_the_side_that_is_asked_for_is_scored(masks: TaskData) -> None:
    assert floor_of(masks, 2, masks.test) == floor_of(masks, 2)
    assert floor_of(masks, 2, masks.validation) != floor_of(masks, 2)


def test_photos_of_labels_are_learned_by_their_structure() -> None:
    floor = {"l1": 0.3345, "ssim": 0.0554}  # of 400 CMP facades at 128 px; the scores are pix2pix's on them
    assert is_learned("pairs", {"l1": 0.3438, "ssim": 0.0990}, floor) is True
    assert is_learned("pairs", {"l1": 0.7586, "ssim": 0.0079}, floor) is False
    assert is_learned("pairs", {"l1": 0.3438}, {"l1": 0.3345}) is False  # too small for SSIM
