"""One task or ensemble of a registry, made ready to make of pictures what ``piggygan predict`` would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

from piggygan.errors import InputError
from piggygan.files.digests import tensors_digest
from piggygan.prediction.ensemble import Ensemble, Pooled, certificate_of, temperatures_of
from piggygan.prediction.options import PredictionOptions
from piggygan.prediction.predicting import at_trained_size
from piggygan.registry import TaskRegistry

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Contender:
    """Who makes outputs that are scored.

    Attributes:
        task: Name of the task, or of the ensemble.
        registry: Path of its registry.
        certificate: SHA-256 of the task's tensors, as the registry certifies it; of an ensemble that of its members'.
        options: How it predicts; the size is known.
        ensemble: Does it.
    """

    task: str
    registry: str
    certificate: str
    options: PredictionOptions
    ensemble: Ensemble

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
        members = registry.members(task) if task in registry.ensembles else (task,)
        options = at_trained_size(options, registry, members)
        model = registry.load(members, generator, network=network)
        certificate = certificate_of([tensors_digest(model.task_tensors(member)) for member in members])
        ensemble = Ensemble(model, members, options, temperatures_of(registry, members, network))
        return cls(task, str(registry.folder), certificate, options, ensemble)

    def judged(self, picture: Float[Tensor, "channels rows columns"], aspect: float = 1.0) -> Pooled:
        """Translate a picture, bring what is made back to its rows and columns, and say how sure to be of it.

        Args:
            picture: In [-1, 1].
            aspect: Height of one of its pixels, its width being 1.

        Raises:
            InputError: If it has another number of channels than the task takes, or the output is not finite.
        """
        rows, columns = picture.shape[-2:]
        placement = self.ensemble.placement(rows, columns, aspect)
        (made,) = self.ensemble([placement.place(picture)])
        if not bool(made.output.isfinite().all()):  # a mask of it would look as if nothing was found
            raise InputError("the network gave values that are no numbers: nothing can be made of them.")
        probability = None if made.probability is None else placement.take_back(made.probability)
        return made._replace(output=placement.take_back(made.output), probability=probability)
