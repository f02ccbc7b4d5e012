"""DoRA (Liu et al., ICML 2024): low-rank adapters that learn how long a filter is apart from where it points.

A filter is its magnitude, a number, times its direction, (W + scale * BA) / ||W + scale * BA||. As the authors advise
(section 4.3) no gradient passes through the norm. On ``Conv2d`` it is what peft computes; ``ConvTranspose2d``, which
peft does not have, is adapted in the same way.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.evidence.baselines.adapters import Adapters
from benchmarks.evidence.baselines.layers import Convolution, filter_axis, filters_of, rows_of
from benchmarks.evidence.baselines.low_rank import LowRankAdapter, rank_of


class DoraAdapter(LowRankAdapter):
    """A low-rank adapter whose filters have a learned magnitude each; it starts as the layer.

    Args:
        convolution: The layer that is adapted; it stays as it is.
        rank: Filters of the first factor.
        scale: LoRA's alpha / rank.
    """

    def __init__(self, convolution: Convolution, rank: int, scale: float = 1.0) -> None:
        super().__init__(convolution, rank, scale)
        self.magnitude = nn.Parameter(self.norms())

    @torch.no_grad()
    def norms(self) -> Tensor:
        """Return the length of each filter, the low-rank part added."""
        axis = filter_axis(self.convolution)
        added = self.up.weight.flatten(1) @ rows_of(self.down.weight, axis)
        norms: Tensor = torch.linalg.vector_norm(rows_of(self.convolution.weight, axis) + self.scale * added, dim=1)
        return norms

    def forward(self, features: Tensor) -> Tensor:
        """Add both and give every filter its magnitude; the bias stays as it is."""
        shifted = super().forward(features)
        longer = (self.magnitude / self.norms())[:, None, None]
        bias = self.convolution.bias
        if bias is None:
            return longer * shifted
        return longer * (shifted - bias[:, None, None]) + bias[:, None, None]


class Dora(Adapters):
    """A magnitude for every filter and a low-rank convolution beside every frozen one."""

    def adapter(self, layer: Convolution, parameters: int, scale: float) -> nn.Module:
        """Put the magnitudes and a low-rank convolution beside the layer."""
        filters, _ = filters_of(layer)
        return DoraAdapter(layer, rank_of(layer, parameters - filters), scale)
