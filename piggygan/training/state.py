"""What changes while training, held in one place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from piggygan.model.parameter_groups import warn_of_squared_steps
from piggygan.training.guard import split_tensors
from piggygan.training.objectives.protocol import Objective
from piggygan.training.options import TrainingOptions
from piggygan.training.schedules import make_schedule

OptimizerState = dict[int, dict[str, Tensor]]
"""Of one player: Adam's tensors by name, by the number of the parameter."""


class TrainingState:
    """The networks of an objective, an optimizer and a schedule for each player, and the position.

    What else a training depends on is listed in :mod:`piggygan.training.checkpoints.snapshot`.

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
        for optimizer in self.optimizers.values():
            for module in self.modules.values():
                warn_of_squared_steps(optimizer, module)
        self.schedules = {
            player: make_schedule(optimizer, options.epochs, options.decay_from)
            for player, optimizer in self.optimizers.items()
        }
        self.finished_epochs = 0
        self.changing, self.fixed = split_tensors(objective)
        self.good = {name: tensor.detach().clone() for name, tensor in self.changing.items()}
        """The changing tensors as they were at the end of the last good epoch, or at the start."""
        self.infinite = {name for name, tensor in self.changing.items() if _is_infinite_constant(tensor)}
        """Buffers that held infinities from the start, as a mask of attention does."""

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
        self.move_to_epoch(self.finished_epochs + 1)  # not by step(), which complains of a player that had no turn yet
        with torch.no_grad():
            for name, tensor in self.changing.items():
                self.good[name].copy_(tensor)

    def move_to_epoch(self, finished_epochs: int) -> None:
        """Let the schedules, which are functions of the epoch alone, stand where they do after so many epochs."""
        self.finished_epochs = finished_epochs
        for player, optimizer in self.optimizers.items():
            schedule = self.schedules[player]
            rates = [
                base * rate(finished_epochs) for base, rate in zip(schedule.base_lrs, schedule.lr_lambdas, strict=True)
            ]
            position = {"last_epoch": finished_epochs, "_step_count": finished_epochs + 1, "_last_lr": rates}
            schedule.load_state_dict({**schedule.state_dict(), **position})
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate

    def optimizer_tensors(self) -> dict[str, Tensor]:
        """Return the optimizers' states as ``player.number of the parameter.name``."""
        return {
            f"{player}.{number}.{name}": tensor
            for player, optimizer in self.optimizers.items()
            for number, values in optimizer.state_dict()["state"].items()
            for name, tensor in values.items()
        }

    def checked_optimizers(self, tensors: Mapping[str, Tensor]) -> dict[str, OptimizerState]:
        """Read what :meth:`optimizer_tensors` gave; nothing is changed.

        Raises:
            ValueError: If a name is unknown, a tensor does not fit its parameter, or a part is missing.
        """
        states: dict[str, OptimizerState] = {player: {} for player in self.players}
        for key, tensor in tensors.items():
            player, number, name = key.rsplit(".", 2)
            if player not in self.players or number not in map(str, range(len(self.players[player]))):
                raise ValueError(f"the optimizer's {key} belongs to no parameter")
            parameter = self.players[player][int(number)]
            if not _fits(name, tensor, parameter):
                raise ValueError(f"the optimizer's {key} does not fit its parameter")
            if name != "step":  # in the order of the elements that the parameter has in memory
                tensor = torch.empty_like(parameter, requires_grad=False).copy_(tensor)
            states[player].setdefault(int(number), {})[name] = tensor
        if any(len(values) != 3 for state in states.values() for values in state.values()):
            raise ValueError("a part of an optimizer's state is missing")
        return states

    def load_optimizers(self, states: Mapping[str, OptimizerState]) -> None:
        """Put back what :meth:`checked_optimizers` read."""
        for player, optimizer in self.optimizers.items():
            optimizer.load_state_dict({**optimizer.state_dict(), "state": states[player]})

    def put_back(self) -> None:
        """Make the networks what they were at the end of the last finished epoch, or at the start."""
        with torch.no_grad():
            for name, tensor in self.changing.items():
                tensor.copy_(self.good[name])

    def not_finite(self) -> list[str]:
        """Name the tensors that hold a NaN, or an infinity that was not there from the start."""
        bad = [name for name, tensor in self.changing.items() if not bool(tensor.isfinite().all())]
        return [name for name in bad if name not in self.infinite or bool(self.changing[name].isnan().any())]

    def buffers(self) -> list[Tensor]:
        """Return the networks' buffers."""
        return [buffer for module in self.modules.values() for buffer in module.buffers()]


def _is_infinite_constant(tensor: Tensor) -> bool:
    is_learned = isinstance(tensor, nn.Parameter)
    return not is_learned and bool(tensor.isinf().any()) and not bool(tensor.isnan().any())


def _fits(name: str, tensor: Tensor, parameter: Tensor) -> bool:
    """Say whether a tensor can be what Adam keeps of a parameter."""
    if name == "step":
        return tensor.shape == () and tensor.dtype == torch.float32 and tensor.item() >= 1
    is_alike = (tensor.shape, tensor.dtype) == (parameter.shape, parameter.dtype)
    return is_alike and (name == "exp_avg" or (name == "exp_avg_sq" and bool((tensor >= 0).all())))


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
