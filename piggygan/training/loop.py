"""The training loop. It knows epochs, devices and optimizers, and nothing of GANs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import torch
from torch.utils.data import DataLoader

from piggygan.errors import DatasetError, TrainingDivergedError
from piggygan.training.history import EpochRecord, History, append_record, open_log
from piggygan.training.objectives import Batch, Objective
from piggygan.training.options import TrainingOptions
from piggygan.training.processes import Processes
from piggygan.training.progress import TrainingProgress
from piggygan.training.randomness import random_numbers_apart
from piggygan.training.state import TrainingState, only_players_learn
from piggygan.training.steps import Steps

EpochCallback = Callable[[EpochRecord], None]
SampleCallback = Callable[[int], None]


def train(
    objective: Objective,
    batches: Iterable[Batch],
    options: TrainingOptions,
    *,
    on_epoch: EpochCallback | None = None,
    sample: SampleCallback | None = None,
) -> History:
    """Train the networks of an objective.

    Runs on the device that accelerate finds, and in several processes when started with ``torchrun`` or
    ``accelerate launch``. On a CPU, equal networks, data, options and numbers of threads end in the same bytes.
    The global random states are set from ``options.seed``.

    Args:
        objective: What is learned from a batch. Its networks are moved to the device and changed in place; they are
            in evaluation mode afterwards.
        batches: A DataLoader, or anything else that can be iterated anew each epoch. If it, its dataset or its
            sampler has ``set_epoch``, that is called with 0, 1, 2 ... at each epoch's start. Several processes share
            a DataLoader's batches; of anything else each goes through all.
        options: How long and how.
        on_epoch: Called with each epoch's record, in the main process.
        sample: Called with the number of epochs done, every ``options.sample_every`` epochs and after the last, in
            the main process: to make pictures, say. Both are called in evaluation mode, without gradients, and may
            draw random numbers without changing the training.

    Returns:
        The mean losses of each epoch.

    Raises:
        DatasetError: If there are no batches.
        ConfigurationError: If the log cannot be written to, or a player's losses do not depend on its parameters.
        TrainingDivergedError: If a loss or gradient is not finite more often than ``options`` tolerate. The networks
            are put back to the end of the last good epoch, or to the start.
    """
    steps_an_epoch = _count_batches(batches)
    processes = Processes(options.seed)
    if options.log_path is not None and processes.is_main:
        open_log(options.log_path)
    for module in objective.modules().values():
        module.to(processes.device)
    history = History()
    visible = options.progress and processes.is_main
    with only_players_learn(objective), _prepared(objective, processes):
        state = TrainingState(objective, options)
        steps = Steps(objective, state, processes, options)
        loader = _Loader(batches, processes)
        try:
            with TrainingProgress(options.epochs, steps_an_epoch, visible) as progress:
                while state.finished_epochs < options.epochs:
                    progress.start_epoch(state.finished_epochs + 1)
                    history.epochs.append(_train_epoch(loader, steps, state, processes, progress))
                    if processes.is_main:
                        _report(history.epochs[-1], options, on_epoch, sample)
                    processes.wait()
        finally:
            state.set_training(False)
    return history


def _train_epoch(
    loader: _Loader, steps: Steps, state: TrainingState, processes: Processes, progress: TrainingProgress
) -> EpochRecord:
    epoch = state.finished_epochs + 1
    started, learning_rate = time.perf_counter(), state.learning_rate
    state.set_training(True)
    steps.start_epoch()
    try:
        for batch in loader.epoch(state.finished_epochs):
            steps.learn(batch)
            progress.advance(steps.mean_losses())
        if not steps.batches:
            raise DatasetError(f"there was no batch in epoch {epoch}: give a DataLoader, or a list of batches.")
        steps.refuse_what_is_not_finite()
        steps.refuse_players_that_stood_still()
    except TrainingDivergedError as error:
        state.put_back()
        raise TrainingDivergedError(
            f"training diverged in epoch {epoch}: {error}. {', '.join(state.modules)} are as they were "
            f"{f'after epoch {epoch - 1}' if epoch > 1 else 'at the start'}; lower the learning rate, or look for bad "
            f"values in the data."
        ) from error
    processes.share(state.buffers())
    state.finish_epoch()
    state.set_training(False)
    return EpochRecord(epoch, steps.mean_losses(), learning_rate, time.perf_counter() - started, steps.skipped)


def _report(
    record: EpochRecord, options: TrainingOptions, on_epoch: EpochCallback | None, sample: SampleCallback | None
) -> None:
    if options.log_path is not None:
        append_record(options.log_path, record)
    with torch.no_grad(), random_numbers_apart():
        if on_epoch is not None:
            on_epoch(record)
        if sample is not None and (record.epoch % options.sample_every == 0 or record.epoch == options.epochs):
            sample(record.epoch)


@contextmanager
def _prepared(objective: Objective, processes: Processes) -> Iterator[None]:
    """Let an objective call networks that exchange their gradients between processes."""
    own = objective.modules()
    objective.use(dict(zip(own, (processes.prepare_module(module) for module in own.values()), strict=True)))
    try:
        yield
    finally:
        objective.use(own)


@runtime_checkable
class _KnowsEpoch(Protocol):
    def set_epoch(self, epoch: int) -> None: ...


class _Loader:
    """Gives an epoch's batches, on the device."""

    def __init__(self, batches: Iterable[Batch], processes: Processes) -> None:
        self._processes = processes
        self._batches: Any = batches
        self._told: list[Any] = [batches]
        if isinstance(batches, DataLoader):
            self._told = [batches.dataset, batches.sampler, batches.batch_sampler]
            self._batches = processes.prepare_loader(batches)
            self._told.append(self._batches)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        for part in self._told:
            if isinstance(part, _KnowsEpoch):
                part.set_epoch(epoch)
        for batch in self._batches:
            yield self._processes.to_device(batch)


def _count_batches(batches: Iterable[Batch]) -> int | None:
    try:
        count = len(batches)  # type: ignore[arg-type]
    except TypeError:  # a stream of unknown length
        return None
    if count == 0:
        raise DatasetError("there are no batches to learn from: was every image skipped, or is drop_last too much?")
    return count
