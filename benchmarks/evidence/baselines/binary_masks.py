"""Binary masks over the first network's weights: Piggyback (Mallya, Davis and Lazebnik, ECCV 2018), in two forms.

Each weight is kept or set to zero. What is learned is a real number a weight, whose comparison with a threshold is
the mask; gradients pass the comparison as if it were not there. What is stored is a bit a weight.

``BinaryMasks`` is our variant: it learns norms, biases and the output layer as the adapters do, all at the task's rate.
``PublishedMasks`` is the authors' code (github.com/arunmallya/piggyback): biases stay, norms stay and normalize by the
first task's statistics unless asked for otherwise, the output layer begins afresh, and masks have a learning rate of
their own. Not taken over: the output layer's rate is the task's (theirs was 1e-4 as well), and both rates fall as all
rates here do (theirs to a tenth, half-way).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.utils.data import DataLoader

from benchmarks.evidence.baselines.contender import CopyContender
from benchmarks.evidence.baselines.layers import (
    CONVOLUTIONS,
    NORMS,
    convolutions,
    learned_and_statistics,
    let_move_norms_and_output,
)
from benchmarks.evidence.stored_sizes import NOT_LEARNED
from piggygan.data import Pair
from piggygan.networks import initialize
from piggygan.training import History, Objective, TrainingOptions
from piggygan.training.loop import EpochCallback

START, THRESHOLD = 1e-2, 5e-3
"""The paper's: all weights are kept at first."""
MASK_RATE = 1e-4
"""Adam's step size for the masks in the authors' script."""


class _Above(torch.autograd.Function):
    """1 above the threshold, 0 below, with the gradient of the identity."""

    @staticmethod
    def forward(ctx: Any, real: Tensor) -> Tensor:  # noqa: ARG004
        return (real > THRESHOLD).to(real.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        return gradients[0]


class Mask(nn.Module):
    """Keeps a weight where its real number is above the threshold.

    Attributes:
        real: The real numbers, divided by ``step``.
        step: Adam, whose steps do not depend on the size of gradients, moves the real numbers this many times as far
            as other parameters.
    """

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.real = nn.Parameter(torch.full_like(weight, START))
        self.step = 1.0

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weights that are kept, and zeros."""
        kept: Tensor = _Above.apply(self.step * self.real)  # type: ignore[no-untyped-call]
        return weight * kept

    def kept(self) -> Tensor:
        """Say which weights are kept."""
        return self.step * self.real > THRESHOLD

    def begin(self, step: float) -> None:
        """Keep all weights, and let Adam move the real numbers so many times as far."""
        self.step = step
        self.real.data.fill_(START / step)


class BinaryMasks(CopyContender):
    """A mask on every convolution but the output layer; norms, biases and the output layer are learned anew."""

    def adapt(self, network: nn.Module) -> nn.Module:
        """Put the masks in place."""
        let_move_norms_and_output(network)
        for convolution in list(convolutions(network).values())[:-1]:
            parametrize.register_parametrization(convolution, "weight", Mask(convolution.weight))
        return network

    def beside_masks(self, network: nn.Module) -> dict[str, Tensor]:
        """Name what is kept beside the masks."""
        return {name: t for name, t in learned_and_statistics(network).items() if not name.endswith(".real")}

    def own(self, network: nn.Module) -> dict[str, Tensor]:
        """One bit a weight in place of the real numbers."""
        return self.beside_masks(network) | {path: _packed(mask.kept()) for path, mask in _masks(network).items()}

    def restore(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Unpack the bits to real numbers on the right side of the threshold."""
        if task == self.first:
            super().restore(task, tensors)
            return
        network = self.networks[task]
        for name, tensor in self.beside_masks(network).items():
            tensor.copy_(tensors[name])
        for path, mask in _masks(network).items():
            mask.real.data.copy_(_unpacked(tensors[path], mask.real.shape) * START)


class PublishedMasks(BinaryMasks):
    """The masks of the authors' code.

    Args:
        generator: Of the first task.
        first: The first task's name.
        learn_norms: Their ``--train_bn``: learn the norms' scale and shift, and let their statistics follow the task.
    """

    def __init__(self, generator: nn.Module, first: str, learn_norms: bool = False) -> None:
        super().__init__(generator, first)
        self._learn_norms = learn_norms

    def adapt(self, network: nn.Module) -> nn.Module:
        """Put the masks in place, and begin the output layer afresh."""
        output = list(convolutions(network).values())[-1]
        initialize(output)
        super().adapt(network)
        for path, module in list(network.named_modules()):
            if isinstance(module, CONVOLUTIONS) and module is not output and module.bias is not None:
                module.bias.requires_grad_(False)
            if isinstance(module, NORMS) and not self._learn_norms:
                network.set_submodule(path, AsItIs(module.requires_grad_(False)))
        return network

    def beside_masks(self, network: nn.Module) -> dict[str, Tensor]:
        """The output layer, and the norms with their statistics if they are learned."""
        kept = super().beside_masks(network)
        return kept if self._learn_norms else {n: t for n, t in kept.items() if not n.endswith(NOT_LEARNED)}

    def learn(
        self,
        task: str,
        objective: Objective,
        loader: DataLoader[Pair],
        options: TrainingOptions,
        on_epoch: EpochCallback,
    ) -> History:
        """Learn the masks at their own rate, the rest at the task's."""
        if task != self.first:
            for mask in _masks(self.networks[task]).values():
                mask.begin(MASK_RATE / options.learning_rate)
        return super().learn(task, objective, loader, options, on_epoch)


class AsItIs(nn.Module):
    """A norm that normalizes by its statistics, and does not follow the batches, while others train."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, features: Tensor) -> Tensor:
        """Normalize."""
        output: Tensor = self.norm.eval()(features)
        return output


def _masks(network: nn.Module) -> dict[str, Mask]:
    return {f"{path}.bits": module for path, module in network.named_modules() if isinstance(module, Mask)}


def _packed(kept: Tensor) -> Tensor:
    return torch.from_numpy(np.packbits(kept.flatten().cpu().numpy()))


def _unpacked(bits: Tensor, shape: torch.Size) -> Tensor:
    return torch.from_numpy(np.unpackbits(bits.cpu().numpy(), count=shape.numel())).reshape(shape)
