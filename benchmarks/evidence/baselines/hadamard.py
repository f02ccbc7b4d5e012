"""LoHa (FedPara, Hyeon-Woo et al., ICLR 2022): what is added to the filters is two low-rank products, multiplied.

With the filters of a layer as the rows of a matrix, scale * (A B) * (C D) is added to it, element by element; of rank
r each, the two can together be of rank r squared. On ``Conv2d`` it is what peft computes (without its "effective
convolution"); ``ConvTranspose2d``, which peft does not have, is adapted in the same way.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from benchmarks.evidence.baselines.adapters import Adapters
from benchmarks.evidence.baselines.layers import Convolution, filter_axis, filters_of, weight_of
from benchmarks.evidence.baselines.low_rank import rank_of


class HadamardProduct(nn.Module):
    """Adds two low-rank products, multiplied, to the weight of a convolution; it starts at nothing.

    Args:
        convolution: Whose weight.
        rank: Of either product.
        scale: peft's alpha / rank.
    """

    def __init__(self, convolution: Convolution, rank: int, scale: float = 1.0) -> None:
        super().__init__()
        filters, numbers = filters_of(convolution)
        self._axis = filter_axis(convolution)
        self.scale = scale
        self.left = nn.ParameterList([nn.Parameter(torch.empty(filters, rank)) for _ in range(2)])
        self.right = nn.ParameterList([nn.Parameter(torch.empty(rank, numbers)) for _ in range(2)])
        for factor in (*self.left, self.right[0]):
            nn.init.kaiming_uniform_(factor, a=math.sqrt(5))
        nn.init.zeros_(self.right[1])

    def forward(self, weight: Tensor) -> Tensor:
        """Add it."""
        rows = (self.left[0] @ self.right[0]) * (self.left[1] @ self.right[1])
        return weight + self.scale * weight_of(rows, weight, self._axis)


class LoHa(Adapters):
    """Two low-rank products, multiplied, on every frozen convolution."""

    def adapter(self, layer: Convolution, parameters: int, scale: float) -> nn.Module:
        """Let the layer compute with what is added."""
        rank = rank_of(layer, parameters // 2)
        parametrize.register_parametrization(layer, "weight", HadamardProduct(layer, rank, scale))
        return layer
