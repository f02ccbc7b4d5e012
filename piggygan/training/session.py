"""Everything of a training that is under way: made ready, taken up where it was, and put in order when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import SupportsFloat

from torch.utils.data import DataLoader

from piggygan.training.checkpoints.folder import Checkpoints, check_resumable
from piggygan.training.checkpoints.recipe import check_alike, make_recipe
from piggygan.training.checkpoints.saving import Saving, saving_of
from piggygan.training.checkpoints.snapshot import Run
from piggygan.training.guard import Guard, check_frozen_tasks
from piggygan.training.history import open_log, rewind_log
from piggygan.training.loader import Loader
from piggygan.training.objectives.protocol import Batch, Objective
from piggygan.training.options import TrainingOptions
from piggygan.training.processes import Processes
from piggygan.training.progress_bar import TrainingProgress
from piggygan.training.state import TrainingState, only_players_learn
from piggygan.training.steps import Steps


@dataclass(frozen=True)
class Session:
    """A training under way, and what goes along with it.

    Attributes:
        run: What is saved of it.
        options: How long and how.
        processes: Where it runs.
        guard: Knows what it must leave as it is.
        saving: Saves it; None: nothing is saved.
        progress: Shows it.
    """

    run: Run
    options: TrainingOptions
    processes: Processes
    guard: Guard
    saving: Saving | None
    progress: TrainingProgress

    @property
    def has_epochs_left(self) -> bool:
        """Whether there is more to learn."""
        return self.run.state.finished_epochs < self.options.epochs

    def end_epoch(self, score: SupportsFloat | None) -> None:
        """Meet the other processes, and save.

        Args:
            score: What the epoch was given, in the main process.

        Raises:
            FrozenTensorError: If it was the last, and something that no player moves has changed.
            ConfigurationError, ResumeError, TrainingDivergedError, TrainingInterruptedError: As of
                :meth:`~piggygan.training.checkpoints.saving.Saving.after_epoch`.
        """
        self.processes.wait()
        if not self.has_epochs_left:
            self.guard.check()
        if self.saving is not None:
            self.saving.after_epoch(score, is_last=not self.has_epochs_left)


@contextmanager
def session_of(
    objective: Objective, batches: Iterable[Batch], options: TrainingOptions, checkpoints: Checkpoints | None
) -> Iterator[Session]:
    """Make a training ready, and leave its networks in evaluation mode, without gradients, at its end.

    Arguments and errors as of :func:`piggygan.training.train`.
    """
    processes = Processes(options.seed)
    with ExitStack() as stack:
        stack.enter_context(processes.together())
        loader = Loader(batches, processes, options.seed)
        if checkpoints is not None:
            lasting = isinstance(batches, DataLoader) and batches.persistent_workers
            check_resumable(checkpoints, has_lasting_workers=lasting)
        if options.log_path is not None and processes.is_main:
            open_log(options.log_path)
        for module in objective.modules().values():
            module.to(processes.device)
        recipe = make_recipe(objective, batches, loader.count, options, processes.device, processes.count)
        check_alike(processes.told(recipe), recipe, processes.index)
        stack.enter_context(only_players_learn(objective))
        stack.enter_context(_prepared(objective, processes))
        state = TrainingState(objective, options)
        stack.callback(state.set_training, False)
        guard = Guard(state.fixed)
        steps = Steps(objective, state, processes, options)
        stack.callback(steps.reach.stop)
        run = Run(objective, state, steps, loader, recipe, guard.digests)
        saving = stack.enter_context(saving_of(checkpoints, run, guard, processes))
        check_frozen_tasks(objective)
        if options.log_path is not None and processes.is_main and run.position != (0, 0):
            rewind_log(options.log_path, state.finished_epochs)  # a new training leaves what is in it
        progress = TrainingProgress(options.epochs, loader.count, options.progress and processes.is_main)
        stack.enter_context(progress)
        progress.start_at(state.finished_epochs * (loader.count or 0) + steps.batches)
        yield Session(run, options, processes, guard, saving, progress)


@contextmanager
def _prepared(objective: Objective, processes: Processes) -> Iterator[None]:
    """Let an objective call networks that exchange their gradients between processes."""
    own = objective.modules()
    objective.use(dict(zip(own, (processes.prepare_module(module) for module in own.values()), strict=True)))
    try:
        yield
    finally:
        objective.use(own)
