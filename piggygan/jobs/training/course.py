"""One task's way through the training loop: what it takes, how it is saved, and which epoch is kept of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch
from torch.utils.data import DataLoader

from piggygan.data.batches import batches
from piggygan.data.pairs import Pair
from piggygan.jobs.folder import TaskFolder
from piggygan.jobs.pages.task_page import write_task_page
from piggygan.jobs.training.learner import make_objective
from piggygan.jobs.training.looking import Looks
from piggygan.jobs.training.preparing import Prepared
from piggygan.training import Checkpoints, History, TrainingOptions, load_best, train
from piggygan.training.checkpoints.folder import CheckpointFolder
from piggygan.training.history import EpochRecord
from piggygan.training.objectives.protocol import Objective

SAVING = 0.01
"""Largest share of the time that checkpoints take; a kill -9 then costs at most a hundred times what one takes."""
_STEPS_BETWEEN = 25


class Course(NamedTuple):
    """What the training loop takes."""

    objective: Objective
    loader: DataLoader[Pair]
    options: TrainingOptions


def course_of(prepared: Prepared) -> Course:
    """Make what the training loop takes, so that whatever it refuses is refused before anything is written."""
    chosen = prepared.config.training
    objective = make_objective(prepared.learner, prepared.config, prepared.data)
    loader = batches(
        prepared.data.train, int(chosen.batch_size or 1), seed=chosen.seed, workers=chosen.workers, drop_last=True
    )
    options = TrainingOptions(
        epochs=int(chosen.epochs or 1),
        learning_rate=float(chosen.learning_rate or 0.0),
        decay_from=chosen.decay_from,
        mixed_precision=chosen.precision,
        seed=chosen.seed,
        tolerated_bad_steps=chosen.tolerated_bad_steps,
        log_path=prepared.files.log,
    )
    return Course(objective, loader, options)


def learn(prepared: Prepared, course: Course, progress: bool, follow: Callable[[], None] = lambda: None) -> History:
    """Train, or go on training; a training that is finished returns at once, with its networks as they were.

    Args:
        prepared: What is learned.
        course: What the loop takes.
        progress: Show a bar.
        follow: Called after each epoch, when all was written down.
    """
    looks = Looks(prepared, lambda: write_task_page(prepared.files))

    def after(record: EpochRecord) -> float | None:
        score = looks(record)
        follow()
        return score

    choose_device(prepared.config.training.device)
    return train(
        course.objective,
        course.loader,
        replace(course.options, progress=progress),
        on_epoch=after,
        # Other options were refused already; that other epochs change the rates is said in the log.
        checkpoints=_checkpoints(prepared.files, reschedule=True),
    )


def _checkpoints(files: TaskFolder, *, reschedule: bool = False) -> Checkpoints:
    return Checkpoints(files.checkpoints, every_steps=_STEPS_BETWEEN, share=SAVING, reschedule=reschedule)


def put_chosen(prepared: Prepared, objective: Objective, history: History) -> int:
    """Put the epoch that is to be kept into the networks; return its number."""
    if prepared.config.training.keep == "last":
        return len(history.epochs)
    checkpoints = _checkpoints(prepared.files)
    load_best(checkpoints, objective)
    (best,) = CheckpointFolder(prepared.files.checkpoints, checkpoints.keep_last).stored("best")
    return best.position[0]


def choose_device(device: str) -> None:
    """Tell accelerate where to train; that has no effect once it has looked."""
    if device == "cpu" and torch.accelerator.is_available():
        os.environ["ACCELERATE_USE_CPU"] = "true"  # the one way to tell accelerate before it looks
