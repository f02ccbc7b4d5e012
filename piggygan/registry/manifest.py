"""The manifest, ``registry.json``: which tasks a registry holds, how each is built, and where its tensors are.

It is the commit mark: an object that no manifest names does not count, and a manifest is replaced as a whole.
It names no code and no absolute path. A task may have tensors in several *networks* of one registry (CycleGAN
trains two generators, ``forward`` and ``backward``); one alone is called ``generator``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

from piggygan.errors import RegistryError
from piggygan.files.strict_json import decode
from piggygan.layers.tasks import check_descent, check_task_name, version_of
from piggygan.registry.attachments import check_attachments
from piggygan.registry.described import Network
from piggygan.registry.ensembles import check_ensembles
from piggygan.registry.formats import since, version_needed, written
from piggygan.registry.provenance import MAX_LICENCE, Member, TrainingData, check_line
from piggygan.registry.sealing import FILE_NAME, MAX_MANIFEST_SIZE, checksum, damage_named, sealed_fields
from piggygan.registry.store import StoredObject
from piggygan.registry.task_parts import TaskInNetwork, TaskSettings

GENERATOR = "generator"
"""Name of a network that is the only one."""
MAX_SIDE = 2**12
"""The most pixels of a side that are believed."""
MOST_INDENTED = 1000
"""Tasks up to which a manifest is written a field a line; of more it takes half as many bytes without that."""


@dataclass(frozen=True)
class Versions:
    """Versions of what committed a task."""

    piggygan: str
    torch: str
    python: str


@dataclass(frozen=True)
class TaskRecord:
    """One committed task.

    Attributes:
        name: The task's name.
        draws_on: Tasks whose filters it builds on, in the order of its bank; empty for the base task.
        networks: Its part of each network.
        scores: What its committer measured, finite numbers by name.
        created: When it was committed, UTC, ISO 8601.
        versions: What committed it.
        image_size: Side in pixels of the squares that it was trained on; None: nobody said.
        data: What it was trained on; None: nobody said.
        licence: Under which its weights are given on, an SPDX identifier or other words; None: nobody said.
        attachments: Small sets of tensors that belong to it, by name; see :meth:`TaskRegistry.attach`.
        member: Its place in an ensemble; None: it is one by itself.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import piggygan as pg
        >>> model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2), "facades")
        >>> model.freeze_task("facades")
        >>> with TemporaryDirectory() as folder:
        ...     registry = pg.TaskRegistry(folder)
        ...     registry.commit(model, "facades", scores={"pixel accuracy": 0.44})
        ...     record = registry.describe("facades")
        >>> record.name, record.draws_on, record.scores
        ('facades', (), {'pixel accuracy': 0.44})
    """

    name: str
    draws_on: tuple[str, ...]
    networks: dict[str, TaskInNetwork]
    scores: dict[str, float]
    created: str
    versions: Versions
    image_size: int | None = None
    data: TrainingData | None = field(default=None, metadata=since(2))
    licence: str | None = field(default=None, metadata=since(2))
    attachments: dict[str, StoredObject] = field(default_factory=dict, metadata=since(2))
    member: Member | None = field(default=None, metadata=since(2))

    def __post_init__(self) -> None:
        for name in (self.name, *self.draws_on, *self.networks):
            check_task_name(name)
        check_descent(self.name, self.draws_on)
        check_line(f"the licence of {self.name}", self.licence, MAX_LICENCE)
        check_attachments(self.attachments)
        if len({self.name, *self.draws_on}) != 1 + len(self.draws_on):
            raise ValueError(f"{self.name} draws on {', '.join(self.draws_on)}: no task twice, and not on itself")
        if any(network.bank.keys() != set(self.draws_on) for network in self.networks.values()):
            raise ValueError(f"the banks of {self.name} are not made of what it draws on")
        if not all(map(math.isfinite, self.scores.values())):
            raise ValueError(f"the scores of {self.name} are not all finite")
        if self.image_size is not None and not 1 <= self.image_size <= MAX_SIDE:
            raise ValueError(f"the image_size of {self.name} is {self.image_size}, needed is 1 to {MAX_SIDE}")
        if datetime.fromisoformat(self.created).utcoffset() != timedelta(0):
            raise ValueError(f"created is {self.created}, needed is a time in UTC")

    @property
    def said(self) -> dict[str, str]:
        """What was said of its licence, its data, its attachments and its ensemble, in words for a person."""
        data = self.data or TrainingData()
        counts = ", ".join(f"{count} {side}" for side, count in data.counts.items())
        found = {
            "licence": self.licence,
            "data": ": ".join(filter(None, (data.kind, counts))),
            "data statement": data.statement,
            "SHA-256 of the data": data.fingerprint,
            "attachments": ", ".join(self.attachments),
            "member": f"{self.member.number} of {self.member.of} of {self.member.group}" if self.member else None,
        }
        return {name: text for name, text in found.items() if text}

    @property
    def settings(self) -> dict[str, TaskSettings]:
        """How it is built in each network."""
        return {name: part.settings for name, part in self.networks.items()}

    @property
    def objects(self) -> tuple[StoredObject, ...]:
        """All files that it refers to."""
        of_networks = [stored for part in self.networks.values() for stored in part.objects]
        return (*of_networks, *self.attachments.values())

    @property
    def weight_bytes(self) -> int:
        """Bytes of its tensors in all networks."""
        return sum(part.weights.size for part in self.networks.values())

    @property
    def digests(self) -> frozenset[str]:
        """Names of all objects that it refers to."""
        return frozenset(stored.digest for stored in self.objects)


@dataclass(frozen=True)
class Manifest:
    """All that a registry holds.

    Attributes:
        schema_version: Version of the format that it was read from; it is written in the lowest that can say it.
        base_task: The task that the networks' own kernels learned; the first of ``tasks``.
        networks: The networks by name.
        tasks: The tasks in the order of their commits; each after those it draws on.
    """

    schema_version: int
    base_task: str
    networks: dict[str, Network]
    tasks: tuple[TaskRecord, ...]

    def __post_init__(self) -> None:
        for network in self.networks:
            check_task_name(network)
        if not self.networks or not self.tasks or self.tasks[0].name != self.base_task:
            raise ValueError("there is a network, and a first task, which is the base task")
        earlier: set[str] = set()
        for task in self.tasks:
            if task.name in earlier:
                raise ValueError(f"task {task.name} is there twice")
            if not earlier.issuperset(task.draws_on) or bool(task.draws_on) != bool(earlier):
                raise ValueError(f"task {task.name} draws on {task.draws_on}; needed are tasks before it")
            if task.networks.keys() != self.networks.keys():
                raise ValueError(f"task {task.name} has other networks than the registry")
            earlier.add(task.name)
        check_ensembles((task.name, task.member, task.settings) for task in self.tasks)

    @cached_property
    def by_name(self) -> dict[str, TaskRecord]:
        """The tasks by name, in order."""
        return {task.name: task for task in self.tasks}

    @property
    def places(self) -> dict[str, Member | None]:
        """For each task its place in an ensemble."""
        return {task.name: task.member for task in self.tasks}

    @property
    def sources(self) -> dict[str, tuple[str, ...]]:
        """For each task what it draws on, in the order of the commits."""
        return {task.name: task.draws_on for task in self.tasks}


def manifest_to_bytes(manifest: Manifest) -> bytes:
    """Write a manifest as JSON, the same text for the same manifest.

    Its ``checksum`` is the SHA-256 of all the rest, written without spaces and with sorted names: a flipped bit in a
    score or a name would else be read as another score or name.

    Raises:
        RegistryError: If it would be too large to be read again.
    """
    fields = written(replace(manifest, schema_version=version_of_manifest(manifest)))
    signed = {**fields, "checksum": checksum(fields)}
    if len(manifest.tasks) <= MOST_INDENTED:
        text = json.dumps(signed, indent=2, sort_keys=True, allow_nan=False)
    else:
        text = json.dumps(signed, separators=(",", ":"), sort_keys=True, allow_nan=False)
    data = f"{text}\n".encode()
    if len(data) > MAX_MANIFEST_SIZE:
        raise RegistryError(
            f"{FILE_NAME} would have {len(data)} bytes, more than the {MAX_MANIFEST_SIZE} that are read: start another "
            f"registry, or record fewer scores."
        )
    return data


def manifest_from_bytes(data: bytes) -> Manifest:
    """Read a manifest, strictly.

    Raises:
        FormatVersionError: If a newer piggygan wrote it.
        CorruptFileError: If it is anything else than what :func:`manifest_to_bytes` writes.
    """
    with damage_named():
        manifest = decode(Manifest, sealed_fields(data), "the manifest")
        if manifest.schema_version != (needed := version_of_manifest(manifest)):
            raise ValueError(f"it says schema_version {manifest.schema_version}, what it holds is of {needed}")
        return manifest


def version_of_record(record: TaskRecord, others: Iterable[str] = ()) -> int:
    """Return the lowest version of the format that can say what is recorded of a task.

    Version 1 has no name of a newer version of a task, and no ``max_bank`` below 1.

    Args:
        record: It.
        others: Names of tasks that are spoken of besides.
    """
    is_versioned = any(version_of(name)[1] > 1 for name in (record.name, *record.draws_on, *others))
    has_part_of_bank = any(
        settings.max_bank is not None and settings.max_bank < 1 for settings in record.settings.values()
    )
    return max(version_needed(record), 2 if is_versioned or has_part_of_bank else 1)


def version_of_manifest(manifest: Manifest) -> int:
    """Return the lowest version of the format that can say what a manifest says."""
    return max(version_needed(manifest), *map(version_of_record, manifest.tasks))
