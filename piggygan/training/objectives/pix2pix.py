"""A generator against a discriminator that sees input and output together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

import torch
from torch import nn

from piggygan.errors import ConfigurationError
from piggygan.networks.checks import check_positive, check_weight
from piggygan.training.objectives.likeness import Likeness
from piggygan.training.objectives.losses import GanKind, adversarial_loss
from piggygan.training.objectives.players import movable, without_gradients
from piggygan.training.objectives.protocol import Batch, Turn


class Pix2PixObjective:
    """A generator against a discriminator that sees input and output together (Isola et al. 2017, equation 4).

    The discriminator moves first, on the generator's present output; its loss is halved (section 3.3). Then the
    generator moves, against the discriminator just moved.

    Args:
        generator: Any module from inputs to outputs.
        discriminator: A module from input and output, concatenated along the channels, to scores (logits).
        generator_parameters: What may move of the generator; None: all its parameters that require gradients.
        l1_weight: Weight of the mean absolute difference; lambda in the paper.
        dice_weight: Weight of the soft Dice loss, for targets that are masks.
        adversarial_weight: Weight of the generator's adversarial loss.
        gan: Kind of adversarial loss.
        forward_arguments: Given to the generator at each call, such as ``{"task": "lungs"}``.

    Raises:
        ConfigurationError: If an argument is outside its range, or nothing may move.

    Example:
        >>> from piggygan.data import PairBatch
        >>> objective = Pix2PixObjective(nn.Conv2d(3, 1, 3, padding=1), nn.Conv2d(4, 1, 3))
        >>> batch = PairBatch(torch.zeros(1, 3, 8, 8), torch.ones(1, 1, 8, 8), ["a"])
        >>> [(turn.player, sorted(turn.losses)) for turn in objective.play(batch)]
        [('discriminator', ['fake', 'real']), ('generator', ['adversarial', 'l1'])]
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        *,
        generator_parameters: Iterable[nn.Parameter] | None = None,
        l1_weight: float = 100.0,
        dice_weight: float = 0.0,
        adversarial_weight: float = 1.0,
        gan: GanKind = "vanilla",
        forward_arguments: Mapping[str, Any] | None = None,
    ) -> None:
        check_weight(l1_weight=l1_weight, dice_weight=dice_weight)
        check_positive(adversarial_weight=adversarial_weight)
        if gan not in get_args(GanKind):
            raise ConfigurationError(f"gan is {gan!r}; choose one of {', '.join(get_args(GanKind))}.")
        self._generator = self._prepared_generator = generator
        self._discriminator = self._prepared_discriminator = discriminator
        self._players = {
            "discriminator": movable("discriminator", discriminator, None),
            "generator": movable("generator", generator, generator_parameters),
        }
        self._likeness = Likeness(l1_weight, dice_weight)
        self._adversarial_weight = adversarial_weight
        self._gan = gan
        self._forward_arguments = dict(forward_arguments or {})

    def players(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of both, in the order of their turns."""
        return self._players

    def modules(self) -> dict[str, nn.Module]:
        """Return both networks."""
        return {"generator": self._generator, "discriminator": self._discriminator}

    def settings(self) -> dict[str, Any]:
        """Return the weights, the kind of adversarial loss, and what the generator is called with."""
        return {
            **self._likeness._asdict(),
            "adversarial_weight": self._adversarial_weight,
            "gan": self._gan,
            "forward_arguments": self._forward_arguments,
        }

    def use(self, prepared: Mapping[str, nn.Module]) -> None:
        """Call these networks from now on."""
        self._prepared_generator = prepared["generator"]
        self._prepared_discriminator = prepared["discriminator"]

    def play(self, batch: Batch) -> Iterator[Turn]:
        """Give the discriminator its turn, then the generator.

        Raises:
            InputError: If the output has another shape than the target.
        """
        output = self._prepared_generator(batch.input, **self._forward_arguments)
        likeness = self._likeness.losses(output, batch.target)

        real_scores = self._prepared_discriminator(torch.cat([batch.input, batch.target], dim=1))
        fake_scores = self._prepared_discriminator(torch.cat([batch.input, output.detach()], dim=1))
        yield Turn(
            "discriminator",
            {
                "real": adversarial_loss(real_scores, True, self._gan) / 2,
                "fake": adversarial_loss(fake_scores, False, self._gan) / 2,
            },
        )

        # The network itself, not the prepared one, which would wait for gradients to exchange; there are none.
        with without_gradients(self._discriminator):
            scores = self._discriminator(torch.cat([batch.input, output], dim=1))
        adversarial = self._adversarial_weight * adversarial_loss(scores, True, self._gan)
        yield Turn("generator", {"adversarial": adversarial, **likeness}, output.detach())
