"""The tasks that a server answers with: one reading of a registry, which never changes."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field, replace
from functools import cached_property

from piggygan.errors import ConfigurationError, RegistryError
from piggygan.layers.tasks import task_not_found
from piggygan.model.generator import MultiTaskGenerator
from piggygan.prediction.dicom_seg import Algorithm
from piggygan.prediction.options import PredictionOptions
from piggygan.prediction.predicting import algorithm_of, settings_of
from piggygan.prediction.translator import Translator
from piggygan.registry import TaskRecord, TaskRegistry

MOST_READY = 64
"""How many tasks, each at a size, are kept ready."""


@dataclass(frozen=True, eq=False)
class Ready:
    """A task, made ready to predict at one size.

    Attributes:
        translator: Translates with it.
        algorithm: What it is, for what refers to it.
        record: What the registry says of it.
        side: Of the square that the network gets.
        batches: Of each number of pictures at once, whether that gives the same bits and is faster; filled as it is
            tried.
        slow: How often each was no gain.
    """

    translator: Translator
    algorithm: Algorithm
    record: TaskRecord
    side: int
    batches: dict[int, bool] = field(default_factory=dict)
    slow: Counter[int] = field(default_factory=Counter)

    def applied(self, options: PredictionOptions) -> Algorithm:
        """Say what predicts, applied as a request has it."""
        return replace(self.algorithm, settings=settings_of(options))


class HeldTasks:
    """Everything of one reading of a registry: once its networks are in memory, what happens to the files is no matter.

    Args:
        registry: Read once.

    Attributes:
        digest: Of the registry, as it was read.
        records: What it says of each task, by name.

    Raises:
        ConfigurationError: If its generator is a class of somebody's own, which cannot be built here.
        RegistryError: If it is empty or damaged.
    """

    def __init__(self, registry: TaskRegistry) -> None:
        self.digest, self.records = _steadily(registry)
        if not self.records:
            raise RegistryError(f"{registry.folder} holds no tasks: commit one first, for example by piggygan train.")
        if registry.needs_generator:
            raise ConfigurationError(
                "the registry's generator is a class of its owner's, which only its own program can build: serve a "
                "registry of piggygan's generators."
            )
        self._registry = registry
        self._ready: OrderedDict[tuple[str, str, PredictionOptions], Ready] = OrderedDict()

    @cached_property
    def models(self) -> dict[str, MultiTaskGenerator]:
        """Its networks by name, of all tasks; read when first asked for.

        Raises:
            RegistryError: If a file is damaged, or what was recorded is no longer there.
        """
        registry = self._registry
        return {network: registry.load(self.records, network=network) for network in registry.networks}

    @property
    def prepared(self) -> int:
        """How many tasks, each at a size, are ready to predict."""
        return len(self._ready)

    def record(self, task: str) -> TaskRecord:
        """Return what the registry says of a task.

        Raises:
            TaskNotFoundError: If there is none of this name.
        """
        if task not in self.records:
            raise task_not_found(task, self.records)
        return self.records[task]

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
        record, chosen = self.record(task), self.network(network)
        options = PredictionOptions(size=options.size or record.image_size or options.side, fit=options.fit)
        key = (task, chosen, options)
        if key not in self._ready:
            model = self.models[chosen]
            translator = Translator(model, task, options)
            translator.check_channels()
            self._ready[key] = Ready(translator, algorithm_of(model, task, options), record, options.side)
            while len(self._ready) > MOST_READY:
                self._ready.popitem(last=False)
        self._ready.move_to_end(key)
        return self._ready[key]


def _steadily(registry: TaskRegistry) -> tuple[str, dict[str, TaskRecord]]:
    """Read a registry's digest and the records that it is of."""
    while True:
        digest = registry.digest
        records = {record.name: record for record in registry.records}
        if registry.digest == digest:  # else it was replaced between the two
            return digest, records
