"""A task's way through the training loop: every option arrives, and the epoch that is kept is the one asked for."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from piggygan.errors import ConfigurationError
from piggygan.files.regular import make_folder
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.training.course import course_of, learn, put_chosen
from piggygan.jobs.training.looking import Looks
from piggygan.jobs.training.preparing import Prepared, prepare
from piggygan.training import EpochRecord, History
from piggygan.training.objectives.supervised import SupervisedObjective


@pytest.fixture
def prepared(tmp_path: Path, lung_films: Path, small: Any) -> Prepared:
    found = prepare(RunFolder.at(tmp_path / "exp"), "lungs", small(lung_films, size=32))
    make_folder(found.files.root)
    return found


def asked(prepared: Prepared, **options: Any) -> Prepared:
    return replace(prepared, config=replace(prepared.config, training=replace(prepared.config.training, **options)))


def test_every_option_arrives_at_the_loop(prepared: Prepared) -> None:
    wanted = {"epochs": 7, "learning_rate": 0.5, "decay_from": 0.25, "seed": 3, "tolerated_bad_steps": 2}
    course = course_of(asked(prepared, precision="bf16", batch_size=4, **wanted))
    assert {name: getattr(course.options, name) for name in wanted} == wanted
    assert (course.options.mixed_precision, course.options.log_path) == ("bf16", prepared.files.log)
    assert isinstance(course.objective, SupervisedObjective)
    assert [batch.input.shape[0] for batch in course.loader] == [4]  # of six; what is left over is left out


def test_what_the_loop_refuses_is_refused_before_anything_is_written(prepared: Prepared) -> None:
    with pytest.raises(ConfigurationError, match="decay_from is 2"):
        course_of(asked(prepared, decay_from=2.0))
    assert not any(prepared.files.root.iterdir())


@pytest.mark.parametrize(("keep", "kept"), [("last", 3), ("best", 2)])
def test_the_epoch_that_was_asked_for_is_kept(
    keep: str, kept: int, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests: list[dict[str, str]] = []

    def looking(_: Looks, record: EpochRecord) -> float | None:
        digests.append(prepared.learner.digests)
        return [0.1, 0.9, 0.2][record.epoch - 1] if keep == "best" else None

    monkeypatch.setattr(Looks, "__call__", looking)
    chosen = asked(prepared, keep=keep)
    course = course_of(chosen)
    history = learn(chosen, course, progress=False)
    assert isinstance(history, History)
    assert put_chosen(chosen, course.objective, history) == kept
    assert chosen.learner.digests == digests[kept - 1]
    assert len({str(found) for found in digests}) == 3


@pytest.mark.parametrize(
    ("device", "there", "told"), [("cpu", True, "true"), ("cpu", False, None), ("auto", True, None)]
)
def test_a_processor_is_taken_though_there_is_a_gpu_only_if_it_was_asked_for(
    device: str, there: bool, told: str | None, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCELERATE_USE_CPU", "")
    monkeypatch.delenv("ACCELERATE_USE_CPU")
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: there)
    found: list[str | None] = []
    monkeypatch.setattr(
        "piggygan.jobs.training.course.train", lambda *_, **__: found.append(os.environ.get("ACCELERATE_USE_CPU"))
    )
    chosen = asked(prepared, device=device)
    learn(chosen, course_of(chosen), progress=False)
    assert found == [told]
