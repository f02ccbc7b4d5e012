"""One epoch: its steps taken, and the networks put back if it came to nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from piggygan.errors import ConfigurationError, DatasetError, TrainingDivergedError
from piggygan.training.checkpoints.saving import Saving
from piggygan.training.history import EpochRecord
from piggygan.training.mishaps import explained, is_of_a_worker, memory_errors_explained
from piggygan.training.session import Session
from piggygan.training.state import TrainingState
from piggygan.training.steps import Steps


def learn_epoch(session: Session) -> EpochRecord:
    """Take what steps are left of an epoch, and note it in the history.

    Raises:
        DatasetError, ConfigurationError, TrainingDivergedError, DeviceMemoryError: As of
            :func:`piggygan.training.train`.
        ResumeError, TrainingInterruptedError: Likewise, from saving between two steps.
    """
    run, state, steps = session.run, session.run.state, session.run.steps
    epoch, learning_rate = state.finished_epochs + 1, state.learning_rate
    session.progress.start_epoch(epoch)
    with _put_back_if_refused(state), explained(run.objective, epoch):
        started = time.perf_counter() - run.seconds
        state.set_training(True)
        _take_steps(session, started)
        if not steps.batches:
            raise DatasetError(f"there was no batch in epoch {epoch}: give a DataLoader, or a list of batches.")
        steps.refuse_what_is_not_finite()
        steps.refuse_players_that_stood_still()
        if epoch == session.options.epochs:
            steps.reach.look_at_the_end()
        session.processes.share(state.buffers())
        state.finish_epoch()
        state.set_training(False)
        seconds = time.perf_counter() - started
        record = EpochRecord(epoch, steps.mean_losses(), learning_rate, seconds, steps.skipped)
        run.history.epochs.append(record)
        run.seconds = 0.0
        steps.start_epoch()
    return record


def _take_steps(session: Session, started: float) -> None:
    run, steps, saving = session.run, session.run.steps, session.saving
    with _ended_with_its_workers(steps, saving if session.processes.count == 1 else None):
        for batch in run.loader.epoch(run.state.finished_epochs, steps.batches):
            with memory_errors_explained(batch):
                steps.learn(batch)
            session.progress.advance(steps.mean_losses())
            run.seconds = time.perf_counter() - started
            if saving is not None:
                saving.after_step()


@contextmanager
def _ended_with_its_workers(steps: Steps, saving: Saving | None) -> Iterator[None]:
    """Save when a worker is lost to the signal that asked this process for the end, too."""
    try:
        yield
    except RuntimeError as error:
        if saving is not None and is_of_a_worker(error) and not steps.is_within_one:
            saving.end_if_asked()
        raise


@contextmanager
def _put_back_if_refused(state: TrainingState) -> Iterator[None]:
    epoch = state.finished_epochs + 1
    try:
        yield
    except ConfigurationError:  # seen only when some player had moved
        state.put_back()
        raise
    except TrainingDivergedError as error:
        state.put_back()
        raise TrainingDivergedError(
            f"training diverged in epoch {epoch}: {error}. {', '.join(state.modules)} are as they were "
            f"{f'after epoch {epoch - 1}' if epoch > 1 else 'at the start'}; lower the learning rate, or look for bad "
            f"values in the data."
        ) from error
