"""What a plain network is, and how it is wrapped, as a manifest says it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass

from piggygan.model.wrapping import Wrapping

MAX_ARGUMENT = 2048
"""The largest whole number that one of our generators is built with, so that a damaged one cannot exhaust memory."""
MAX_ARGUMENTS = {"depth": 16, "blocks": 256}
"""Likewise of those that say how many layers there are."""

Scalar = str | bool | int | float | None


@dataclass(frozen=True)
class Architecture:
    """What a generator is: one of ours by its class and arguments, or a user's by its layers.

    Attributes:
        class_name: Name of one of our generators, or None.
        arguments: What our generator is made with; empty for a user's.
        layers: One line for each module of a user's generator, see
            :func:`~piggygan.networks.fingerprints.layer_lines`; empty for ours.
    """

    class_name: str | None
    arguments: dict[str, Scalar]
    layers: tuple[str, ...]

    def __post_init__(self) -> None:
        if (self.class_name is None) != bool(self.layers) or (self.class_name is None and self.arguments):
            raise ValueError("there are either a class_name and arguments, or layers")
        for name, value in self.arguments.items():
            most = MAX_ARGUMENTS.get(name, MAX_ARGUMENT)
            if isinstance(value, (int, float)) and not abs(value) <= most:
                raise ValueError(f"{name} is above {most}: no generator is that large")

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that tells this architecture from another."""
        return hashlib.sha256(json.dumps(dataclasses.asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Network:
    """One network of a registry.

    Attributes:
        architecture: What the plain network is, before any task.
        wrapping: How it is wrapped.
    """

    architecture: Architecture
    wrapping: Wrapping
