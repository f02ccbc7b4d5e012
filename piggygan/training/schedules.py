"""How the learning rate goes over a training."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from piggygan.networks.checks import check_at_least, check_share


def constant_then_linear(epoch: int, epochs: int, decay_from: float) -> float:
    """Return the share of the learning rate that an epoch has.

    It is 1 at first, then falls by equal steps; one epoch more would reach 0 (Zhu et al. 2017, section 4: 100 epochs
    of the one and 100 of the other).

    Args:
        epoch: Counted from 0.
        epochs: All epochs of the training.
        decay_from: Share of the epochs after which the fall begins, 0..1; 1: never.

    Raises:
        ConfigurationError: If an argument is outside its range.

    Example:
        >>> [round(constant_then_linear(epoch, 6, 0.5), 2) for epoch in range(6)]
        [1.0, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    check_at_least(1, epochs=epochs)
    check_share(decay_from=decay_from)
    start = int(decay_from * epochs + 0.5)
    return 1.0 if epoch < start else (epochs - epoch) / (epochs - start + 1)


def make_schedule(optimizer: Optimizer, epochs: int, decay_from: float) -> LambdaLR:
    """Let an optimizer's learning rates follow :func:`constant_then_linear`; step it after each epoch.

    Raises:
        ConfigurationError: If an argument is outside its range.

    Example:
        >>> import torch
        >>> optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        >>> schedule = make_schedule(optimizer, epochs=4, decay_from=0.5)
        >>> rates = []
        >>> for _ in range(4):
        ...     rates.append(round(optimizer.param_groups[0]["lr"], 3))
        ...     optimizer.step()
        ...     schedule.step()
        >>> rates
        [0.1, 0.1, 0.067, 0.033]
    """
    constant_then_linear(0, epochs, decay_from)  # refuses now, not at the first step
    return LambdaLR(optimizer, lambda epoch: constant_then_linear(min(epoch, epochs), epochs, decay_from))
