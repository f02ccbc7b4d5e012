"""What a training would do is said before anything is done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from piggygan.jobs.folder import RunFolder
from piggygan.jobs.training.plan import FEW_STEPS, describe_plan, plan_task
from piggygan.jobs.training.preparing import Prepared, prepare


@pytest.fixture
def lungs(once_learned: Path, lung_films: Path, small: Any) -> Prepared:
    return prepare(RunFolder.at(once_learned), "lungs", small(lung_films))


def test_a_plan_says_how_long_a_step_takes_and_writes_nothing(once_learned: Path, lung_films: Path, small: Any) -> None:
    before = {path: path.stat().st_mtime_ns for path in once_learned.rglob("*")}
    *plan, took = plan_task(once_learned, "lungs", small(lung_films))
    assert {path: path.stat().st_mtime_ns for path in once_learned.rglob("*")} == before
    assert plan[0].startswith("lungs: a task of ")
    assert "s here, 9 steps about " in took


def test_it_says_from_what_how_and_at_what_cost(lungs: Prepared) -> None:
    where, data, *rest = describe_plan(lungs)
    cost = lungs.beginning.cost
    assert where.endswith("registry, built on facades")
    assert data.startswith("data: masks, 6 train, 2 val, 2 test; ")
    assert data.endswith(" to 1 channels at 32 px")
    assert "network: unet_32 of width 2, batch norm" in rest
    assert any(line.startswith(f"cost: {cost.parameters:,} parameters stored, {cost.share:.1%}") for line in rest)
    assert "learning: supervised, 3 epochs of 3 steps of 2, rate 0.0002, seed 0" in rest
    assert f"note: {lungs.beginning.notes[-1]}" in rest


def test_a_first_task_is_called_so(tmp_path: Path, facade_pairs: Path, small: Any) -> None:
    first = prepare(RunFolder.at(tmp_path / "new"), "facades", small(facade_pairs, size=32))
    assert next(iter(describe_plan(first))).startswith("facades: the first task of ")


def test_a_short_training_of_pictures_is_told_of_the_rate_that_learned_better(
    tmp_path: Path, facade_pairs: Path, small: Any
) -> None:
    def advised(**options: Any) -> bool:
        config = small(facade_pairs, size=32, **options)
        return any(
            "--learning-rate 8e-4" in line for line in describe_plan(prepare(RunFolder.at(tmp_path), "a", config))
        )

    assert advised()
    assert not advised(learning_rate=8e-4)
    assert not advised(epochs=FEW_STEPS)
    assert not advised(objective="supervised")


def test_a_task_that_goes_on_is_told_apart(lungs: Prepared) -> None:
    assert list(describe_plan(replace(lungs, goes_on=True)))[-1] == "it was begun before, and goes on"
    more = list(describe_plan(replace(lungs, goes_on=True, former_epochs=2)))
    assert more[-1] == "it was begun before, and goes on with 3 epochs in place of 2"
