"""How far an output is from its target, by weighted losses."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from piggygan.errors import InputError
from piggygan.training.objectives.losses import l1_loss, soft_dice_loss


class Likeness(NamedTuple):
    """The losses that compare an output with its target, by their weights."""

    l1_weight: float
    dice_weight: float

    def losses(self, output: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Return the losses by name; one whose weight is 0 is not there.

        Raises:
            InputError: If the shapes differ.
        """
        if output.shape != target.shape:  # subtracting would broadcast one over the other
            raise InputError(
                f"the generator's output has shape {tuple(output.shape)}, the target {tuple(target.shape)}: "
                f"give the generator (or the task) the target's number of channels."
            )
        losses = {}
        if self.l1_weight:
            losses["l1"] = self.l1_weight * l1_loss(output, target)
        if self.dice_weight:
            losses["dice"] = self.dice_weight * soft_dice_loss(output, target)
        return losses
