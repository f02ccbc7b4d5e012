"""A generator alone, brought near its targets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import nn

from piggygan.errors import ConfigurationError
from piggygan.networks.checks import check_weight
from piggygan.training.objectives.likeness import Likeness
from piggygan.training.objectives.players import movable
from piggygan.training.objectives.protocol import Batch, Turn


class SupervisedObjective:
    """Bring the output near the target, with no discriminator.

    Args:
        generator: Any module from inputs to outputs.
        generator_parameters: What may move; None: all its parameters that require gradients.
        l1_weight: Weight of the mean absolute difference.
        dice_weight: Weight of the soft Dice loss, for targets that are masks.
        forward_arguments: Given to the generator at each call, such as ``{"task": "lungs"}``.

    Raises:
        ConfigurationError: If a weight is negative or not finite, all are 0, or nothing may move.

    Example:
        >>> import torch
        >>> from piggygan.data import PairBatch
        >>> objective = SupervisedObjective(nn.Conv2d(3, 1, 3, padding=1), l1_weight=1.0, dice_weight=1.0)
        >>> batch = PairBatch(torch.zeros(1, 3, 8, 8), torch.ones(1, 1, 8, 8), ["a"])
        >>> [(turn.player, sorted(turn.losses)) for turn in objective.play(batch)]
        [('generator', ['dice', 'l1'])]
    """

    def __init__(
        self,
        generator: nn.Module,
        *,
        generator_parameters: Iterable[nn.Parameter] | None = None,
        l1_weight: float = 100.0,
        dice_weight: float = 0.0,
        forward_arguments: Mapping[str, Any] | None = None,
    ) -> None:
        check_weight(l1_weight=l1_weight, dice_weight=dice_weight)
        if l1_weight == dice_weight == 0:
            raise ConfigurationError("l1_weight and dice_weight are both 0: nothing is left to learn from.")
        self._generator = self._prepared_generator = generator
        self._parameters = movable("generator", generator, generator_parameters)
        self._likeness = Likeness(l1_weight, dice_weight)
        self._forward_arguments = dict(forward_arguments or {})

    def players(self) -> dict[str, list[nn.Parameter]]:
        """Return the generator's parameters."""
        return {"generator": self._parameters}

    def modules(self) -> dict[str, nn.Module]:
        """Return the generator."""
        return {"generator": self._generator}

    def settings(self) -> dict[str, Any]:
        """Return the weights, and what the generator is called with."""
        return {**self._likeness._asdict(), "forward_arguments": self._forward_arguments}

    def use(self, prepared: Mapping[str, nn.Module]) -> None:
        """Call this generator from now on."""
        self._prepared_generator = prepared["generator"]

    def play(self, batch: Batch) -> Iterator[Turn]:
        """Give the generator its turn.

        Raises:
            InputError: If the output has another shape than the target.
        """
        output = self._prepared_generator(batch.input, **self._forward_arguments)
        yield Turn("generator", self._likeness.losses(output, batch.target), output.detach())
