"""What predicts, loaded from a registry: the same wherever it is computed, which its certificate says."""

from __future__ import annotations

from typing import NamedTuple

from torch import nn

from piggygan.files.digests import tensors_digest
from piggygan.prediction.ensemble import Ensemble, certificate_of, temperatures_of
from piggygan.prediction.likeness import Likeness
from piggygan.prediction.options import PredictionOptions
from piggygan.prediction.running import Network
from piggygan.registry import TaskRegistry


class Loaded(NamedTuple):
    """A task, or the members of an ensemble.

    Attributes:
        ensemble: Translates pictures.
        network: Also says what is found out about them.
        digests: Of each member's tensors.
    """

    ensemble: Ensemble
    network: Network
    digests: dict[str, str]

    @property
    def certificate(self) -> str:
        """Digest of all of them."""
        return certificate_of([*self.digests.values()])


def load_network(
    registry: TaskRegistry,
    members: tuple[str, ...],
    options: PredictionOptions,
    network: str | None = None,
    generator: nn.Module | None = None,
) -> Loaded:
    """Load a task, or an ensemble, to predict with.

    Args:
        registry: Holds it.
        members: The task, or the members of the ensemble: exactly these versions.
        options: With a size.
        network: Which of several networks.
        generator: For a generator of one's own, as for :meth:`piggygan.TaskRegistry.load`.

    Raises:
        RegistryError: If it cannot be loaded.
    """
    model = registry.load(members, generator, network=network)
    ensemble = Ensemble(model, members, options, temperatures_of(registry, members, network))
    digests = {member: tensors_digest(model.task_tensors(member)) for member in members}
    likeness = Likeness.known(registry, members[-1], model, options, network)  # whose features are seen last
    return Loaded(ensemble, Network(ensemble, options, likeness), digests)
