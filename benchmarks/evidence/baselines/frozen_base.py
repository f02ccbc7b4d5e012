"""The first network stays; a task learns norms, biases and the output layer only."""

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.evidence.baselines.contender import CopyContender
from benchmarks.evidence.baselines.layers import learned_and_statistics, let_move_norms_and_output


class FrozenBase(CopyContender):
    """Everything but norms, biases and the output layer is the first task's."""

    def adapt(self, network: nn.Module) -> nn.Module:
        """Let move what is a task's own."""
        let_move_norms_and_output(network)
        return network

    def own(self, network: nn.Module) -> dict[str, Tensor]:
        """What was let move, and running statistics."""
        return learned_and_statistics(network)
