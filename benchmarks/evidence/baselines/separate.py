"""A network of its own for each task, learned from scratch: nothing is forgotten and nothing shared."""

from __future__ import annotations

import copy

from torch import Tensor, nn

from benchmarks.evidence.baselines.contender import CopyContender
from piggygan.networks import UNetGenerator, initialize


class Separate(CopyContender):
    """Separate networks of the generator's size."""

    def adapt(self, network: nn.Module) -> nn.Module:
        """Start from scratch."""
        initialize(network)
        return network

    def own(self, network: nn.Module) -> dict[str, Tensor]:
        """Everything."""
        return dict(network.state_dict())


class Thin(CopyContender):
    """Separate networks that are as much thinner as ours is smaller.

    Args:
        generator: Of the first task, which is learned at full width.
        first: The first task's name.
        parameters: Of a later task's network, as nearly as a whole width allows.
    """

    def __init__(self, generator: UNetGenerator, first: str, parameters: int) -> None:
        super().__init__(generator, first)
        arguments = generator.arguments
        self._thin = min(
            (UNetGenerator(**(arguments | {"width": width})) for width in range(1, arguments["width"] + 1)),
            key=lambda network: abs(sum(p.numel() for p in network.parameters()) - parameters),
        )

    def adapt(self, network: nn.Module) -> nn.Module:  # noqa: ARG002
        """Start from scratch, thinner."""
        thin = copy.deepcopy(self._thin)
        initialize(thin)
        return thin

    def own(self, network: nn.Module) -> dict[str, Tensor]:
        """Everything."""
        return dict(network.state_dict())
