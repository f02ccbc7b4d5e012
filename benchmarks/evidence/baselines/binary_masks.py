"""Binary masks over the first network's weights: Piggyback (Mallya, Davis and Lazebnik, ECCV 2018).

Each weight is kept or set to zero. What is learned is a real number a weight, whose comparison with a threshold is
the mask; gradients pass the comparison as if it were not there. What is stored is a bit a weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from benchmarks.evidence.baselines.contender import CopyContender
from benchmarks.evidence.baselines.layers import (
    convolutions,
    learned_and_statistics,
    let_move_norms_and_output,
)

START, THRESHOLD = 1e-2, 5e-3
"""The paper's: all weights are kept at first."""


class _Above(torch.autograd.Function):
    """1 above the threshold, 0 below, with the gradient of the identity."""

    @staticmethod
    def forward(ctx: Any, real: Tensor) -> Tensor:  # noqa: ARG004
        return (real > THRESHOLD).to(real.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        return gradients[0]


class Mask(nn.Module):
    """Keeps a weight where its real number is above the threshold."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.real = nn.Parameter(torch.full_like(weight, START))

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weights that are kept, and zeros."""
        kept: Tensor = _Above.apply(self.real)  # type: ignore[no-untyped-call]
        return weight * kept


class BinaryMasks(CopyContender):
    """A mask on every convolution but the output layer; norms, biases and the output layer are learned anew."""

    def adapt(self, network: nn.Module) -> nn.Module:
        """Put the masks in place."""
        let_move_norms_and_output(network)
        for convolution in list(convolutions(network).values())[:-1]:
            parametrize.register_parametrization(convolution, "weight", Mask(convolution.weight))
        return network

    def own(self, network: nn.Module) -> dict[str, Tensor]:
        """One bit a weight in place of the real numbers."""
        others = {name: t for name, t in learned_and_statistics(network).items() if not name.endswith(".real")}
        return others | {path: _packed(mask.real > THRESHOLD) for path, mask in _masks(network).items()}

    def restore(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Unpack the bits to real numbers on the right side of the threshold."""
        if task == self.first:
            super().restore(task, tensors)
            return
        network = self.networks[task]
        for name, tensor in learned_and_statistics(network).items():
            if not name.endswith(".real"):
                tensor.copy_(tensors[name])
        for path, mask in _masks(network).items():
            mask.real.data.copy_(_unpacked(tensors[path], mask.real.shape) * START)


def _masks(network: nn.Module) -> dict[str, Mask]:
    return {f"{path}.bits": module for path, module in network.named_modules() if isinstance(module, Mask)}


def _packed(kept: Tensor) -> Tensor:
    return torch.from_numpy(np.packbits(kept.flatten().cpu().numpy()))


def _unpacked(bits: Tensor, shape: torch.Size) -> Tensor:
    return torch.from_numpy(np.unpackbits(bits.cpu().numpy(), count=shape.numel())).reshape(shape)
