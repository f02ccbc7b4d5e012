"""The training loop. It knows epochs, devices and optimizers, and nothing of GANs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import SupportsFloat

import torch

from piggygan.training.checkpoints.folder import Checkpoints
from piggygan.training.epochs import learn_epoch
from piggygan.training.history import EpochRecord, History, append_record
from piggygan.training.objectives.protocol import Batch, Objective
from piggygan.training.options import TrainingOptions
from piggygan.training.random_states import random_numbers_apart
from piggygan.training.session import session_of

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
        checkpoints: Where all state is saved, by the main process, with what each has for itself. A training that finds
            checkpoints there goes on from the newest, and ends in the same bytes as one that was never interrupted; a
            finished one returns at once. SIGTERM, SIGINT and SIGUSR1 then end it at the next step, saved; a second one
            ends it at once.

    Returns:
        The mean losses of each epoch.

    Raises:
        DatasetError: If there are no batches, or a loader's worker was lost.
        ConfigurationError: If the log cannot be written to, several processes are not alike, the loader does not go
            with checkpoints, a player's losses do not reach its parameters, or never reach some of them in its first
            steps though their layers run (the networks are then put back as below), or ``on_epoch`` returned what is
            no number (the epoch is then saved).
        TrainingDivergedError: If a loss or gradient is not finite more often than ``options`` tolerate. The networks
            are put back to the end of the last good epoch, or to the start.
        TrainingInterruptedError: If a signal asked for the end. Where nobody catches it the program ends with its
            ``exit_code``, and without a traceback.
        ResumeError: If a checkpoint cannot be written, or the training is another one than its checkpoints'.
        FrozenTaskError: If a frozen task is not what it was when it was frozen, before any step is taken.
        FrozenTensorError: If something that no player moves, a frozen task say, has changed meanwhile.
        ProcessLostError: If another of several processes ended or was killed. After an error the processes have parted:
            to train in several again, start the program again.
        DeviceMemoryError: If the device has too little memory for a batch.

    Example:
        >>> from torch import nn
        >>> from piggygan.data import PairBatch
        >>> from piggygan.training import SupervisedObjective
        >>> batch = PairBatch(torch.zeros(2, 3, 8, 8), torch.ones(2, 1, 8, 8), ["a", "b"])
        >>> objective = SupervisedObjective(nn.Conv2d(3, 1, 3, padding=1))
        >>> options = TrainingOptions(epochs=2, learning_rate=0.1, decay_from=1.0, progress=False)
        >>> history = train(objective, [batch] * 5, options)
        >>> first, last = (epoch.losses["generator.l1"] for epoch in history.epochs)
        >>> len(history.epochs), last < first
        (2, True)
    """
    with session_of(objective, batches, options, checkpoints) as session:
        while session.has_epochs_left:
            record = learn_epoch(session)
            score = _told(record, options, on_epoch, sample) if session.processes.is_main else None
            session.end_epoch(score)
        return session.run.history


def _told(
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
