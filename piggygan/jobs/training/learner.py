"""The networks that learn a task: one generator, or one for each direction, new or of a registry."""

from __future__ import annotations

import functools
import itertools
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from piggygan.errors import BankMismatchError, ConfigurationError
from piggygan.files.digests import tensors_digest
from piggygan.files.precision import Precision
from piggygan.jobs.config import MethodConfig, NetworkConfig, TrainConfig
from piggygan.jobs.data import TaskData
from piggygan.jobs.networks import described, is_own, make_discriminator, make_generator
from piggygan.layers.convolutions import PiggybackConvolution
from piggygan.model.generator import MultiTaskGenerator
from piggygan.model.pair import GeneratorPair
from piggygan.registry import TaskRegistry
from piggygan.registry.by_network import Networks
from piggygan.registry.manifest import GENERATOR
from piggygan.training.objectives.cyclegan import CycleGANObjective
from piggygan.training.objectives.pix2pix import Pix2PixObjective
from piggygan.training.objectives.protocol import Objective
from piggygan.training.objectives.supervised import SupervisedObjective

FORWARD, BACKWARD = "forward", "backward"
_USUAL_CHANNELS = (3, 1, 2, 4)


@dataclass(frozen=True)
class Learner:
    """A task in training, in one network or in two.

    Attributes:
        models: By the names that a registry gives them: ``"generator"``, or ``"forward"`` and ``"backward"``.
        task: The task.
    """

    models: dict[str, MultiTaskGenerator]
    task: str

    @property
    def generator(self) -> MultiTaskGenerator:
        """The network from inputs to targets."""
        return self.models.get(GENERATOR) or self.models[FORWARD]

    @property
    def networks(self) -> Networks:
        """What a registry commits."""
        return self.models.get(GENERATOR) or self.models

    @property
    def digests(self) -> dict[str, str]:
        """The digest of the task's tensors in each network."""
        return {name: tensors_digest(model.task_tensors(self.task)) for name, model in self.models.items()}

    def add_task(self, data: TaskData, method: MethodConfig, draws_on: tuple[str, ...], start_from: str | None) -> None:
        """Add the task.

        Raises:
            PiggyganError: As of :meth:`piggygan.MultiTaskGenerator.add_task`.
        """
        takes, makes = _ends(self.generator)
        settings: dict[str, Any] = {
            "in_channels": None if data.in_channels == takes else data.in_channels,
            "out_channels": None if data.out_channels == makes else data.out_channels,
            "unconstrained_fraction": method.unconstrained_fraction,
            "max_bank": method.max_bank,
            "factor_step": method.factor_step,
            "init": method.init,
            "draws_on": draws_on,
            "start_from": start_from,
        }
        if len(self.models) > 1:
            GeneratorPair(self.models[FORWARD], self.models[BACKWARD]).add_task(self.task, **settings)
        else:
            self.generator.add_task(self.task, **settings)

    def freeze_task(self, stored: Precision | None = None) -> None:
        """Make the task immutable, rounded to what it is to be stored in."""
        for model in self.models.values():
            model.freeze_task(self.task, stored=stored)

    @property
    def size(self) -> int:
        """Bytes that the task stores, in all networks."""
        return sum(model.overhead()[self.task].size for model in self.models.values())

    def translate(self, images: Tensor) -> Tensor:
        """Make targets of inputs, on whatever device the network is."""
        output: Tensor = self.generator(images.to(self.device), task=self.task)
        return output

    def translate_back(self, images: Tensor) -> Tensor:
        """Make inputs of targets, with a network that learns both."""
        output: Tensor = self.models[BACKWARD](images.to(self.device), task=self.task)
        return output

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(iter(self.generator.task_tensors(self.task).values())).device

    def to(self, device: torch.device) -> Learner:
        """Move the networks."""
        for model in self.models.values():
            model.to(device)
        return self


def new_learner(task: str, data: TaskData, network: NetworkConfig) -> Learner:
    """Make the networks of a registry's first task.

    Raises:
        ConfigurationError, UnsupportedModuleError: If there is no such network, or it cannot be wrapped.
    """
    ends = data.in_channels, data.out_channels
    names = {GENERATOR: ends} if not data.is_unpaired else {FORWARD: ends, BACKWARD: ends[::-1]}
    made = {name: make_generator(network, *channels) for name, channels in names.items()}
    wrap = functools.partial(
        MultiTaskGenerator, base_task=task, per_task=network.per_task, shared_frozen=network.shared_frozen
    )
    return Learner({name: wrap(generator) for name, generator in made.items()}, task)


def loaded_learner(registry: TaskRegistry, task: str, draws_on: tuple[str, ...], net: str | None) -> Learner:
    """Load what a new task draws on; the task itself is to be added.

    Raises:
        ConfigurationError: If the registry's network is one of the user's own, and none is named.
        RegistryError: If something cannot be loaded.
    """
    given = functools.partial(generator_of_own, registry, net)
    models = {name: registry.load(draws_on, given(name), network=name) for name in registry.networks}
    return Learner(models, task)


def generator_of_own(registry: TaskRegistry, net: str | None, network: str) -> nn.Module | None:
    """Make the generator that a registry cannot build by itself, if it is such a one.

    Raises:
        ConfigurationError: If none is named.
        BankMismatchError: If it is another one.
    """
    if not registry.needs_generator:
        return None
    if not is_own(net):
        raise ConfigurationError(
            f"the network of {registry.folder} is one of your own, which a registry cannot build: name it again, as "
            f"--net module:function."
        )
    # A registry does not say how many channels its first task takes and makes.
    *others, last = itertools.product(_USUAL_CHANNELS, repeat=2)
    for ends in others:
        made = make_generator(NetworkConfig(net), *ends)
        with suppress(BankMismatchError):
            registry.load([registry.tasks[0]], made, network=network)
            return made
    return make_generator(NetworkConfig(net), *last)


def network_of(learner: Learner) -> NetworkConfig:
    """Say what a registry's network is called."""
    return described(learner.generator.fold_task(learner.generator.base_task))


def make_objective(learner: Learner, config: TrainConfig, data: TaskData) -> Objective:
    """Make what a task is learned by, of a settled configuration."""
    chosen, arguments = config.training, {"task": learner.task}
    layers = chosen.discriminator_layers or 3
    parameters = [p for model in learner.models.values() for p in model.task_parameters(learner.task)]
    likeness = {"l1_weight": float(chosen.l1_weight or 0.0), "dice_weight": float(chosen.dice_weight or 0.0)}
    if chosen.objective == "supervised":
        return SupervisedObjective(
            learner.generator, generator_parameters=parameters, forward_arguments=arguments, **likeness
        )
    if chosen.objective == "pix2pix":
        return Pix2PixObjective(
            learner.generator,
            make_discriminator(data.in_channels + data.out_channels, config.network, layers),
            generator_parameters=parameters,
            adversarial_weight=chosen.adversarial_weight,
            gan=chosen.gan,
            forward_arguments=arguments,
            **likeness,
        )
    return CycleGANObjective(
        learner.models[FORWARD],
        learner.models[BACKWARD],
        make_discriminator(data.out_channels, config.network, layers),
        make_discriminator(data.in_channels, config.network, layers),
        generator_parameters=parameters,
        forward_cycle_weight=float(chosen.forward_cycle_weight or 0.0),
        backward_cycle_weight=chosen.cycle_weight,
        identity_weight=float(chosen.identity_weight or 0.0),
        instance_noise=float(chosen.instance_noise or 0.0),
        forward_arguments=arguments,
    )


def _ends(model: MultiTaskGenerator) -> tuple[int, int]:
    """Return how many channels the base task takes and makes."""
    first, last = (model.layers[path] for path in (model.wrapping.input_layer, model.wrapping.output_layer))
    if not (isinstance(first, PiggybackConvolution) and isinstance(last, PiggybackConvolution)):
        raise ConfigurationError("the network neither takes nor makes pictures by a convolution.")
    return int(first.conv.in_channels), int(last.conv.out_channels)
