"""One reading of a registry."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from piggygan.errors import ConfigurationError, RegistryError, TaskNotFoundError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.prediction import PredictionOptions
from piggygan.prediction.predicting import algorithm_of
from piggygan.registry import TaskRegistry
from piggygan.server.held import MOST_READY, HeldTasks, pinned


def test_all_of_it_is_in_memory(clinic: Path, tmp_path: Path) -> None:
    shutil.copytree(clinic, tmp_path / "copy")
    registry = TaskRegistry(tmp_path / "copy")
    held = HeldTasks(registry)
    assert list(held.models) == ["generator"]
    shutil.rmtree(tmp_path / "copy")
    ready = held.ready("lungs", None, PredictionOptions())
    assert (ready.side, ready.ensemble.kind) == (16, "mask")
    assert held.digest == TaskRegistry(clinic).digest


def test_a_task_is_made_ready_once_a_way_and_few_ways_are_kept(clinic: Path) -> None:
    held = HeldTasks(TaskRegistry(clinic))
    first = held.ready("lungs", None, PredictionOptions())
    assert held.ready("lungs", "generator", PredictionOptions(size=16)) is first
    assert held.ready("lungs", None, PredictionOptions(largest=2, fill_holes=True)) is first
    applied = first.applied(PredictionOptions(size=16, largest=2))
    assert applied == algorithm_of(held.models["generator"], "lungs", PredictionOptions(size=16, largest=2))
    for size in range(1, MOST_READY + 1):
        held.ready("lungs", None, PredictionOptions(size=4 * size + 16))
    assert held.ready("lungs", None, PredictionOptions()) is not first


def test_what_is_not_there_is_named(clinic: Path) -> None:
    held = HeldTasks(TaskRegistry(clinic))
    with pytest.raises(TaskNotFoundError, match="did you mean 'lungs'"):
        held.ready("lung", None, PredictionOptions())
    with pytest.raises(ConfigurationError, match="there are generator"):
        held.ready("lungs", "backward", PredictionOptions())


def test_no_registry_and_a_generator_of_somebodys_own_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="no registry"):
        HeldTasks(TaskRegistry(tmp_path / "nowhere"))
    model = MultiTaskGenerator(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 3, 1)), "own")
    model.freeze_task("own")
    TaskRegistry(tmp_path / "own").commit(model, "own")
    with pytest.raises(ConfigurationError, match="class of its owner's"):
        HeldTasks(TaskRegistry(tmp_path / "own"))


def test_a_name_means_the_newest_version_a_pinned_one_itself_and_an_ensemble_its_members(hospital: Path) -> None:
    held = HeldTasks(TaskRegistry(hospital))
    meant = {name: held.ready(name, None, PredictionOptions()) for name in ("lungs", "lungs@1", "lungs@2", "hearts")}
    assert {name: ready.task for name, ready in meant.items()} == {
        "lungs": "lungs@2", "lungs@1": "lungs", "lungs@2": "lungs@2", "hearts": "hearts",
    }  # fmt: skip
    assert meant["lungs"] is meant["lungs@2"]
    assert meant["hearts"].members == ("hearts-1", "hearts-2")
    assert (held.ensembles, pinned(held.tasks[0])) == (["hearts"], "lungs@1")
    with pytest.raises(TaskNotFoundError, match="lungs@3"):
        held.resolve("lungs@3")


def test_what_is_known_of_films_is_in_memory_too(hospital: Path, tmp_path: Path) -> None:
    shutil.copytree(hospital, tmp_path / "copy")
    held = HeldTasks(TaskRegistry(tmp_path / "copy"))
    assert list(held.models) == ["generator"]
    shutil.rmtree(tmp_path / "copy")
    for task, known in (("lungs", "unlike"), ("hearts", "expected_dice")):
        ((_, findings),) = held.ready(task, None, PredictionOptions()).network([torch.ones(3, 16, 16)])
        assert known in {finding.name for finding in findings}


def test_what_batches_proved_holds_after_the_commit_of_another_task(hospital: Path) -> None:
    older, newer = HeldTasks(TaskRegistry(hospital)), HeldTasks(TaskRegistry(hospital))
    before = older.ready("lungs", None, PredictionOptions())
    before.proof.batches[8] = True
    newer.inherit(older)
    assert newer.ready("lungs", None, PredictionOptions()).proof.batches == {8: True}
    assert newer.ready("lungs@1", None, PredictionOptions()).proof.batches == {}
