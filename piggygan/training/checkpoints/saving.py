"""When a running training saves, and how one that was interrupted is taken up again."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from piggygan.errors import ConfigurationError, ResumeError, TrainingDivergedError, TrainingInterruptedError
from piggygan.files.tensors import nonfinite_names
from piggygan.training.checkpoints.folder import CheckpointFolder, Checkpoints
from piggygan.training.checkpoints.recipe import (
    differences,
    frozen_differences,
    schedule_of,
    tasks_of,
    with_schedule_of,
)
from piggygan.training.checkpoints.snapshot import Document, Run, capture, parse, restore
from piggygan.training.guard import Guard
from piggygan.training.scores import as_score
from piggygan.training.signals import Signals

_LOG = logging.getLogger(__name__)


@contextmanager
def saving_of(checkpoints: Checkpoints | None, run: Run, guard: Guard) -> Iterator[Saving | None]:
    """Take a training up from its checkpoints, if it has any, and let signals end it saved; no signal is lost.

    Raises:
        ResumeError, TrainingInterruptedError: See :func:`piggygan.training.train`.
    """
    if checkpoints is None:
        yield None
        return
    with Signals() as signals:
        saving = Saving(checkpoints, run, guard, signals)
        with saving.taken_up():
            yield saving
    saving.end_if_asked()  # by a signal after the last save: with the former handlers back, no other can be missed


class Saving:
    """Saves a training as its checkpoints ask for, and when a signal asks for its end.

    Args:
        checkpoints: Where and when.
        run: What is saved.
        guard: Asked before anything is saved for good.
        signals: That ask for the end.
    """

    def __init__(self, checkpoints: Checkpoints, run: Run, guard: Guard, signals: Signals) -> None:
        self._checkpoints = checkpoints
        self._folder = CheckpointFolder(Path(checkpoints.folder), checkpoints.keep_last)
        self._run = run
        self._guard = guard
        self._signals = signals
        self._saved: tuple[tuple[int, int], Path] | None = None
        self._saved_at, self._saving_took = time.monotonic(), 0.0

    @contextmanager
    def taken_up(self) -> Iterator[None]:
        """Hold the folder, and put the training where its newest whole checkpoint was, if there is one.

        Raises:
            ResumeError: If the folder is in use or cannot be written to, all checkpoints are damaged, or the training
                is another one than theirs.
        """
        with self._folder.locked():
            if found := self._folder.newest_whole("last"):
                checkpoint, raw, tensors = found
                document = parse(raw, checkpoint.position)
                self._check_same(document)
                restore(self._run, document, tensors)
                self._saved = self._run.position, checkpoint.path
                _LOG.info("going on from %s", checkpoint.path)
            yield

    def after_step(self) -> None:
        """Save if it is time, or a signal came.

        Raises:
            ResumeError, TrainingDivergedError, TrainingInterruptedError: See :func:`piggygan.training.train`.
        """
        every = self._checkpoints.every_steps
        is_due = every is not None and self._run.steps.batches % every == 0
        if is_due and self._has_time() and self._signals.received is None:
            self._save()
        self.end_if_asked()

    def after_epoch(self, score: object, is_last: bool) -> None:
        """Save if it is time, or a signal came.

        Args:
            score: Of the epoch; the higher the better. Any real number; None and NaN are no score.
            is_last: Whether the training ends here.

        Raises:
            ConfigurationError: If the score is no number; the epoch is saved.
            ResumeError, TrainingDivergedError, TrainingInterruptedError: See :func:`piggygan.training.train`.
        """
        run = self._run
        try:
            number = as_score(score)
        except ConfigurationError:
            self._save()
            raise
        if number is not None and (run.best is None or number > run.best):
            run.best = number
            # Before the other: if the process dies between them, the epoch and its score come again.
            self._folder.save("best", run.position, *capture(run))
        is_due = run.state.finished_epochs % self._checkpoints.every_epochs == 0
        if (is_last or (is_due and self._has_time())) and self._signals.received is None:
            self._save()
        self.end_if_asked()

    def end_if_asked(self) -> None:
        """End if a signal came, saved; what a checkpoint has already is not saved again.

        Raises:
            ResumeError, TrainingDivergedError, FrozenTensorError: If it cannot be saved.
            TrainingInterruptedError: If a signal came.
        """
        received = self._signals.received
        if received is None:
            return
        self._signals.is_answered = True
        self._guard.check()
        saved_at, path = self._saved or (None, None)
        if saved_at != self._run.position:
            path = self._save()
        epochs, batches = self._run.position
        message = (
            f"{received.name} asked for the end: all is saved after {epochs} epochs and {batches} batches in {path}. "
            f"Start the same again to go on."
        )
        # The error is a program's end, without a traceback: this is what the program's user reads.
        _LOG.warning("%s", message)
        raise TrainingInterruptedError(message, received)

    def _has_time(self) -> bool:
        """Say whether saving now keeps to its share of the time."""
        share = self._checkpoints.share
        return share is None or time.monotonic() - self._saved_at >= self._saving_took / share

    def _save(self) -> Path:
        started = time.monotonic()
        document, tensors = capture(self._run)
        infinite = [f"{part}.{name}" for part in ("network", "good") for name in self._run.state.infinite]
        if names := nonfinite_names(tensors, infinite):
            raise TrainingDivergedError(f"{names[0]} is not finite (of {len(names)} such tensors)")
        path = self._folder.save("last", self._run.position, document, tensors)
        self._saved = self._run.position, path
        self._saved_at = time.monotonic()
        self._saving_took = self._saved_at - started
        return path

    def _check_same(self, document: Document) -> None:
        """Refuse to go on with another training, unless that was asked for."""
        recipe = document.recipe
        if self._follows_another_schedule(document):
            recipe = with_schedule_of(recipe, self._run.recipe)
        other = differences(recipe, self._run.recipe) + frozen_differences(document.frozen, self._run.frozen)
        if not other:
            return
        before, now = tasks_of(recipe), tasks_of(self._run.recipe)
        # The same numbers would be other factors, or factors of other filters.
        shared = before.keys() & now.keys()
        if tasks := differences({name: before[name] for name in shared}, {name: now[name] for name in shared}):
            raise ResumeError(
                f"the checkpoints in {self._folder.path} are of other networks: {'; '.join(tasks[:5])}. Add "
                f"tasks as they were added then, or name another folder to begin anew."
            )
        shown = "; ".join(other[:5]) + (f"; and {len(other) - 5} more" if len(other) > 5 else "")
        if not self._checkpoints.inexact:
            raise ResumeError(
                f"the checkpoints in {self._folder.path} are of another training: {shown}. Start it as it was, name "
                f"another folder to begin anew, or say inexact=True to go on all the same."
            )
        _LOG.warning("going on inexactly: %s.", shown)

    def _follows_another_schedule(self, document: Document) -> bool:
        """Say whether the learning rates of the epochs to come are others than they were to be, and may be.

        Raises:
            ResumeError: If more epochs are learned than are asked for, or learned ones would have had other rates and
                nobody said that this is meant.
        """
        before, now = schedule_of(document.recipe), schedule_of(self._run.recipe)
        if before is None or now is None or before == now or self._checkpoints.inexact:
            return False
        finished, batches = document.position
        if finished > now.epochs or (finished == now.epochs and batches):
            raise ResumeError(
                f"the checkpoints in {self._folder.path} are of {finished} epochs and {batches} batches, more than the "
                f"{now.epochs} epochs that are asked for: ask for at least {finished + bool(batches)}."
            )
        others = [epoch for epoch in range(finished + bool(batches)) if before.rate(epoch) != now.rate(epoch)]
        if not others:
            _LOG.info("going on with %d epochs: those learned have the rates that such a training has.", now.epochs)
            return True
        said = (
            f"of the {finished} epochs learned, those from {others[0] + 1} on had other learning rates than a training "
            f"of {now.epochs} epochs that falls from {now.decay_from:g} gives them (before: {before.epochs}, "
            f"{before.decay_from:g})"
        )
        if not self._checkpoints.reschedule:
            raise ResumeError(
                f"{said}: start it as it was, name another folder to begin anew, or say reschedule=True to go on with "
                f"the new rates from here."
            )
        _LOG.warning("%s: the end is that of no training of %d epochs from the start.", said, now.epochs)
        return True
