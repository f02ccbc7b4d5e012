"""Low-rank adapters: to each frozen convolution a convolution with few filters and a mixture of them is added.

LoRA (Hu et al. 2021) in the form that is used on convolutions and known as LoCon: the first factor has the kernel,
stride and padding of the adapted layer and ``rank`` filters, the second is 1 x 1. On ``Conv2d`` it is what peft
computes; peft has no form for ``ConvTranspose2d``, half of a U-Net, which is adapted here in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor, nn

from benchmarks.evidence.baselines.contender import CopyContender
from benchmarks.evidence.baselines.layers import (
    Convolution,
    filters_of,
    learned_and_statistics,
    let_move_norms_and_output,
    replace_convolutions,
)


class LowRankAdapter(nn.Module):
    """A convolution plus ``scale`` times a low-rank one, which starts at nothing.

    Args:
        convolution: The layer that is adapted; it stays as it is.
        rank: Filters of the first factor.
        scale: LoRA's alpha / rank. Adam moves what is added ``scale`` times as far.
    """

    def __init__(self, convolution: Convolution, rank: int, scale: float = 1.0) -> None:
        super().__init__()
        self.convolution = convolution
        self.scale = scale
        kind = type(convolution)
        self.down = kind(
            convolution.in_channels,
            rank,
            convolution.kernel_size,  # type: ignore[arg-type]
            stride=convolution.stride,  # type: ignore[arg-type]
            padding=convolution.padding,  # type: ignore[arg-type]
            bias=False,
        )
        self.up = nn.Conv2d(rank, convolution.out_channels, 1, bias=False)
        nn.init.kaiming_uniform_(self.down.weight, a=math.sqrt(5))
        nn.init.zeros_(self.up.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Add both."""
        output: Tensor = self.convolution(features) + self.scale * self.up(self.down(features))
        return output


class LowRank(CopyContender):
    """Adapters on every convolution but the output layer; norms, biases and the output layer are learned anew.

    Args:
        generator: Of the first task.
        first: The first task's name.
        layer_parameters: By path, how many parameters an adapter may have at most: what ours stores there.
        scale: LoRA's alpha / rank.
    """

    def __init__(
        self, generator: nn.Module, first: str, layer_parameters: Mapping[str, int], scale: float = 1.0
    ) -> None:
        super().__init__(generator, first)
        self._layer_parameters = layer_parameters
        self._scale = scale

    def adapt(self, network: nn.Module) -> nn.Module:
        """Put the adapters in place."""
        let_move_norms_and_output(network)
        replace_convolutions(
            network,
            lambda path, layer: LowRankAdapter(layer, rank_of(layer, self._layer_parameters[path]), self._scale),
        )
        return network

    def own(self, network: nn.Module) -> dict[str, Tensor]:
        """The adapters, norms, biases, output layer and running statistics."""
        return learned_and_statistics(network)


def rank_of(convolution: Convolution, parameters: int) -> int:
    """Return the largest rank whose two factors have no more parameters than that, and 1 at least."""
    filters, numbers = filters_of(convolution)
    return max(1, parameters // (filters + numbers))
