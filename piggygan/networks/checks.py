"""What networks and their training refuse, said before a layer deep inside says it less clearly."""

from __future__ import annotations

import math

from torch import Tensor

from piggygan.errors import ConfigurationError, InputError


def check_at_least(smallest: int, **counts: int) -> None:
    """Refuse counts that are no whole numbers or too small.

    Raises:
        ConfigurationError: Naming the argument.
    """
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int) or count < smallest:
            raise ConfigurationError(f"{name} is {count!r}; give a whole number of at least {smallest}.")


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


def check_images(images: Tensor, *, multiple: int, smallest: int, network: str) -> None:
    """Refuse tensors that are no batch of float images of a size the network can take.

    The channels are left to the first convolution: a task may have others than the generator was built with.

    Args:
        images: Shape ``(batch, channels, height, width)``.
        multiple: Both sides must be divisible by this.
        smallest: Neither side may be below this, in pixels.
        network: How to call the network in the error.

    Raises:
        InputError: Naming what was found and what is needed.
    """
    if images.ndim != 4:
        raise InputError(
            f"{network} takes (batch, channels, height, width), the input has shape {tuple(images.shape)}: "
            f"give a single image a batch axis with image[None]."
        )
    if not images.is_floating_point():
        raise InputError(
            f"{network} takes float images in [-1, 1], the input is {images.dtype}: "
            f"for 0..255 that is images / 127.5 - 1."
        )
    height, width = images.shape[2:]
    if height % multiple or width % multiple:
        raise InputError(
            f"{network} needs sides that are multiples of {multiple} pixels, the input is {height} x {width}: "
            f"resize or pad it."
        )
    if height < smallest or width < smallest:
        raise InputError(
            f"{network} needs sides of at least {smallest} pixels, the input is {height} x {width}: enlarge it."
        )
