"""What changes while training, held in one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from piggygan.training.objectives import Objective
from piggygan.training.options import TrainingOptions
from piggygan.training.schedules import make_schedule


class TrainingState:
    """The networks of an objective, an optimizer and a schedule for each player, and the position.

    With the random states of :mod:`piggygan.training.randomness` this is all that a resumable checkpoint must hold.

    Args:
        objective: Its modules lie on the device they are trained on.
        options: Of the optimizers and schedules.
    """

    def __init__(self, objective: Objective, options: TrainingOptions) -> None:
        self.modules = objective.modules()
        self.players = objective.players()
        self.optimizers = {
            # Fused, because Adam is a good part of a step at batch size 1: on a CPU it takes a fifth of the time.
            player: torch.optim.Adam(
                parameters,
                lr=options.learning_rate,
                betas=options.betas,
                weight_decay=options.weight_decay,
                fused=True,
            )
            for player, parameters in self.players.items()
        }
        self.schedules = {
            player: make_schedule(optimizer, options.epochs, options.decay_from)
            for player, optimizer in self.optimizers.items()
        }
        self.finished_epochs = 0
        self._good = {name: tensor.detach().clone() for name, tensor in self._changing().items()}

    @property
    def learning_rate(self) -> float:
        """Return the present learning rate, which is the same for all players."""
        return float(next(iter(self.schedules.values())).get_last_lr()[0])

    def set_training(self, training: bool) -> None:
        """Put all networks in training or in evaluation mode."""
        for module in self.modules.values():
            module.train(training)

    def finish_epoch(self) -> None:
        """Count an epoch whose tensors are all finite, move the schedules, and keep the networks as they are."""
        for schedule in self.schedules.values():
            schedule.step()
        self.finished_epochs += 1
        with torch.no_grad():
            for name, tensor in self._changing().items():
                self._good[name].copy_(tensor)

    def put_back(self) -> None:
        """Make the networks what they were at the end of the last finished epoch, or at the start."""
        with torch.no_grad():
            for name, tensor in self._changing().items():
                tensor.copy_(self._good[name])

    def not_finite(self) -> list[str]:
        """Name the tensors that hold a NaN or an infinity."""
        return [name for name, tensor in self._changing().items() if not bool(tensor.isfinite().all())]

    def buffers(self) -> list[Tensor]:
        """Return the networks' buffers."""
        return [buffer for module in self.modules.values() for buffer in module.buffers()]

    def _changing(self) -> dict[str, Tensor]:
        """Return what training may change, by name: trained parameters and running statistics."""
        tensors: dict[str, Tensor] = {}
        for role, module in self.modules.items():
            tensors |= {f"{role}.{name}": p for name, p in module.named_parameters() if p.requires_grad}
            tensors |= {f"{role}.{name}": buffer for name, buffer in module.named_buffers()}
        return tensors


@contextmanager
def only_players_learn(objective: Objective) -> Iterator[None]:
    """Turn gradients off for parameters that no player moves: they would pile up unread.

    At the end no parameter holds a gradient any more.
    """
    moved = {id(parameter) for parameters in objective.players().values() for parameter in parameters}
    everything = [p for module in objective.modules().values() for p in module.parameters() if p.requires_grad]
    idle: list[nn.Parameter] = [parameter for parameter in everything if id(parameter) not in moved]
    for parameter in idle:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in idle:
            parameter.requires_grad_(True)
        for parameter in everything:
            parameter.grad = None
