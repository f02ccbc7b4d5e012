"""How films are divided into folds, and what each member is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from piggygan.data.splits import read_splits
from piggygan.errors import ConfigurationError, TaskStateError
from piggygan.jobs.folder import RunFolder, TaskFolder
from piggygan.jobs.training.folds import (
    begin_folds,
    check_no_ensemble,
    config_of_member,
    read_folds,
    sides_of,
    take_back,
)
from piggygan.registry import TaskRegistry


@pytest.fixture
def files(tmp_path: Path) -> TaskFolder:
    return RunFolder.at(tmp_path / "exp").task("lungs")


def test_folds_are_as_even_as_can_be_and_drawn_by_the_seed(
    clinic: TaskRegistry, files: TaskFolder, lung_films: Path, small: Any
) -> None:
    found = begin_folds(files, clinic, small(lung_films), "boxes", 4)
    assert (found.bank, found.has_own_bank) == (("facades", "lungs", "hearts"), False)
    assert found.counts == {"1": 2, "2": 2, "3": 2, "4": 2, "test": 2}
    assert read_folds(files, None) == found
    before = [sides_of(files, number).read_bytes() for number in range(1, 5)]
    begin_folds(files, clinic, small(lung_films), "boxes", 4)
    assert before == [sides_of(files, number).read_bytes() for number in range(1, 5)]
    begin_folds(files, clinic, small(lung_films, seed=1), "boxes", 4)
    assert before != [sides_of(files, number).read_bytes() for number in range(1, 5)]
    assert sorted(read_splits(files.splits)) == ["test", "train"]


def test_a_member_has_its_sides_the_bank_and_a_seed_of_its_own(
    clinic: TaskRegistry, files: TaskFolder, lung_films: Path, small: Any
) -> None:
    config = small(lung_films, seed=7, split="0.5/0.3/0.2")
    found = begin_folds(files, clinic, config, "boxes", 2)
    own = config_of_member(files, found, config, 2)
    assert (own.training.seed, own.method.draws_on) == (8, ("facades", "lungs", "hearts"))
    assert (own.data.splits, own.data.split) == (sides_of(files, 2), None)
    drawn = replace(config, method=replace(config.method, draws_on=("facades",)))
    assert begin_folds(files, clinic, drawn, "boxes", 2).bank == ("facades",)


def test_what_nobody_paired_has_no_mean(clinic: TaskRegistry, files: TaskFolder, small: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cyclegan learns two networks"):
        begin_folds(files, clinic, small(tmp_path, objective="cyclegan"), "boxes", 2)
    assert not files.root.exists()


def test_one_task_is_not_learned_under_an_ensembles_name(
    clinic: TaskRegistry, files: TaskFolder, lung_films: Path, small: Any
) -> None:
    check_no_ensemble(files, clinic)
    begin_folds(files, clinic, small(lung_films), "boxes", 2)
    with pytest.raises(TaskStateError, match="'lungs' is an ensemble"):
        check_no_ensemble(files, clinic)
    take_back(files)
    assert not files.root.parent.exists()
