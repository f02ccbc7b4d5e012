"""Checks of the numbers that training is given."""

from __future__ import annotations

import math

from piggygan.errors import ConfigurationError


def check_weight(**weights: float) -> None:
    """Refuse numbers that are negative or not finite.

    Raises:
        ConfigurationError: Naming the argument.
    """
    for name, weight in weights.items():
        if not (math.isfinite(weight) and weight >= 0):
            raise ConfigurationError(f"{name} is {weight}; give a finite number of at least 0.")


def check_positive(**numbers: float) -> None:
    """Refuse numbers that are 0, negative or not finite.

    Raises:
        ConfigurationError: Naming the argument.
    """
    for name, number in numbers.items():
        if not (math.isfinite(number) and number > 0):
            raise ConfigurationError(f"{name} is {number}; give a finite number above 0.")


def check_share(**shares: float) -> None:
    """Refuse numbers outside 0..1.

    Raises:
        ConfigurationError: Naming the argument.
    """
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ConfigurationError(f"{name} is {share}; give a number from 0 to 1.")
