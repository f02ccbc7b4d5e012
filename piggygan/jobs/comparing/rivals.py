"""Other ways to learn a task, as networks that know nothing of earlier ones: what they are to be compared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from piggygan.errors import ConfigurationError
from piggygan.jobs.training.learner import Learner, new_learner
from piggygan.jobs.training.preparing import Prepared
from piggygan.model.generator import MultiTaskGenerator
from piggygan.terminal.guessing import did_you_mean


def fine_tuned(prepared: Prepared) -> Learner:
    """Take the network that the task started as, and let all of it learn: what it did before is given up.

    The first and the last convolution are new where the task takes or makes other channels.

    Raises:
        ConfigurationError: If the task is the first of its registry.
    """
    if prepared.beginning.is_first:
        raise ConfigurationError(nothing_to_fine_tune(prepared.learner.task))
    network, task = prepared.config.network, prepared.learner.task
    models = {
        name: MultiTaskGenerator(
            model.fold_task(task), base_task=task, per_task=network.per_task, shared_frozen=network.shared_frozen
        )
        for name, model in prepared.learner.models.items()
    }
    return Learner(models, task)


def separate(prepared: Prepared) -> Learner:
    """Make a network of the same kind from random numbers: what it costs is a whole network."""
    data = prepared.data
    torch.manual_seed(prepared.config.training.seed)
    return new_learner(prepared.learner.task, data, prepared.config.network)


RIVALS: dict[str, Callable[[Prepared], Learner]] = {"fine-tuning": fine_tuned, "separate": separate}


def nothing_to_fine_tune(task: str) -> str:
    """Say why the first task of a registry cannot be compared with fine-tuning."""
    return (
        f"{task!r} is the first task: there is no earlier network to fine-tune. Compare it with separate, or compare a "
        f"later task."
    )


def check_methods(methods: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of methods, each once.

    Raises:
        ConfigurationError: If one is not known.

    Example:
        >>> check_methods(("separate", "separate"))
        ('separate',)
    """
    for method in methods:
        if method not in RIVALS:
            guess = did_you_mean(method, RIVALS)
            raise ConfigurationError(
                f"nothing is known of a method {method[:80]!r} to compare with: {guess}There are {', '.join(RIVALS)}."
            )
    return tuple(dict.fromkeys(methods))


@dataclass(frozen=True)
class ReadAs(Learner):
    """A network read as if it still did an earlier task, whose outputs may have other channels.

    Attributes:
        channels: Of that task's outputs; of more or fewer channels the mean is taken, and repeated.
        back_channels: Of its inputs, which a second network makes of outputs.
    """

    channels: int
    back_channels: int

    def translate(self, images: Tensor) -> Tensor:
        """Make outputs of that task's channels."""
        return _with_channels(super().translate(images), self.channels)

    def translate_back(self, images: Tensor) -> Tensor:
        """Make inputs of that task's channels."""
        return _with_channels(super().translate_back(images), self.back_channels)


def _with_channels(pictures: Tensor, channels: int) -> Tensor:
    if pictures.shape[1] == channels:
        return pictures
    return pictures.mean(1, keepdim=True).expand(-1, channels, -1, -1)
