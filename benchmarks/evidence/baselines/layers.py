"""What the adapters have in common: which modules they replace, and what each task keeps for itself in all of them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

Convolution = nn.Conv2d | nn.ConvTranspose2d
CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
NORMS = (nn.BatchNorm2d, nn.InstanceNorm2d)


def convolutions(network: nn.Module) -> dict[str, Convolution]:
    """Return every convolution by its path, in the order of registration; the last one makes the output."""
    return {path: module for path, module in network.named_modules() if isinstance(module, CONVOLUTIONS)}


def let_move_norms_and_output(network: nn.Module) -> None:
    """Freeze a network but for norms, biases and the output layer: what every adapter here learns anew for a task."""
    network.requires_grad_(False)
    for module in network.modules():
        if isinstance(module, NORMS):
            module.requires_grad_(True)
        elif isinstance(module, CONVOLUTIONS) and module.bias is not None:
            module.bias.requires_grad_(True)
    list(convolutions(network).values())[-1].requires_grad_(True)


def replace_convolutions(network: nn.Module, make: Callable[[str, Convolution], nn.Module]) -> None:
    """Put something in the place of every convolution but the one that makes the output."""
    for path, convolution in list(convolutions(network).items())[:-1]:
        network.set_submodule(path, make(path, convolution))


def learned_and_statistics(network: nn.Module) -> dict[str, Tensor]:
    """Return what moves in a network, and the running statistics of its norms."""
    found: dict[str, Tensor] = {name: p.data for name, p in network.named_parameters() if p.requires_grad}
    return found | {name: buffer for name, buffer in network.named_buffers() if torch.is_tensor(buffer)}


def filter_axis(convolution: Convolution) -> int:
    """Return along which axis of its weight a convolution's filters are."""
    return 1 if isinstance(convolution, nn.ConvTranspose2d) else 0


def filters_of(convolution: Convolution) -> tuple[int, int]:
    """Return how many filters a convolution has, and how many numbers each of them."""
    filters = convolution.weight.shape[filter_axis(convolution)]
    return filters, convolution.weight.numel() // filters


def rows_of(weight: Tensor, axis: int) -> Tensor:
    """Return the filters along an axis of a weight as the rows of a matrix: ``(filters, numbers)``."""
    return weight.movedim(axis, 0).flatten(1)


def weight_of(rows: Tensor, like: Tensor, axis: int) -> Tensor:
    """Return the rows of a matrix as a weight with its filters along an axis: the way back from :func:`rows_of`."""
    return rows.reshape(like.movedim(axis, 0).shape).movedim(0, axis)
