"""TaskRegistry: committed tasks in a folder."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import SupportsFloat

import filelock
import torch
from torch import Tensor, nn

from piggygan.durable import write_durably
from piggygan.errors import (
    BankMismatchError,
    ConfigurationError,
    CorruptFileError,
    PiggyganError,
    RegistryError,
    RegistryLockedError,
)
from piggygan.model import MultiTaskGenerator
from piggygan.registry.architectures import plain_generator
from piggygan.registry.candidates import Candidate, check_belongs, checked_scores, prepare
from piggygan.registry.certificates import TaskCheck, check
from piggygan.registry.manifest import (
    FILE_NAME,
    GENERATOR,
    MAX_MANIFEST_SIZE,
    SCHEMA_VERSION,
    Manifest,
    TaskInNetwork,
    TaskRecord,
    Versions,
    manifest_from_bytes,
    manifest_to_bytes,
)
from piggygan.registry.rebuilding import (
    building_order,
    needed_tasks,
    rebuild_base,
    rebuild_task,
)
from piggygan.registry.store import ObjectStore, make_folder, read_regular_file
from piggygan.registry.tensors import tensors_from_bytes
from piggygan.tasks import task_not_found
from piggygan.version import __version__

LOCK_NAME = ".lock"


class TaskRegistry:
    """Committed tasks in a folder: durable, checked on every read, and never changed.

    Reading needs no right to write. Any number of processes may read while one commits; a commit becomes visible
    at once, as a whole. The folder may be moved and copied.

    Args:
        folder: Where it is or will be; made by the first commit.
        lock_timeout: Seconds that a commit waits for another one.

    Example:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> generator = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 1))
        >>> model = MultiTaskGenerator(generator, base_task="facades")
        >>> model.freeze_task("facades")
        >>> registry = TaskRegistry(folder.name)
        >>> registry.commit(model, "facades", scores={"l1": 0.25})
        >>> registry.tasks
        ('facades',)
        >>> fresh = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 1))
        >>> registry.load(generator=fresh).tasks
        ('facades',)
        >>> [str(result) for result in registry.verify(generator=fresh)]
        ['facades: equal']
        >>> folder.cleanup()
    """

    def __init__(self, folder: str | os.PathLike[str], *, lock_timeout: float = 60.0) -> None:
        self._folder = Path(folder).absolute()  # a later chdir does not move it
        self._objects = ObjectStore(self._folder / "objects")
        self._lock_timeout = lock_timeout

    @property
    def folder(self) -> Path:
        """Where the registry is."""
        return self._folder

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the committed tasks in the order of their commits, the base task first; empty if there are none.

        Raises:
            CorruptFileError, FormatVersionError: If the manifest cannot be read.
        """
        manifest = self._manifest()
        return tuple(manifest.by_name) if manifest else ()

    def describe(self, task: str) -> TaskRecord:
        """Return what was recorded of a task.

        Raises:
            TaskNotFoundError: If there is none of this name.
            CorruptFileError, FormatVersionError: If the manifest cannot be read.
        """
        return _found(self._existing(), task)

    # ------------------------------------------------------------------ writing

    def commit(
        self,
        model: MultiTaskGenerator,
        task: str,
        *,
        scores: Mapping[str, SupportsFloat] | None = None,
        probe: Tensor | None = None,
    ) -> None:
        """Store a frozen task, so that it is either wholly there or not at all.

        Before anything is written, the task is built anew from what will be stored and run on the probe images;
        that makes its certificate.

        Args:
            model: The model; it is not changed.
            task: A frozen task of it. What it draws on must be in the registry already, the same bits.
            scores: What you measured of it, finite numbers by name.
            probe: Images ``(batch, channels, height, width)`` for its certificate; None: two images of noise. They
                are stored in the registry: give nobody's own images.

        Raises:
            TaskNotFoundError: If the model has no such task.
            TaskStateError: If it is not frozen.
            TaskExistsError: If the registry holds one of this name.
            BankMismatchError: If the registry holds another generator, or other tasks than it draws on.
            InputError: If its tensors, outputs or scores are not finite, or the generator refuses the probe.
            RegistryLockedError: If another process has been committing for ``lock_timeout`` seconds.
            RegistryError: If it could not be written.
        """
        measured = checked_scores(scores)
        candidate = prepare(model, task, probe)
        with self._locked(task):
            manifest = self._manifest()
            check_belongs(candidate, manifest)
            record = self._stored(candidate, measured)
            if manifest is None:
                changed = Manifest(SCHEMA_VERSION, task, {GENERATOR: candidate.network}, (record,))
            else:
                changed = replace(manifest, tasks=(*manifest.tasks, record))
            write_durably(self._folder / FILE_NAME, manifest_to_bytes(changed))

    def _stored(self, candidate: Candidate, scores: dict[str, float]) -> TaskRecord:
        """Store the objects of a task and return the record that refers to them."""
        weights = self._objects.put(candidate.weights)
        certificate = candidate.evidence.store(self._objects)
        bank = {name: candidate.source_digests[name] for name in candidate.draws_on}
        part = TaskInNetwork(candidate.settings, weights, bank, certificate)
        return TaskRecord(
            name=candidate.task,
            draws_on=candidate.draws_on,
            networks={GENERATOR: part},
            scores=scores,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=Versions(__version__, str(torch.__version__), platform.python_version()),
        )

    @contextmanager
    def _locked(self, task: str) -> Iterator[None]:
        """Hold the registry's lock; whatever the system refuses meanwhile is a RegistryError."""
        try:
            make_folder(self._folder)
            with filelock.FileLock(self._folder / LOCK_NAME, timeout=self._lock_timeout):
                yield
        except filelock.Timeout as error:
            raise RegistryLockedError(
                f"{self._folder} has been locked by another process for {self._lock_timeout:g} seconds: task {task!r} "
                f"was not committed. Try again when that one has finished."
            ) from error
        except OSError as error:
            raise RegistryError(
                f"task {task!r} was not safely committed to {self._folder}: {error}. The tasks from before are as "
                f"they were; see that the disk has room and may be written, and commit again unless {task!r} is listed."
            ) from error

    # ------------------------------------------------------------------ reading

    def load(self, tasks: Iterable[str] | None = None, generator: nn.Module | None = None) -> MultiTaskGenerator:
        """Build a model of committed tasks; every one is frozen, and the model is in evaluation mode.

        Only the files of these tasks and of those that they draw on are read.

        Args:
            tasks: Names; None: all. The base task and what they draw on come along.
            generator: For a generator of your own, one made as the first was. It is copied; its weights do not matter.
                The model is where it is; without one, on the CPU.

        Raises:
            TaskNotFoundError: If there is no such task.
            ConfigurationError: If a generator is needed and none is given.
            BankMismatchError: If the generator is not the registry's, or stored files do not belong together.
            CorruptFileError: If a file is missing or damaged; other tasks can be loaded all the same.
            FormatVersionError: If a newer piggygan wrote the registry.
        """
        if isinstance(tasks, str):
            raise ConfigurationError(f"tasks is the text {tasks!r}; give a list of names: [{tasks!r}].")
        manifest = self._existing()
        wanted = list(manifest.by_name if tasks is None else tasks)
        for name in wanted:
            _found(manifest, name)
        sources = {name: record.draws_on for name, record in manifest.by_name.items()}
        order = building_order({name: sources[name] for name in needed_tasks([manifest.base_task, *wanted], sources)})
        tensors = {name: self._tensors(manifest.by_name[name]) for name in order}
        model = _base_model(manifest, tensors[manifest.base_task], generator)
        for name in order[1:]:
            _add(model, manifest, name, tensors[name])
        return model

    def verify(self, generator: nn.Module | None = None) -> list[TaskCheck]:
        """Compute every certificate again.

        Damage of one task is reported of it and of those that cannot be built without it; the others are checked.

        Args:
            generator: As for :meth:`load`.

        Returns:
            One result a task, in the order of :attr:`tasks`.

        Raises:
            ConfigurationError, BankMismatchError: If the generator is missing, or not the registry's.
            CorruptFileError, FormatVersionError: If the manifest cannot be read.
        """
        manifest = self._existing()
        base, *others = manifest.tasks
        try:
            tensors = self._tensors(base)
        except PiggyganError as error:
            without = [TaskCheck(record.name, "damaged", None, f"it needs {base.name!r}") for record in others]
            return [TaskCheck(base.name, "damaged", None, str(error)), *without]
        model = _base_model(manifest, tensors, generator).cpu()  # where certificates are made
        results = {base.name: self._check(model, base)}
        for name in building_order({record.name: record.draws_on for record in manifest.tasks})[1:]:
            record = manifest.by_name[name]
            try:
                _add(model, manifest, name, self._tensors(record))
            except PiggyganError as error:
                results[name] = TaskCheck(name, "damaged", None, str(error))
            else:
                results[name] = self._check(model, record)
        return [results[record.name] for record in manifest.tasks]

    def _check(self, model: MultiTaskGenerator, record: TaskRecord) -> TaskCheck:
        return check(model, record.name, record.networks[GENERATOR].certificate, self._objects)

    def _tensors(self, record: TaskRecord) -> dict[str, Tensor]:
        """Read a task's tensors, checked."""
        stored = record.networks[GENERATOR].weights
        try:
            return tensors_from_bytes(self._objects.get(stored), self._objects.name(stored))
        except CorruptFileError as error:
            raise CorruptFileError(f"task {record.name!r} cannot be loaded: {error}") from error

    def _existing(self) -> Manifest:
        manifest = self._manifest()
        if manifest is None:
            raise RegistryError(f"there is no registry in {self._folder} (no {FILE_NAME}): commit a base task first.")
        if GENERATOR not in manifest.networks:
            raise RegistryError(
                f"{self._folder} holds the networks {', '.join(manifest.networks)}, and no {GENERATOR!r}."
            )
        return manifest

    def _manifest(self) -> Manifest | None:
        try:
            return manifest_from_bytes(read_regular_file(self._folder / FILE_NAME, max_size=MAX_MANIFEST_SIZE))
        except FileNotFoundError:
            return None

    def __repr__(self) -> str:
        return f"TaskRegistry({str(self._folder)!r})"


def _found(manifest: Manifest, task: str) -> TaskRecord:
    if task not in manifest.by_name:
        raise task_not_found(task, manifest.by_name)
    return manifest.by_name[task]


def _base_model(manifest: Manifest, tensors: Mapping[str, Tensor], generator: nn.Module | None) -> MultiTaskGenerator:
    network = manifest.networks[GENERATOR]
    plain = plain_generator(network.architecture, tensors, generator)
    return rebuild_base(plain, manifest.base_task, network.wrapping, tensors)


def _add(model: MultiTaskGenerator, manifest: Manifest, task: str, tensors: Mapping[str, Tensor]) -> None:
    """Add a stored task to a model that has what it draws on."""
    record = manifest.by_name[task]
    part = record.networks[GENERATOR]
    for source in record.draws_on:
        if source not in model.tasks:
            raise BankMismatchError(f"task {task!r} draws on {source!r}, which cannot be loaded.")
        if part.bank[source] != manifest.by_name[source].networks[GENERATOR].certificate.tensors_digest:
            raise BankMismatchError(
                f"task {task!r} was trained on another {source!r} than this registry's: the names are the same, the "
                f"tensors are not. Take {FILE_NAME} and objects from one copy of the registry."
            )
    rebuild_task(model, task, record.draws_on, part.settings, tensors)
