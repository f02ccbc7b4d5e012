"""Two generators learn from images that nobody paired: there, and back again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from piggygan.errors import ConfigurationError, InputError
from piggygan.files.tensors import part_of
from piggygan.layers.ways.shared_calls import calls_of_one_step
from piggygan.networks.checks import check_weight
from piggygan.training.objectives.image_pool import POOL_SIZE, ImagePool
from piggygan.training.objectives.losses import adversarial_loss, l1_loss
from piggygan.training.objectives.players import movable, without_gradients
from piggygan.training.objectives.protocol import Batch, Turn


class CycleGANObjective:
    """Two generators against two discriminators, on images of two sides that nobody paired.

    Zhu et al. 2017, section 3: ``forward`` makes targets of inputs, ``backward`` inputs of targets, and each way there
    and back has to end where it began.

    As in pytorch-CycleGAN-and-pix2pix both generators move first, in one step, then both discriminators, in one step.
    Adversarial losses are least squares; a discriminator's is halved, and it is shown generated images of former
    steps as well, from a pool.

    Args:
        forward: A module from inputs to targets.
        backward: A module from targets to inputs.
        forward_discriminator: A module from targets, real ones or what ``forward`` made, to scores.
        backward_discriminator: A module from inputs, real ones or what ``backward`` made, to scores.
        generator_parameters: What may move of both generators; None: all of their parameters that require gradients.
        forward_cycle_weight: Of the mean absolute difference of an input and what comes back of it; lambda_A there.
        backward_cycle_weight: The same of a target; lambda_B there.
        identity_weight: How much a generator is to leave alone what is of its output's side already, as a share of
            the cycle's weight on that side. Only where both sides have as many channels; else say 0.
        pool_size: Generated images of former steps that are kept for each discriminator; 0: none.
        instance_noise: Standard deviation of the normal noise that is added to whatever a discriminator is shown, in
            the images' units, [-1, 1]; without it, it tells masks by how sharp they are (Sonderby et al. 2017).
        forward_arguments: Given to both generators at each call, such as ``{"task": "lungs"}``.

    Raises:
        ConfigurationError: If a weight or the noise is negative or not finite, or nothing may move.

    Example:
        >>> import torch
        >>> from piggygan.data import PairBatch
        >>> there, back = nn.Conv2d(3, 1, 3, padding=1), nn.Conv2d(1, 3, 3, padding=1)
        >>> judges = nn.Conv2d(1, 1, 3), nn.Conv2d(3, 1, 3)
        >>> objective = CycleGANObjective(there, back, *judges, identity_weight=0.0)
        >>> batch = PairBatch(torch.zeros(1, 3, 8, 8), torch.ones(1, 1, 8, 8), ["a"])
        >>> [turn.player for turn in objective.play(batch)]
        ['generators', 'discriminators']
    """

    def __init__(
        self,
        forward: nn.Module,
        backward: nn.Module,
        forward_discriminator: nn.Module,
        backward_discriminator: nn.Module,
        *,
        generator_parameters: Iterable[nn.Parameter] | None = None,
        forward_cycle_weight: float = 10.0,
        backward_cycle_weight: float = 10.0,
        identity_weight: float = 0.5,
        pool_size: int = POOL_SIZE,
        instance_noise: float = 0.0,
        forward_arguments: Mapping[str, Any] | None = None,
    ) -> None:
        check_weight(
            forward_cycle_weight=forward_cycle_weight,
            backward_cycle_weight=backward_cycle_weight,
            identity_weight=identity_weight,
            instance_noise=instance_noise,
        )
        self._networks: dict[str, nn.Module] = {
            "forward": forward,
            "backward": backward,
            "forward_discriminator": forward_discriminator,
            "backward_discriminator": backward_discriminator,
        }
        self._prepared: Mapping[str, nn.Module] = self._networks
        generators = nn.ModuleList([forward, backward])
        discriminators = nn.ModuleList([forward_discriminator, backward_discriminator])
        self._players = {
            "generators": movable("generators", generators, generator_parameters),
            "discriminators": movable("discriminators", discriminators, None),
        }
        self._cycle_weights = {"forward": forward_cycle_weight, "backward": backward_cycle_weight}
        self._identity_weight = identity_weight
        # The identity loss has a share of the cycle's weight: without a cycle there is none.
        self._calls = 1 + any(self._cycle_weights.values()) * (1 + bool(identity_weight))
        self._pools = {"forward": ImagePool(pool_size), "backward": ImagePool(pool_size)}
        self._instance_noise = instance_noise
        self._forward_arguments = dict(forward_arguments or {})

    def players(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of the generators and of the discriminators, in the order of their turns."""
        return self._players

    def modules(self) -> dict[str, nn.Module]:
        """Return all four networks."""
        return dict(self._networks)

    def settings(self) -> dict[str, Any]:
        """Return the weights, the size of the pools, and what the generators are called with."""
        return {
            "forward_cycle_weight": self._cycle_weights["forward"],
            "backward_cycle_weight": self._cycle_weights["backward"],
            "identity_weight": self._identity_weight,
            "pool_size": self._pools["forward"].size,
            "instance_noise": self._instance_noise,
            "forward_arguments": self._forward_arguments,
        }

    def state(self) -> dict[str, Tensor]:
        """Return the pools: generated images, which may look like those learned from."""
        return {f"{way}.{place}": image for way, pool in self._pools.items() for place, image in pool.state().items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Put back what :meth:`state` gave."""
        for way, pool in self._pools.items():
            pool.load_state(part_of(state, way))

    def use(self, prepared: Mapping[str, nn.Module]) -> None:
        """Call these networks from now on."""
        self._prepared = prepared

    def play(self, batch: Batch) -> Iterator[Turn]:
        """Give the generators their turn, then the discriminators.

        Args:
            batch: Images of both sides, as many of each; ``input`` and ``target`` need not belong together.

        Raises:
            InputError: If a generator's output has other channels than the side that it should be of.
            ConfigurationError: If the identity loss is asked for where the sides have different channels.
        """
        self._check_sides(batch)
        real = {"forward": batch.target, "backward": batch.input}  # what each generator's outputs should look like
        with calls_of_one_step(self._calls):
            made = {
                "forward": self._translate("forward", batch.input),
                "backward": self._translate("backward", batch.target),
            }
            for way, image in made.items():
                _check_channels(way, image, real[way])
            losses = self._generators_losses(real, made)
        yield Turn("generators", losses, made["forward"].detach())

        losses = {}
        for way, image in made.items():
            discriminator = self._prepared[f"{way}_discriminator"]
            losses[f"{way}_real"] = adversarial_loss(discriminator(self._noisy(real[way])), True, "least_squares") / 2
            shown = self._noisy(self._pools[way].exchange(image))
            losses[f"{way}_fake"] = adversarial_loss(discriminator(shown), False, "least_squares") / 2
        yield Turn("discriminators", losses)

    def _generators_losses(self, real: Mapping[str, Tensor], made: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Compute what both generators minimize together.

        The names are those of equation 3 of Zhu et al.: for an input x, ``forward_cycle`` is |F(G(x)) - x|, for a
        target y, ``forward_identity`` is |G(y) - y| (section 5.2), weighted as that side's cycle.
        """
        losses = {}
        for way, other in (("forward", "backward"), ("backward", "forward")):
            # The network itself, not the prepared one, which would wait for gradients to exchange; there are none.
            discriminator = self._networks[f"{way}_discriminator"]
            with without_gradients(discriminator):
                scores = discriminator(self._noisy(made[way]))
                losses[f"{way}_adversarial"] = adversarial_loss(scores, True, "least_squares")
            if weight := self._cycle_weights[way]:
                back = self._translate(other, made[way])
                losses[f"{way}_cycle"] = weight * l1_loss(back, real[other])
            if weight := self._identity_weight * self._cycle_weights[other]:
                losses[f"{way}_identity"] = weight * l1_loss(self._translate(way, real[way]), real[way])
        return losses

    def _noisy(self, images: Tensor) -> Tensor:
        return images + self._instance_noise * torch.randn_like(images) if self._instance_noise else images

    def _translate(self, way: str, images: Tensor) -> Tensor:
        output: Tensor = self._prepared[way](images, **self._forward_arguments)
        return output

    def _check_sides(self, batch: Batch) -> None:
        channels, target_channels = batch.input.shape[1], batch.target.shape[1]
        if self._identity_weight and channels != target_channels:
            raise ConfigurationError(
                f"identity_weight is {self._identity_weight}, but inputs have {channels} channels and targets "
                f"{target_channels}: the identity loss gives a generator images of its output's side, which it cannot "
                f"take. Say identity_weight=0."
            )


def _check_channels(way: str, made: Tensor, real: Tensor) -> None:
    if made.shape[1] != real.shape[1]:  # subtracting would broadcast one over the other
        raise InputError(
            f"{way} makes images of {made.shape[1]} channels, those of that side have {real.shape[1]}: give the "
            f"generator (or the task) the side's number of channels."
        )
