"""One task of a registry, made ready to make of pictures what ``piggygan predict`` would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

from piggygan.errors import InputError
from piggygan.files.digests import tensors_digest
from piggygan.prediction.options import PredictionOptions
from piggygan.prediction.predicting import at_trained_size
from piggygan.prediction.translator import Translator
from piggygan.registry import TaskRegistry

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Contender:
    """Who makes outputs that are scored.

    Attributes:
        task: Name of the task.
        registry: Path of its registry.
        certificate: SHA-256 of the task's tensors, as the registry certifies it.
        options: How it predicts; the size is known.
        translator: Does it.
    """

    task: str
    registry: str
    certificate: str
    options: PredictionOptions
    translator: Translator

    @classmethod
    def load(
        cls,
        registry: TaskRegistry,
        task: str,
        options: PredictionOptions,
        *,
        generator: nn.Module | None = None,
        network: str | None = None,
    ) -> Contender:
        """Load a task.

        Args:
            registry: Holds it.
            task: Its name.
            options: How to predict; the size is that of the registry where none is given.
            generator: For a generator of one's own, as for :meth:`piggygan.TaskRegistry.load`.
            network: Which of several networks, likewise.

        Raises:
            TaskNotFoundError: If there is no such task.
            RegistryError: If it cannot be loaded.
            ConfigurationError: If the task cannot predict in this way.
        """
        options = at_trained_size(options, registry, task)
        model = registry.load([task], generator, network=network)
        digest = tensors_digest(model.task_tensors(task))
        return cls(task, str(registry.folder), digest, options, Translator(model, task, options))

    def output(
        self, picture: Float[Tensor, "channels rows columns"], aspect: float = 1.0
    ) -> Float[Tensor, "out_channels rows columns"]:
        """Translate a picture and bring the output back to its rows and columns.

        Args:
            picture: In [-1, 1].
            aspect: Height of one of its pixels, its width being 1.

        Raises:
            InputError: If it has another number of channels than the task takes, or the output is not finite.
        """
        rows, columns = picture.shape[-2:]
        placement = self.translator.placement(rows, columns, aspect)
        output = self.translator([placement.place(picture)])[0]
        if not bool(output.isfinite().all()):  # a mask of it would look as if nothing was found
            raise InputError("the network gave values that are no numbers: nothing can be made of them.")
        return placement.take_back(output)
