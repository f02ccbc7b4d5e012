"""Notices parameters that are to move and that no loss reaches: they would stay as they are, and nobody would know."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from torch import nn
from torch.utils.hooks import RemovableHandle

from piggygan.errors import ConfigurationError
from piggygan.layers.kernels import TaskKernels
from piggygan.training.objectives.protocol import Objective
from piggygan.training.state import TrainingState

FIRST_TURNS = 10
"""Of a player, after which a parameter that never got a gradient is said."""
_MOST_NAMED = 5
_LOG = logging.getLogger(__name__)


@dataclass
class _Missed:
    """Parameters of a player that no loss has reached yet.

    Attributes:
        layers: By each parameter's name, the module that computes with it.
        turns: Looked at so far.
        ran: Modules that ran since they were looked for, in training mode.
        hooks: That note them.
    """

    layers: dict[str, tuple[nn.Parameter, nn.Module]]
    turns: int = 1
    ran: set[int] = field(default_factory=set)
    hooks: list[RemovableHandle] = field(default_factory=list)


class Reach:
    """Looks, in a player's first turns, at which of its parameters get gradients.

    A parameter whose layer ran and that got none in any of these turns is refused: something in between is detached,
    computed without gradients or for another task. Counted are the player's own turns, whenever they come; one gradient
    is enough. A parameter whose layer did not run, which may come later, is named in the log.

    Nothing is watched where the first turn reaches everything, as it nearly always does.

    Args:
        objective: What is learned.
        state: Networks and optimizers; what an optimizer has moved before was reached.
    """

    def __init__(self, objective: Objective, state: TrainingState) -> None:
        self._modules = objective.modules()
        self._state = state
        self._missed: dict[str, _Missed] = {}
        self._seen: set[str] = set()

    def look(self, player: str) -> None:
        """Look at a player's gradients, which were just computed.

        Raises:
            ConfigurationError: If these were the last of its first turns, and a layer that ran was never reached.
        """
        if player not in self._seen:
            self._seen.add(player)
            self._watch(player)
        elif missed := self._missed.get(player):
            missed.turns += 1
            missed.layers = {name: found for name, found in missed.layers.items() if found[0].grad is None}
            if not missed.layers or missed.turns == FIRST_TURNS:
                self._conclude(player)

    def look_at_the_end(self) -> None:
        """Conclude where a training ended before the first turns did.

        Raises:
            ConfigurationError: If a layer that ran was never reached.
        """
        for player in list(self._missed):
            self._conclude(player)
        for player in self._state.players.keys() - self._seen:
            if not self._state.optimizers[player].state:
                _LOG.warning("%r had no turn in this training, and has not moved.", player)

    def stop(self) -> None:
        """Take the watching off the networks."""
        for missed in self._missed.values():
            for hook in missed.hooks:
                hook.remove()
        self._missed.clear()

    def _watch(self, player: str) -> None:
        moved_before = self._state.optimizers[player].state
        unreached = {
            id(parameter)
            for parameter in self._state.players[player]
            if parameter.grad is None and parameter not in moved_before
        }
        if not unreached:
            return
        missed = self._missed[player] = _Missed(
            {name: (parameter, layer) for name, parameter, layer in self._layers() if id(parameter) in unreached}
        )
        for layer in {id(layer): layer for _, layer in missed.layers.values()}.values():
            missed.hooks.append(layer.register_forward_hook(_noting(missed.ran)))

    def _layers(self) -> Iterator[tuple[str, nn.Parameter, nn.Module]]:
        """Give each parameter with the module that computes with it: a layer of tasks does so for what it holds."""
        for role, module in self._modules.items():
            holder, holding = module, None
            for path, part in module.named_modules():
                if holding is None or not path.startswith(holding):
                    holder, holding = part, f"{path}.".lstrip(".") if isinstance(part, TaskKernels) else None
                for name, parameter in part.named_parameters(recurse=False):
                    yield ".".join(filter(None, (role, path, name))), parameter, holder

    def _conclude(self, player: str) -> None:
        missed = self._missed.pop(player)
        for hook in missed.hooks:
            hook.remove()
        refused = [name for name, (_, layer) in missed.layers.items() if id(layer) in missed.ran]
        idle = [name for name, (_, layer) in missed.layers.items() if id(layer) not in missed.ran]
        if refused:
            raise ConfigurationError(
                f"{len(refused)} of the {len(self._state.players[player])} parameters that {player!r} is to move got "
                f"no gradient in its first {missed.turns} steps, though their layers ran: {_listed(refused)}. Is "
                f"something in forward detached, run without gradients, or recomputed for another task (as by "
                f"activation checkpointing with use_reentrant=True)? If it is meant, leave them out of what is to "
                f"move; give a loss that begins later the weight 0 until then."
            )
        if idle:
            _LOG.warning(
                "%d of the %d parameters that %r is to move have not moved: their layers did not run in its first %d "
                "steps (%s).",
                len(idle),
                len(self._state.players[player]),
                player,
                missed.turns,
                _listed(idle),
            )


def _noting(ran: set[int]) -> Callable[..., None]:
    def note(layer: nn.Module, *_: object) -> None:
        if layer.training:  # not when somebody only looks at samples
            ran.add(id(layer))

    return note


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
