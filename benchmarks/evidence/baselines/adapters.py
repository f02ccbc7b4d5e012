"""What the adapters have in common: something beside every convolution, of a size that is given layer by layer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

from torch import Tensor, nn

from benchmarks.evidence.baselines.contender import CopyContender
from benchmarks.evidence.baselines.layers import (
    Convolution,
    learned_and_statistics,
    let_move_norms_and_output,
    replace_convolutions,
)


class Adapters(CopyContender):
    """Adapters on every convolution but the output layer; norms, biases and the output layer are learned anew.

    Args:
        generator: Of the first task.
        first: The first task's name.
        layer_parameters: By path, how many parameters an adapter may have at most: what ours stores there.
        scale: What an adapter adds is multiplied by this; LoRA's alpha / rank. Adam moves it so much faster.
    """

    def __init__(
        self, generator: nn.Module, first: str, layer_parameters: Mapping[str, int], scale: float = 1.0
    ) -> None:
        super().__init__(generator, first)
        self._layer_parameters = layer_parameters
        self._scale = scale

    @abstractmethod
    def adapter(self, layer: Convolution, parameters: int, scale: float) -> nn.Module:
        """Return what stands in the place of a frozen layer, with no more parameters of its own than that."""

    def adapt(self, network: nn.Module) -> nn.Module:
        """Put the adapters in place."""
        let_move_norms_and_output(network)
        replace_convolutions(
            network, lambda path, layer: self.adapter(layer, self._layer_parameters[path], self._scale)
        )
        return network

    def own(self, network: nn.Module) -> dict[str, Tensor]:
        """The adapters, norms, biases, output layer and running statistics."""
        return learned_and_statistics(network)
