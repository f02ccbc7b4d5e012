"""What is given for a registry's networks: one thing for all, or one by the name of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from torch import nn

from piggygan.errors import ConfigurationError, TaskNotFoundError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry.manifest import GENERATOR, Manifest
from piggygan.terminal.guessing import did_you_mean

T = TypeVar("T")
Networks = MultiTaskGenerator | Mapping[str, MultiTaskGenerator]
"""One model, or several by the names of their networks."""
Generators = nn.Module | Mapping[str, nn.Module | None] | None
"""A user's own plain generator, or one for each network by its name."""


def by_network(given: T | Mapping[str, T], networks: Iterable[str] = (GENERATOR,)) -> dict[str, T]:
    """Put what was given for one network, or by the name of each, under the networks' names."""
    if isinstance(given, Mapping):
        return dict(given)
    return dict.fromkeys(networks, given)


def check_everywhere(models: Mapping[str, MultiTaskGenerator], task: str) -> None:
    """Refuse a task that exists in one direction only, and no model at all.

    Raises:
        ConfigurationError: If there is no model.
        TaskNotFoundError: If some have the task and others do not.
    """
    if not models:
        raise ConfigurationError("given is no model: give one, or several by name, as GeneratorPair.networks.")
    without = [network for network, model in models.items() if task not in model.tasks]
    if 0 < len(without) < len(models):
        raise TaskNotFoundError(
            f"task {task!r} is missing in {', '.join(without)}: a task is committed in all networks or in none; add it "
            f"with GeneratorPair.add_task, or keep {', '.join(models.keys() - set(without))} in a registry of its own."
        )


def chosen_network(manifest: Manifest, network: str | None) -> str:
    """Return the network that is meant; one that is the only one need not be named."""
    if network is None and len(manifest.networks) == 1:
        return next(iter(manifest.networks))
    if network is None or network not in manifest.networks:
        guess = "" if network is None else did_you_mean(network, manifest.networks)
        raise ConfigurationError(
            f"network is {network!r}; {guess}{'This' if guess else 'this'} registry holds "
            f"{', '.join(manifest.networks)}: name one of them."
        )
    return network
