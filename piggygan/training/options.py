"""What can be chosen about a training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from piggygan.errors import ConfigurationError
from piggygan.networks.checks import check_at_least, check_positive, check_share, check_weight

Precision = Literal["no", "bf16"]
LARGEST_SEED = 2**31 - 1
"""Each process adds its number to the seed, and NumPy takes 32 bits."""


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """How long and how to train. The defaults are those of pix2pix and CycleGAN.

    Raises:
        ConfigurationError: If a value is outside its range.

    Example:
        >>> options = TrainingOptions(epochs=50, learning_rate=8e-4)
        >>> options.betas, options.decay_from
        ((0.5, 0.999), 0.5)
    """

    epochs: int
    """Passes over the data."""
    learning_rate: float = 2e-4
    """Adam's step size at the start."""
    betas: tuple[float, float] = (0.5, 0.999)
    """Adam's momentum terms."""
    decay_from: float = 0.5
    """Share of the epochs after which the learning rate falls linearly towards 0; 1: it never falls."""
    weight_decay: float = 0.0
    """Adam's L2 penalty."""
    mixed_precision: Precision = "no"
    """``"bf16"``: run the networks in bfloat16 where that is safe. Runs are then not bit-identical across machines."""
    seed: int = 0
    """Of all random numbers drawn while training: dropout, shuffling without a generator of its own, augmentation."""
    tolerated_bad_steps: int = 0
    """Batches in a row with a loss or gradient that is not finite, whose steps are left out before giving up."""
    sample_every: int = 1
    """Epochs from one call of ``sample`` to the next."""
    log_path: Path | None = None
    """A file that gets one JSON line an epoch."""
    progress: bool = True
    """Show a progress bar, or a line every 30 seconds where there is no terminal."""

    def __post_init__(self) -> None:
        check_at_least(1, epochs=self.epochs, sample_every=self.sample_every)
        check_at_least(0, tolerated_bad_steps=self.tolerated_bad_steps, seed=self.seed)
        if self.seed > LARGEST_SEED:
            raise ConfigurationError(f"seed is {self.seed}; give one of at most {LARGEST_SEED}.")
        check_positive(learning_rate=self.learning_rate)
        check_share(decay_from=self.decay_from)
        check_weight(weight_decay=self.weight_decay)
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigurationError(f"betas is {self.betas}; give two numbers from 0 to below 1.")
        if self.mixed_precision not in get_args(Precision):
            raise ConfigurationError(
                f"mixed_precision is {self.mixed_precision!r}; choose one of {', '.join(get_args(Precision))}."
            )
