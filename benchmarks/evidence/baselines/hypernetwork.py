"""A small network makes a task's filters from the task's embedding, after an idea of Hyper-LifelongGAN (CVPR 2021).

The paper's code is not public: this is our own form. To each frozen filter of the first task one is added that a
hypernetwork makes, ``scale * V relu(U e)``, with ``e`` the filter's row of the task's embedding. Each task has its own
embedding and its own hypernetworks, one a layer, so nothing is forgotten by construction. One hypernetwork for all
tasks would either be trained on, and forget, or be frozen after the first later task, and leave the others nothing but
an embedding: nothing near the size of the contenders that this one is compared with.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from benchmarks.evidence.baselines.adapters import Adapters
from benchmarks.evidence.baselines.layers import Convolution, filter_axis, filters_of, weight_of


class FilterHypernetwork(nn.Module):
    """Adds to each filter of a convolution one that a two-layer network makes; it starts at nothing.

    Args:
        convolution: Whose filters.
        units: Of the hidden layer, and of a filter's embedding.
        scale: Of what is added.
    """

    def __init__(self, convolution: Convolution, units: int, scale: float = 1.0) -> None:
        super().__init__()
        filters, numbers = filters_of(convolution)
        self._axis = filter_axis(convolution)
        self.scale = scale
        self.embedding = nn.Parameter(torch.randn(filters, units))
        self.hidden = nn.Linear(units, units)
        self.made = nn.Linear(units, numbers, bias=False)
        nn.init.zeros_(self.made.weight)

    def forward(self, weight: Tensor) -> Tensor:
        """Add the made filters."""
        made = self.made(torch.relu(self.hidden(self.embedding)))
        return weight + self.scale * weight_of(made, weight, self._axis)


class Hypernetwork(Adapters):
    """An embedding and a hypernetwork for every frozen convolution."""

    def adapter(self, layer: Convolution, parameters: int, scale: float) -> nn.Module:
        """Let the layer compute with what is made."""
        units = units_of(layer, parameters)
        parametrize.register_parametrization(layer, "weight", FilterHypernetwork(layer, units, scale))
        return layer


def units_of(convolution: Convolution, parameters: int) -> int:
    """Return the most units with which embedding and hypernetwork have no more parameters than that, and 1 at least."""
    filters, numbers = filters_of(convolution)
    half = (filters + numbers + 1) / 2  # units * (filters + units + 1 + numbers) <= parameters
    return max(1, math.floor(math.sqrt(half**2 + parameters) - half))
