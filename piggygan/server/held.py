"""The tasks that a server answers with: one reading of a registry, which never changes."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

from torch import Tensor

from piggygan.errors import ConfigurationError, RegistryError
from piggygan.evaluation.familiarity import FEATURES
from piggygan.evaluation.temperature import CALIBRATION
from piggygan.files.digests import tensors_digest
from piggygan.layers.tasks import task_not_found, version_of
from piggygan.model.generator import MultiTaskGenerator
from piggygan.prediction.dicom_seg import Algorithm
from piggygan.prediction.ensemble import Ensemble, certificate_of, temperatures_of, trained_size
from piggygan.prediction.likeness import Likeness
from piggygan.prediction.options import PredictionOptions
from piggygan.prediction.predicting import settings_of
from piggygan.prediction.running import Network
from piggygan.registry import TaskRecord, TaskRegistry
from piggygan.registry.ensembles import members, resolve

MOST_READY = 64
"""How many tasks, each at a size, are kept ready."""


@dataclass(frozen=True)
class Proof:
    """What batches of a task have proved.

    Attributes:
        batches: Of each number of pictures at once, whether that gives the same bits and is faster; filled as it is
            tried.
        slow: How often each was no gain.
    """

    batches: dict[int, bool] = field(default_factory=dict)
    slow: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True, eq=False)
class Ready:
    """A task or an ensemble, made ready to predict at one size.

    Attributes:
        task: Its name: of several versions the one that was meant.
        members: The tasks of an ensemble, or the one task.
        ensemble: Translates.
        network: Translates, and says what is found out on the way; of several members where they differ comes behind
            their output.
        algorithm: What it is, for what refers to it.
        side: Of the square that the network gets.
        proof: Which batches are worth it.
    """

    task: str
    members: tuple[str, ...]
    ensemble: Ensemble
    network: Network
    algorithm: Algorithm
    side: int
    proof: Proof

    def applied(self, options: PredictionOptions) -> Algorithm:
        """Say what predicts, applied as a request has it."""
        return replace(self.algorithm, settings=settings_of(options))


class HeldTasks:
    """Everything of one reading of a registry: once its networks are in memory, what happens to the files is no matter.

    Args:
        registry: Read once.

    Attributes:
        digest: Of the registry, as it was read.
        records: What it says of each task, in the order of their commits.

    Raises:
        ConfigurationError: If its generator is a class of somebody's own, which cannot be built here.
        RegistryError: If it is empty or damaged.
    """

    needs_generator = False

    def __init__(self, registry: TaskRegistry) -> None:
        self.digest, self.records = _steadily(registry)
        if not self.records:
            raise RegistryError(f"{registry.folder} holds no tasks: commit one first, for example by piggygan train.")
        if registry.needs_generator:
            raise ConfigurationError(
                "the registry's generator is a class of its owner's, which only its own program can build: serve a "
                "registry of piggygan's generators."
            )
        self._by_name = {record.name: record for record in self.records}
        self._places = {record.name: record.member for record in self.records}
        self._registry = registry
        self._ready: OrderedDict[_Way, Ready] = OrderedDict()
        self._proofs: dict[tuple[_Way, str], Proof] = {}

    @cached_property
    def models(self) -> dict[str, MultiTaskGenerator]:
        """Its networks by name, of all tasks; read when first asked for, with what is known of the tasks' films.

        Raises:
            RegistryError: If a file is damaged, or what was recorded is no longer there.
        """
        _ = self._attachments
        return {network: self._registry.load(self._by_name, network=network) for network in self._registry.networks}

    @cached_property
    def _attachments(self) -> dict[tuple[str, str], dict[str, Tensor]]:
        return {
            (record.name, name): self._registry.attachment(record.name, name)
            for record in self.records
            for name in sorted({FEATURES, CALIBRATION} & record.attachments.keys())
        }

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks."""
        return list(self._by_name)

    @property
    def prepared(self) -> int:
        """How many tasks, each at a size, are ready to predict."""
        return len(self._ready)

    @property
    def ensembles(self) -> list[str]:
        """Names of the ensembles that have all their members."""
        places = [record.member for record in self.records if record.member is not None]
        counts = Counter(place.group for place in places)
        return [place.group for place in places if place.number == 1 and counts[place.group] == place.of]

    def inherit(self, older: HeldTasks) -> None:
        """Take over what batches have proved, of tasks that are the same: a commit of another one changes none."""
        found = {(key, ready.algorithm.certificate): ready.proof for key, ready in older._ready.items()}
        self._proofs = {**older._proofs, **found} if len(older._proofs) < MOST_READY else found

    def describe(self, task: str) -> TaskRecord:
        """Return what the registry says of a task, by its exact name.

        Raises:
            TaskNotFoundError: If there is none of this name.
        """
        if task not in self._by_name:
            raise task_not_found(task, self._by_name)
        return self._by_name[task]

    def attachment(self, task: str, name: str) -> dict[str, Tensor]:
        """Return what is known of a task's films."""
        return self._attachments[task, name]

    def load(self, tasks: Iterable[str], *, network: str | None = None) -> MultiTaskGenerator:
        """Return a network, which has these tasks among all others."""
        del tasks
        return self.models[self.network(network)]

    def resolve(self, name: str) -> str:
        """Return the task or ensemble that is meant: of several versions the newest, unless one is pinned.

        Raises:
            TaskNotFoundError: If there is none of this name.
        """
        return resolve(self._places, name)

    def members(self, name: str) -> tuple[str, ...]:
        """Return the tasks behind a name: those of an ensemble, or one.

        Raises:
            TaskNotFoundError: If there is none of this name.
        """
        return members(self._places, name)

    def network(self, wanted: str | None) -> str:
        """Return the network that is meant.

        Raises:
            ConfigurationError: If there is no such network, or there are several and none is named.
        """
        if wanted is None and len(self.models) == 1:
            return next(iter(self.models))
        if wanted not in self.models:
            raise ConfigurationError(f"network is {wanted!r}; there are {', '.join(self.models)}.")
        return wanted

    def ready(self, task: str, network: str | None, options: PredictionOptions) -> Ready:
        """Make a task ready to predict, which runs it once; in the thread that computes.

        Raises:
            TaskNotFoundError: If there is no such task.
            ConfigurationError: If it cannot predict in this way.
        """
        task, tasks, chosen = self.resolve(task), self.members(task), self.network(network)
        size = options.size or trained_size(self, tasks) or options.side
        options = PredictionOptions(size=size, fit=options.fit, disagreement=len(tasks) > 1)
        key = (task, chosen, options)
        if key not in self._ready:
            model = self.models[chosen]
            ensemble = Ensemble(model, tasks, options, temperatures_of(self, tasks, chosen))
            ensemble.check_channels()
            certificate = certificate_of([tensors_digest(model.task_tensors(one)) for one in tasks])
            algorithm = Algorithm(task, certificate, settings_of(options))
            known = Network(ensemble, options, Likeness.known(self, tasks[-1], model, options, chosen))
            proof = self._proofs.get((key, certificate)) or Proof()
            self._ready[key] = Ready(task, tasks, ensemble, known, algorithm, options.side, proof)
            while len(self._ready) > MOST_READY:
                self._ready.popitem(last=False)
        self._ready.move_to_end(key)
        return self._ready[key]


_Way = tuple[str, str, PredictionOptions]
"""A task, in a network, at a size."""


def pinned(task: str) -> str:
    """Return the name that means one version of a task for ever.

    Example:
        >>> pinned("lungs"), pinned("lungs@2")
        ('lungs@1', 'lungs@2')
    """
    stem, number = version_of(task)
    return f"{stem}@{number}"


def _steadily(registry: TaskRegistry) -> tuple[str, tuple[TaskRecord, ...]]:
    """Read a registry's digest and the records that it is of."""
    while True:
        digest = registry.digest
        records = registry.records
        if registry.digest == digest:  # else it was replaced between the two
            return digest, records
