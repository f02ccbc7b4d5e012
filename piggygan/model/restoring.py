"""Running a model for a look at it, and leaving it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def modes_kept(module: nn.Module) -> Iterator[None]:
    """Give every part its own mode back, training or evaluation: they need not be alike.

    Example:
        >>> network = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2).eval())
        >>> with modes_kept(network):
        ...     _ = network.eval()
        >>> [part.training for part in network]
        [True, False]
    """
    modes = {part: part.training for part in module.modules()}
    try:
        yield
    finally:
        for part, training in modes.items():
            part.training = training


@contextmanager
def tensors_kept(module: nn.Module) -> Iterator[None]:
    """Give a module its own parameters and buffers back, byte for byte: what moved, and what was replaced."""
    places: list[tuple[dict[str, Any], str, Tensor, Tensor]] = [
        (held, name, tensor, tensor.detach().clone())
        for part in module.modules()
        for held in (part._parameters, part._buffers)
        for name, tensor in held.items()
        if tensor is not None
    ]
    try:
        yield
    finally:
        with torch.no_grad():
            for held, name, tensor, before in places:
                tensor.copy_(before)
                held[name] = tensor
