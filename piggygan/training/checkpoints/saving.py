"""When a running training saves, and how one that was interrupted is taken up again."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from torch import Tensor

from piggygan.errors import ConfigurationError, ResumeError, TrainingDivergedError, TrainingInterruptedError
from piggygan.files.tensors import nonfinite_names, tensors_from_bytes
from piggygan.training.checkpoints.folder import CheckpointFolder, Checkpoints, Kind, to_bytes
from piggygan.training.checkpoints.recipe import (
    PROCESSES,
    differences,
    frozen_differences,
    schedule_of,
    tasks_of,
    with_schedule_of,
)
from piggygan.training.checkpoints.shares import own_share, with_shares
from piggygan.training.checkpoints.snapshot import Document, Run, capture, parse, restore
from piggygan.training.guard import Guard
from piggygan.training.processes import Processes
from piggygan.training.scores import as_score
from piggygan.training.signals import Signals

_LOG = logging.getLogger(__name__)


@contextmanager
def saving_of(checkpoints: Checkpoints | None, run: Run, guard: Guard, processes: Processes) -> Iterator[Saving | None]:
    """Take a training up from its checkpoints, if it has any, and let signals end it saved; no signal is lost.

    Raises:
        ResumeError, TrainingInterruptedError: See :func:`piggygan.training.train`.
    """
    if checkpoints is None:
        yield None
        return
    with Signals() as signals:
        saving = Saving(checkpoints, run, guard, signals, processes)
        with saving.taken_up():
            yield saving
    saving.end_if_asked()  # by a signal after the last save: with the former handlers back, no other can be missed


class Saving:
    """Saves a training as its checkpoints ask for, and when a signal asks for its end.

    Of several processes the main one decides what is saved, and writes it; each gives what it has for itself. A signal
    to any of them ends all.

    Args:
        checkpoints: Where and when.
        run: What is saved.
        guard: Asked before anything is saved for good.
        signals: That ask for the end.
        processes: That train together.
    """

    def __init__(
        self, checkpoints: Checkpoints, run: Run, guard: Guard, signals: Signals, processes: Processes
    ) -> None:
        self._checkpoints = checkpoints
        self._folder = CheckpointFolder(Path(checkpoints.folder), checkpoints.keep_last)
        self._run = run
        self._guard = guard
        self._signals = signals
        self._processes = processes
        self._saved: tuple[tuple[int, int], Path] | None = None
        self._saved_at, self._saving_took = time.monotonic(), 0.0

    @contextmanager
    def taken_up(self) -> Iterator[None]:
        """Hold the folder, and put the training where its newest whole checkpoint was, if there is one.

        Raises:
            ResumeError: If the folder is in use or cannot be written to, all checkpoints are damaged, or the training
                is another one than theirs.
        """
        with self._folder.locked() if self._processes.is_main else nullcontext():
            if found := self._newest():
                path, document, tensors = found
                if self._processes.is_main:
                    self._check_same(document)
                restore(self._run, document, tensors, self._processes.index)
                self._saved = self._run.position, path
                _LOG.info("going on from %s", path)
            yield

    def after_step(self) -> None:
        """Save if it is time, or a signal came.

        Raises:
            ResumeError, TrainingDivergedError, TrainingInterruptedError: See :func:`piggygan.training.train`.
        """
        every = self._checkpoints.every_steps
        if every is not None and self._run.steps.batches % every == 0:
            (is_saved,) = self._decided(self._has_time() and self._signals.received is None)
            if is_saved:
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
        number, problem = None, None
        try:
            number = as_score(score)
        except ConfigurationError as error:
            problem = error
        is_due = is_last or (run.state.finished_epochs % self._checkpoints.every_epochs == 0 and self._has_time())
        is_best, is_saved = self._decided(
            number is not None and (run.best is None or number > run.best),
            problem is not None or (is_due and self._signals.received is None),
        )
        if is_best:
            run.best = number
            # Before the other: if the process dies between them, the epoch and its score come again.
            self._write("best", *self._captured())
        if is_saved:
            self._save()
        if problem is not None:
            raise problem
        self.end_if_asked()

    def end_if_asked(self) -> None:
        """End if a signal came, saved; what a checkpoint has already is not saved again.

        Raises:
            ResumeError, TrainingDivergedError, FrozenTensorError: If it cannot be saved.
            TrainingInterruptedError: If a signal came.
        """
        (number,) = self._processes.highest(self._signals.received or 0)
        if not number:
            return
        received = signal.Signals(number)
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
        if self._processes.is_main:
            # The error is a program's end, without a traceback: this is what the program's user reads.
            _LOG.warning("%s", message)
        raise TrainingInterruptedError(message, received)

    def _newest(self) -> tuple[Path, Document, Mapping[str, Tensor]] | None:
        """Read the newest whole checkpoint, and tell the other processes, whose folder may be on another machine."""
        found = self._folder.newest_whole("last") if self._processes.is_main else None
        if self._processes.count > 1:
            told = self._processes.told(found and (found[0], found[1], to_bytes({}, found[2])))
            found = told and (told[0], told[1], tensors_from_bytes(told[2], told[0].path.name))
        if found is None:
            return None
        checkpoint, document, tensors = found
        return checkpoint.path, parse(document, checkpoint.position), tensors

    def _decided(self, *decisions: bool) -> list[bool]:
        """Return what the main process decides."""
        own = [int(decision and self._processes.is_main) for decision in decisions]
        return [bool(decision) for decision in self._processes.highest(*own)]

    def _has_time(self) -> bool:
        """Say whether saving now keeps to its share of the time."""
        share = self._checkpoints.share
        return share is None or time.monotonic() - self._saved_at >= self._saving_took / share

    def _save(self) -> Path:
        started = time.monotonic()
        document, tensors = self._captured()
        infinite = [f"{part}.{name}" for part in ("network", "good") for name in self._run.state.infinite]
        if names := nonfinite_names(tensors, infinite):
            raise TrainingDivergedError(f"{names[0]} is not finite (of {len(names)} such tensors)")
        path = self._write("last", document, tensors)
        self._saved = self._run.position, path
        self._saved_at = time.monotonic()
        self._saving_took = self._saved_at - started
        return path

    def _captured(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Take out all that the training depends on, in the main process that of all processes."""
        document, tensors = capture(self._run)
        if self._processes.count == 1:
            return document, tensors
        own = own_share(tensors, self._run.state, is_within_epoch=self._run.steps.batches > 0)
        shares = [tensors_from_bytes(data, "a share") for data in self._processes.gathered(to_bytes({}, own))]
        return with_shares(document, tensors, shares)

    def _write(self, kind: Kind, document: dict[str, Any], tensors: Mapping[str, Tensor]) -> Path:
        """Write a checkpoint; no process goes on before it is there."""
        path = Path(self._checkpoints.folder)
        if self._processes.is_main:
            path = self._folder.save(kind, self._run.position, document, tensors)
        self._processes.wait()
        return path

    def _check_same(self, document: Document) -> None:
        """Refuse to go on with another training, unless that was asked for."""
        recipe = {PROCESSES: "1", **document.recipe}  # older checkpoints are of one
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
