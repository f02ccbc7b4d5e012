"""Low-rank adapters: to each frozen convolution a convolution with few filters and a mixture of them is added.

LoRA (Hu et al. 2021) in the form that is used on convolutions and known as LoCon: the first factor has the kernel,
stride and padding of the adapted layer and ``rank`` filters, the second is 1 x 1. On ``Conv2d`` it is what peft
computes; peft has no form for ``ConvTranspose2d``, half of a U-Net, which is adapted here in the same way.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from benchmarks.evidence.baselines.adapters import Adapters
from benchmarks.evidence.baselines.layers import Convolution, filters_of


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


class LowRank(Adapters):
    """A low-rank convolution beside every frozen one."""

    def adapter(self, layer: Convolution, parameters: int, scale: float) -> nn.Module:
        """Put a low-rank convolution beside the layer."""
        return LowRankAdapter(layer, rank_of(layer, parameters), scale)


def rank_of(convolution: Convolution, parameters: int) -> int:
    """Return the largest rank whose two factors have no more parameters than that, and 1 at least."""
    filters, numbers = filters_of(convolution)
    return max(1, parameters // (filters + numbers))
