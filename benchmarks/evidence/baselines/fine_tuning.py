"""One network that goes on learning: what a task needs is written over what the former one needed."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from benchmarks.evidence.baselines.contender import Contender


class FineTuning(Contender):
    """Sequential fine-tuning of all parameters."""

    stores_all = True

    def begin(self, task: str) -> None:
        """Start from where the former task ended."""

    def network(self, task: str) -> nn.Module:  # noqa: ARG002
        """Return the network, the same for all tasks."""
        return self.generator

    def stored(self, task: str) -> dict[str, Tensor]:  # noqa: ARG002
        """Return the network; there is only one to keep, that of the last task."""
        return dict(self.generator.state_dict())

    def restore(self, task: str, tensors: Mapping[str, Tensor]) -> None:  # noqa: ARG002
        """Become what the network was after a task."""
        self.generator.load_state_dict(dict(tensors))
