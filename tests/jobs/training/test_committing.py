"""From a learned task to a committed one: what is stored is built anew and compared, and goes again if it differs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import piggygan as pg
from piggygan.errors import RegistryError, TaskExistsError
from piggygan.files.regular import make_folder
from piggygan.jobs.evaluating.scoring import Scored, score_side
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.training.committing import commit_and_verify
from piggygan.jobs.training.floor import floor_of
from piggygan.jobs.training.learner import Learner
from piggygan.jobs.training.preparing import Prepared, prepare
from piggygan.jobs.training.result import read_result
from piggygan.jobs.training.run import train_task
from piggygan.registry.verification import Verification
from piggygan.training import EpochRecord, History

HISTORY = History([EpochRecord(number, {}, 1e-3, seconds=2.0, skipped_steps=0) for number in (1, 2)])


@pytest.fixture
def lungs(run_folder: Path, lung_films: Path, small: Any) -> Prepared:
    """A task that was not learned; nothing here asks how good it is."""
    found = prepare(RunFolder.at(run_folder), "lungs", small(lung_films))
    make_folder(found.files.root)
    with torch.no_grad():
        for parameter in found.learner.generator.task_parameters("lungs"):
            parameter += 0.1
    return found


def test_what_came_of_it_is_what_is_stored(lungs: Prepared) -> None:
    result = commit_and_verify(lungs, HISTORY, kept=2)
    assert read_result(lungs.files) == result
    assert (result.epochs, result.kept, result.seconds) == (2, 2, 4.0)
    assert lungs.registry.tasks == ("facades", "lungs")
    assert result.verified == ("facades: equal", "lungs: equal")
    stored = Learner({"generator": lungs.registry.load(["lungs"])}, "lungs")
    assert stored.digests == {"generator": result.digests["generator"]}
    again = score_side(stored, lungs.data, lungs.data.test, 2)  # type: ignore[arg-type]
    assert (again.scores, again.outputs) == (result.scores["test"], result.digests["outputs"])
    assert result.scores["val"] == score_side(stored, lungs.data, lungs.data.validation, 2).scores
    assert result.floor == floor_of(lungs.data, 2)
    assert lungs.registry.describe("lungs").scores == result.scores["test"]


def test_a_task_that_was_committed_before_a_stop_is_only_verified(lungs: Prepared) -> None:
    before = Learner(copy.deepcopy(lungs.learner.models), "lungs")
    before.freeze_task("bf16")  # another decision than would be made now
    lungs.registry.commit(before.networks, "lungs")
    assert commit_and_verify(lungs, HISTORY, kept=2).verified == ("facades: equal", "lungs: equal")


def test_another_task_of_this_name_is_left_where_it_is(lungs: Prepared) -> None:
    other = lungs.registry.load(["facades"])
    other.add_task("lungs", out_channels=1)
    other.freeze_task("lungs")
    lungs.registry.commit(other, "lungs")
    with pytest.raises(TaskExistsError, match=r"another task 'lungs' was committed to .* meanwhile"):
        commit_and_verify(lungs, HISTORY, kept=2)
    assert lungs.registry.tasks == ("facades", "lungs")
    assert read_result(lungs.files) is None


def test_other_outputs_of_what_is_stored_are_noticed(lungs: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    def otherwise(score: Callable[..., Scored]) -> Callable[..., Scored]:
        def scored(learner: Learner, *rest: Any) -> Scored:
            found = score(learner, *rest)
            return found if learner is lungs.learner else Scored(found.scores, "other bytes")

        return scored

    monkeypatch.setattr("piggygan.jobs.training.committing.score_side", otherwise(score_side))
    with pytest.raises(RegistryError, match=r"gives other outputs than what was learned\. It was taken out again"):
        commit_and_verify(lungs, HISTORY, kept=2)
    assert lungs.registry.tasks == ("facades",)
    assert read_result(lungs.files) is None


def test_what_does_not_verify_is_taken_out_again(
    run_folder: Path, lung_films: Path, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Damaged:
        is_sound = False

        def __str__(self) -> str:
            return "lungs: damaged"

    with monkeypatch.context() as patched:
        patched.setattr(pg.TaskRegistry, "verify", lambda *_: Verification((Damaged(),), ()))  # type: ignore[arg-type]
        with pytest.raises(RegistryError, match=r"did not verify .* lungs: damaged\. It was taken out again"):
            train_task(run_folder, "lungs", small(lung_films), progress=False)
    assert pg.TaskRegistry(run_folder / "registry").tasks == ("facades",)
    assert train_task(run_folder, "lungs", small(lung_films), progress=False).task == "lungs"
