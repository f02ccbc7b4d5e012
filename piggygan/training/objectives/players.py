"""Whose parameters move in a turn, and whose do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import nn

from piggygan.errors import ConfigurationError


def movable(player: str, module: nn.Module, chosen: Iterable[nn.Parameter] | None) -> list[nn.Parameter]:
    """Return the parameters of a player that move: those chosen, or all that require gradients.

    Raises:
        ConfigurationError: If there are none, or some chosen ones are not the module's.
    """
    own = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if chosen is None:
        chosen = own
    parameters = list(chosen)
    if not parameters:
        raise ConfigurationError(f"the {player} has no parameter that may move: is all of it frozen? Add a task.")
    if strangers := len({id(parameter) for parameter in parameters} - {id(parameter) for parameter in own}):
        raise ConfigurationError(
            f"{strangers} of the {len(parameters)} parameters to move are none of the {player}'s that require "
            f"gradients: were they taken from another copy of it, or frozen since?"
        )
    return parameters


@contextmanager
def without_gradients(module: nn.Module) -> Iterator[None]:
    """Let gradients flow through a module but not into its parameters."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
