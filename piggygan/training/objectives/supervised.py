"""What is learned from a batch: who moves in which order, and by which losses.

An objective knows networks and losses and nothing of optimizers, devices or files; the loop knows those and
nothing of GANs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, get_args, runtime_checkable

import torch
from torch import Tensor, nn

from piggygan.errors import ConfigurationError, InputError
from piggygan.training.numbers import check_positive, check_weight
from piggygan.training.objectives.losses import GanKind, adversarial_loss, l1_loss, soft_dice_loss

if TYPE_CHECKING:
    from jaxtyping import Float


class Batch(Protocol):
    """Pairs to learn from; any named tuple with these fields will do."""

    @property
    def input(self) -> Float[Tensor, "batch in_channels height width"]:
        """What the generator is given, in [-1, 1]."""

    @property
    def target(self) -> Float[Tensor, "batch out_channels height width"]:
        """What it should make of it, in [-1, 1]."""


class Turn(NamedTuple):
    """One player's losses, from which one step of its optimizer follows."""

    player: str
    losses: dict[str, Tensor]
    """Weighted: the player minimizes their sum."""
    output: Tensor | None = None
    """What the player made, without gradients; looked at only to notice when it is the same everywhere."""


class Objective(Protocol):
    """A way to learn from batches."""

    def players(self) -> dict[str, list[nn.Parameter]]:
        """Return whose parameters move: each player has an optimizer of its own."""

    def modules(self) -> dict[str, nn.Module]:
        """Return the networks that take part, as the caller made them."""

    def use(self, prepared: Mapping[str, nn.Module]) -> None:
        """Call these modules from now on: the same networks, made ready for several processes."""

    def play(self, batch: Batch) -> Iterator[Turn]:
        """Give each player its turn; between two turns the caller takes the step of the first."""


@runtime_checkable
class HasSettings(Protocol):
    """An objective that says how it was set: a training goes on only with the same."""

    def settings(self) -> dict[str, Any]:
        """Return what was chosen, by name."""


@runtime_checkable
class HasState(Protocol):
    """An objective that keeps more than its networks from batch to batch, such as a pool of former images."""

    def state(self) -> dict[str, Tensor]:
        """Return all of it, by name; empty tensors where there is nothing yet."""

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Put back what :meth:`state` gave."""


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
        self._likeness = _Likeness(l1_weight, dice_weight)
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
        self._likeness = _Likeness(l1_weight, dice_weight)
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


class _Likeness(NamedTuple):
    """The losses that compare an output with its target, by their weights."""

    l1_weight: float
    dice_weight: float

    def losses(self, output: Tensor, target: Tensor) -> dict[str, Tensor]:
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


def movable(player: str, module: nn.Module, chosen: Iterable[nn.Parameter] | None) -> list[nn.Parameter]:
    """Return the parameters of a player that move: those chosen, or all that require gradients.

    Raises:
        ConfigurationError: If there are none, or some chosen ones are not the module's.
    """
    own = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if chosen is None:
        chosen = own
    parameters = list(chosen)
    if not parameters:
        raise ConfigurationError(f"the {player} has no parameter that may move: is all of it frozen? Add a task.")
    if strangers := len({id(parameter) for parameter in parameters} - {id(parameter) for parameter in own}):
        raise ConfigurationError(
            f"{strangers} of the {len(parameters)} parameters to move are none of the {player}'s that require "
            f"gradients: were they taken from another copy of it, or frozen since?"
        )
    return parameters


@contextmanager
def without_gradients(module: nn.Module) -> Iterator[None]:
    """Let gradients flow through a module but not into its parameters."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
