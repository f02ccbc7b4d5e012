"""One batch: each player's turn, and the step that follows from it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.nn.utils import get_total_norm

from piggygan.errors import ConfigurationError, TrainingDivergedError
from piggygan.training.objectives.protocol import Batch, Objective, Turn
from piggygan.training.options import TrainingOptions
from piggygan.training.processes import Processes
from piggygan.training.reach import Reach
from piggygan.training.state import TrainingState
from piggygan.training.watch import Watch, WatchState


@dataclass(frozen=True)
class StepsAccount:
    """What :class:`Steps` has counted: in this epoch, and in a row."""

    batches: int
    skipped: int
    sums: dict[str, float]
    counts: dict[str, int]
    still: tuple[str, ...]
    bad_in_a_row: int
    watched: WatchState

    def __post_init__(self) -> None:
        watched = (*self.watched.in_a_row.values(), *self.watched.steps.values())
        if min(self.batches, self.skipped, self.bad_in_a_row, *self.counts.values(), *watched) < 0:
            raise ValueError("a count is below 0")
        if self.sums.keys() != self.counts.keys() or 0 in self.counts.values():
            raise ValueError("sums and counts are not of the same losses")


class Steps:
    """Takes the steps of a training, leaves out those that are not finite, and keeps account of both.

    Args:
        objective: What is learned from a batch.
        state: Networks and optimizers.
        processes: Where it runs.
        options: Precision, and how many bad batches in a row are let pass.
    """

    def __init__(
        self, objective: Objective, state: TrainingState, processes: Processes, options: TrainingOptions
    ) -> None:
        self._objective = objective
        self._state = state
        self._processes = processes
        self._tolerated = options.tolerated_bad_steps
        self._bfloat16 = options.mixed_precision == "bf16"
        self._bad_in_a_row = 0
        self.is_within_one = False
        """Whether a step is under way, or was broken off: what players have learned is then not that of whole steps."""
        self._watch = Watch()
        self.reach = Reach(objective, state)
        """Which parameters the losses reach; to be stopped when the training ends."""
        self.start_epoch()

    def start_epoch(self) -> None:
        """Begin the account of an epoch."""
        self.batches = 0
        self.skipped = 0
        self._sums: dict[str, float] = defaultdict(float)
        self._counts: dict[str, int] = defaultdict(int)
        self._still: set[str] = set()  # players that had turns, and of whose steps none was finite yet

    def account(self) -> StepsAccount:
        """Return the account so far."""
        return StepsAccount(
            self.batches,
            self.skipped,
            dict(self._sums),
            dict(self._counts),
            tuple(sorted(self._still)),
            self._bad_in_a_row,
            self._watch.state,
        )

    def go_on_from(self, account: StepsAccount) -> None:
        """Go on with an account as it once was."""
        self.start_epoch()
        self.batches, self.skipped = account.batches, account.skipped
        self._sums.update(account.sums)
        self._counts.update(account.counts)
        self._still = set(account.still)
        self._bad_in_a_row = account.bad_in_a_row
        self._watch = Watch(account.watched)

    def mean_losses(self) -> dict[str, float]:
        """Return the epoch's mean losses by ``player.loss``, over the steps that were taken."""
        return {name: total / self._counts[name] for name, total in self._sums.items()}

    def learn(self, batch: Batch) -> None:
        """Let each player move once.

        Raises:
            TrainingDivergedError: If too many batches in a row had a loss or gradient that is not finite.
            ConfigurationError: If a player's losses do not depend on its parameters, or on some of them.
        """
        self.is_within_one = True
        self.batches += 1
        is_good = True
        for turn in self._turns(batch):
            values, spread = self._gradients(turn)
            bad = next((f"{name} is {value}" for name, value in values.items() if not math.isfinite(value)), None)
            if bad is None:
                self._state.optimizers[turn.player].step()
                self._still.discard(turn.player)
                self._count(turn, values)
                self._look_at(turn, values, spread)
            else:
                self.skipped += 1
                is_good = False
                if not any(name.startswith(f"{turn.player}.") for name in self._counts):
                    self._still.add(turn.player)
                self._refuse_if_too_many(bad)
        self._bad_in_a_row = 0 if is_good else self._bad_in_a_row + 1
        self.is_within_one = False

    def refuse_what_is_not_finite(self) -> None:
        """Check every tensor that training may have changed.

        Raises:
            TrainingDivergedError: If one holds a NaN or an infinity.
        """
        if names := self._state.not_finite():
            raise TrainingDivergedError(f"{names[0]} is not finite (of {len(names)} such tensors)")

    def refuse_players_that_stood_still(self) -> None:
        """Check that each player that had a turn in this epoch took a step; one may have a schedule of its own.

        Raises:
            TrainingDivergedError: If none of a player's steps was finite.
        """
        if self._still:
            raise TrainingDivergedError(f"no step of {', '.join(sorted(self._still))} was finite")

    def _turns(self, batch: Batch) -> Iterator[Turn]:
        turns = self._objective.play(batch)
        while True:
            with torch.autocast(self._processes.device.type, torch.bfloat16, enabled=self._bfloat16):
                turn = next(turns, None)
            if turn is None:
                return
            yield turn

    def _gradients(self, turn: Turn) -> tuple[dict[str, float], float | None]:
        """Compute a player's gradients.

        Returns:
            Its losses and the gradients' norm; the difference of the output's largest and smallest value. All are
            means over all processes.
        """
        optimizer = self._state.optimizers[turn.player]
        optimizer.zero_grad(set_to_none=True)
        total = torch.stack(list(turn.losses.values())).sum()
        if total.requires_grad:
            self._processes.backward(total)
        gradients = [p.grad for p in self._state.players[turn.player] if p.grad is not None]
        if not gradients:
            raise ConfigurationError(
                f"the losses of {turn.player!r} ({', '.join(turn.losses)}) do not depend on its parameters: "
                f"does the generator run the task whose parameters it was given?"
            )
        self.reach.look(turn.player)
        measured = [loss.detach() for loss in turn.losses.values()] + [get_total_norm(gradients)]
        if turn.output is not None:
            measured.append((turn.output.amax() - turn.output.amin()).to(measured[0].dtype))
        # The one place of a turn where the processor waits for the device.
        numbers = self._processes.mean(torch.stack(measured)).tolist()
        spread = numbers.pop() if turn.output is not None else None
        names = [*(f"{turn.player}.{loss}" for loss in turn.losses), f"the norm of the gradients of {turn.player!r}"]
        return dict(zip(names, numbers, strict=True)), spread

    def _look_at(self, turn: Turn, values: dict[str, float], spread: float | None) -> None:
        *losses, norm = values.values()
        where = f"epoch {self._state.finished_epochs + 1}, step {self.batches}"
        self._watch.look(where, turn.player, sum(losses), norm, spread)

    def _count(self, turn: Turn, values: dict[str, float]) -> None:
        for loss in turn.losses:
            name = f"{turn.player}.{loss}"
            self._sums[name] += values[name]
            self._counts[name] += 1

    def _refuse_if_too_many(self, bad: str) -> None:
        if self._bad_in_a_row >= self._tolerated:
            many = f", after {self._tolerated} bad steps in a row" if self._tolerated else ""
            raise TrainingDivergedError(f"{bad} at step {self.batches}{many}")
        if names := self._state.not_finite():
            raise TrainingDivergedError(
                f"{bad} at step {self.batches}, and {names[0]} is no longer finite, which skipping cannot mend"
            )
