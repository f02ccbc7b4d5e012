"""The training loop. It knows epochs, devices and optimizers, and nothing of GANs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import SupportsFloat

import torch
from torch.utils.data import DataLoader

from piggygan.errors import ConfigurationError, DatasetError, TrainingDivergedError
from piggygan.training.checkpoints.folder import Checkpoints, check_resumable
from piggygan.training.checkpoints.recipe import make_recipe
from piggygan.training.checkpoints.saving import Saving, saving_of
from piggygan.training.checkpoints.snapshot import Run
from piggygan.training.guard import Guard, check_frozen_tasks
from piggygan.training.history import EpochRecord, History, append_record, open_log, rewind_log
from piggygan.training.loader import Loader
from piggygan.training.mishaps import explained, is_of_a_worker, memory_errors_explained
from piggygan.training.objectives.protocol import Batch, Objective
from piggygan.training.options import TrainingOptions
from piggygan.training.processes import Processes
from piggygan.training.progress_bar import TrainingProgress
from piggygan.training.random_states import random_numbers_apart
from piggygan.training.state import TrainingState, only_players_learn
from piggygan.training.steps import Steps

EpochCallback = Callable[[EpochRecord], SupportsFloat | None]
SampleCallback = Callable[[int], None]


def train(
    objective: Objective,
    batches: Iterable[Batch],
    options: TrainingOptions,
    *,
    on_epoch: EpochCallback | None = None,
    sample: SampleCallback | None = None,
    checkpoints: Checkpoints | None = None,
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
        on_epoch: Called with each epoch's record, in the main process. It may return a score, the higher the better:
            the checkpoint of the best epoch is kept. Any real number is one, an infinity or a tensor of one element
            too; None and NaN are none.
        sample: Called with the number of epochs done, every ``options.sample_every`` epochs and after the last, in
            the main process: to make pictures, say. Both are called in evaluation mode, without gradients, and may
            draw random numbers without changing the training. A training that was killed and goes on calls them
            again for epochs that no checkpoint knew.
        checkpoints: Where all state is saved. A training that finds checkpoints there goes on from the newest, and
            ends in the same bytes as one that was never interrupted; a finished one returns at once. SIGTERM, SIGINT
            and SIGUSR1 then end it at the next step, saved; a second one ends it at once.

    Returns:
        The mean losses of each epoch.

    Raises:
        DatasetError: If there are no batches, or a loader's worker was lost.
        ConfigurationError: If the log cannot be written to, the loader or several processes do not go with
            checkpoints, a player's losses do not reach its parameters, or never reach some of them in its first steps
            though their layers run (the networks are then put back as below), or ``on_epoch`` returned what is no
            number (the epoch is then saved).
        TrainingDivergedError: If a loss or gradient is not finite more often than ``options`` tolerate. The networks
            are put back to the end of the last good epoch, or to the start.
        TrainingInterruptedError: If a signal asked for the end. Where nobody catches it the program ends with its
            ``exit_code``, and without a traceback.
        ResumeError: If a checkpoint cannot be written, or the training is another one than its checkpoints'.
        FrozenTaskError: If a frozen task is not what it was when it was frozen, before any step is taken.
        FrozenTensorError: If something that no player moves, a frozen task say, has changed meanwhile.
        DeviceMemoryError: If the device has too little memory for a batch.
    """
    processes = Processes(options.seed)
    loader = Loader(batches, processes, options.seed)
    if checkpoints is not None:
        lasting = isinstance(batches, DataLoader) and batches.persistent_workers
        check_resumable(checkpoints, processes.count, lasting)
    if options.log_path is not None and processes.is_main:
        open_log(options.log_path)
    for module in objective.modules().values():
        module.to(processes.device)
    with ExitStack() as stack:
        stack.enter_context(only_players_learn(objective))
        stack.enter_context(_prepared(objective, processes))
        state = TrainingState(objective, options)
        stack.callback(state.set_training, False)
        guard = Guard(state.fixed)
        recipe = make_recipe(objective, batches, loader.count, options, processes.device)
        steps = Steps(objective, state, processes, options)
        stack.callback(steps.reach.stop)
        run = Run(objective, state, steps, loader, recipe, guard.digests)
        saving = stack.enter_context(saving_of(checkpoints, run, guard))
        check_frozen_tasks(objective)
        if options.log_path is not None and run.position != (0, 0):  # a new training leaves what is in it
            rewind_log(options.log_path, state.finished_epochs)
        progress = TrainingProgress(options.epochs, loader.count, options.progress and processes.is_main)
        stack.enter_context(progress)
        progress.start_at(state.finished_epochs * (loader.count or 0) + steps.batches)
        while state.finished_epochs < options.epochs:
            progress.start_epoch(state.finished_epochs + 1)
            with _put_back_if_refused(state), explained(objective, state.finished_epochs + 1):
                _train_epoch(run, processes, progress, saving, options.epochs)
            score: SupportsFloat | None = None
            if processes.is_main:
                score = _report(run.history.epochs[-1], options, on_epoch, sample)
            processes.wait()
            is_last = state.finished_epochs == options.epochs
            if is_last:
                guard.check()
            if saving is not None:
                saving.after_epoch(score, is_last)
    return run.history


def _train_epoch(
    run: Run, processes: Processes, progress: TrainingProgress, saving: Saving | None, epochs: int
) -> None:
    """Take what steps are left of an epoch, and note it in the history."""
    state, steps = run.state, run.steps
    epoch, learning_rate = state.finished_epochs + 1, state.learning_rate
    started = time.perf_counter() - run.seconds
    state.set_training(True)
    with _ended_with_its_workers(steps, saving):
        for batch in run.loader.epoch(state.finished_epochs, steps.batches):
            with memory_errors_explained(batch):
                steps.learn(batch)
            progress.advance(steps.mean_losses())
            run.seconds = time.perf_counter() - started
            if saving is not None:
                saving.after_step()
    if not steps.batches:
        raise DatasetError(f"there was no batch in epoch {epoch}: give a DataLoader, or a list of batches.")
    steps.refuse_what_is_not_finite()
    steps.refuse_players_that_stood_still()
    if epoch == epochs:
        steps.reach.look_at_the_end()
    processes.share(state.buffers())
    state.finish_epoch()
    state.set_training(False)
    seconds = time.perf_counter() - started
    run.history.epochs.append(EpochRecord(epoch, steps.mean_losses(), learning_rate, seconds, steps.skipped))
    run.seconds = 0.0
    steps.start_epoch()


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


def _report(
    record: EpochRecord, options: TrainingOptions, on_epoch: EpochCallback | None, sample: SampleCallback | None
) -> SupportsFloat | None:
    """Tell everyone of an epoch; return its score, if it was given one."""
    if options.log_path is not None:
        append_record(options.log_path, record)
    score: SupportsFloat | None = None
    with torch.no_grad(), random_numbers_apart():
        if on_epoch is not None:
            score = on_epoch(record)
        if sample is not None and (record.epoch % options.sample_every == 0 or record.epoch == options.epochs):
            sample(record.epoch)
    return score


@contextmanager
def _prepared(objective: Objective, processes: Processes) -> Iterator[None]:
    """Let an objective call networks that exchange their gradients between processes."""
    own = objective.modules()
    objective.use(dict(zip(own, (processes.prepare_module(module) for module in own.values()), strict=True)))
    try:
        yield
    finally:
        objective.use(own)
