"""The manifest, ``registry.json``: which tasks a registry holds, how each is built, and where its tensors are.

It is the commit mark: an object that no manifest names does not count, and a manifest is replaced as a whole.
It names no code and no absolute path. A task may have tensors in several *networks* of one registry (CycleGAN
trains two generators, ``forward`` and ``backward``); one alone is called ``generator``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from piggygan.errors import CorruptFileError, FormatVersionError, RegistryError, TaskNameError
from piggygan.files.strict_json import decode, parse_json
from piggygan.layers.tasks import check_task_name
from piggygan.registry.described import Network
from piggygan.registry.store import StoredObject

FILE_NAME = "registry.json"
GENERATOR = "generator"
"""Name of a network that is the only one."""
MAX_CHANNELS = 2**16
MAX_BANK = 2.0**16
MAX_SIDE = 2**12
"""The most channels of an image, filters of a bank for each of a layer, and pixels of a side that are believed."""
MAX_MANIFEST_SIZE = 2**24
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Recipe:
    """How a certificate's outputs were computed: where one of these differs, rounding may differ too.

    Attributes:
        device: Device type, such as ``"cpu"``.
        dtype: Element type of the probe, such as ``"float32"``.
        torch: Version of torch.
        threads: Threads that computed one operation.
        machine: Machine architecture, such as ``"x86_64"``.
        instructions: Vector instructions that torch used, such as ``"AVX2"``.
        matmul_precision: What ``torch.get_float32_matmul_precision`` said.
    """

    device: str
    dtype: str
    torch: str
    threads: int
    machine: str
    instructions: str
    matmul_precision: str


@dataclass(frozen=True)
class Certificate:
    """What a task was when it was committed, so that anyone can check that it still is.

    Attributes:
        tensors_digest: :func:`~piggygan.files.tensors.tensors_digest` of the task's tensors.
        outputs_digest: The same of ``{"outputs": ...}``, what the task makes of the probe.
        probe: Object with the images ``inputs``.
        outputs: Object with the images ``outputs``, to say by how much others differ.
        recipe: How the outputs were computed.
    """

    tensors_digest: str
    outputs_digest: str
    probe: StoredObject
    outputs: StoredObject
    recipe: Recipe

    def __post_init__(self) -> None:
        _check_digests(self.tensors_digest, self.outputs_digest)


@dataclass(frozen=True)
class TaskSettings:
    """How a task is built in one network; attributes as in :meth:`piggygan.MultiTaskGenerator.add_task`.

    Fractions are kept layer by layer, so that the rule that dealt them out may change.
    """

    unconstrained_fraction: dict[str, float]
    in_channels: int | None
    out_channels: int | None
    output_layer_unconstrained: bool
    max_bank: float | None

    def __post_init__(self) -> None:
        if not all(0.0 <= share <= 1.0 for share in self.unconstrained_fraction.values()):
            raise ValueError(f"unconstrained_fraction is {self.unconstrained_fraction}, needed is 0 to 1")
        for name, channels in (("in_channels", self.in_channels), ("out_channels", self.out_channels)):
            if channels is not None and not 1 <= channels <= MAX_CHANNELS:
                raise ValueError(f"{name} is {channels}; an image has 1 to {MAX_CHANNELS} channels")
        if self.max_bank is not None and not 0.0 < self.max_bank <= MAX_BANK:
            raise ValueError(f"max_bank is {self.max_bank}, needed is above 0 and at most {MAX_BANK}")


@dataclass(frozen=True)
class TaskInNetwork:
    """A task's part of one network.

    Attributes:
        settings: How it is built.
        weights: Object with its tensors.
        bank: For each task that it draws on, the digest of that task's tensors: factors fit no other bank.
        certificate: What it was when committed.
    """

    settings: TaskSettings
    weights: StoredObject
    bank: dict[str, str]
    certificate: Certificate

    def __post_init__(self) -> None:
        _check_digests(*self.bank.values())

    @property
    def objects(self) -> tuple[StoredObject, ...]:
        """All files that it is made of."""
        return self.weights, self.certificate.probe, self.certificate.outputs


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

    def __post_init__(self) -> None:
        _check_names(self.name, *self.draws_on, *self.networks)
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
    def digests(self) -> frozenset[str]:
        """Names of all objects that it refers to."""
        return frozenset(stored.digest for part in self.networks.values() for stored in part.objects)


@dataclass(frozen=True)
class Manifest:
    """All that a registry holds.

    Attributes:
        schema_version: Version of this format.
        base_task: The task that the networks' own kernels learned; the first of ``tasks``.
        networks: The networks by name.
        tasks: The tasks in the order of their commits; each after those it draws on.
    """

    schema_version: int
    base_task: str
    networks: dict[str, Network]
    tasks: tuple[TaskRecord, ...]

    def __post_init__(self) -> None:
        _check_names(*self.networks)
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

    @cached_property
    def by_name(self) -> dict[str, TaskRecord]:
        """The tasks by name, in order."""
        return {task.name: task for task in self.tasks}

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
    fields = dataclasses.asdict(manifest)
    signed = {**fields, "checksum": _checksum(fields)}
    data = (json.dumps(signed, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()
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
    try:
        if len(data) > MAX_MANIFEST_SIZE:
            raise ValueError(f"it has {len(data)} bytes; the most is {MAX_MANIFEST_SIZE}")
        parsed = parse_json(data)
        _check_version(parsed)
        if parsed.pop("checksum", None) != _checksum(parsed):
            raise ValueError("its checksum is not that of its content: it was damaged, or edited by hand")
        return decode(Manifest, parsed, "the manifest")
    except (ValueError, RecursionError) as error:  # the checksum of deeply nested JSON may be too deep as well
        raise CorruptFileError(
            f"{FILE_NAME} is damaged: {error}. Put back the one of a copy of this registry; the tasks themselves "
            f"are in files of their own."
        ) from error


def _checksum(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _check_version(parsed: Any) -> None:
    version = parsed.get("schema_version") if isinstance(parsed, dict) else None
    if type(version) is not int or version < 1:
        raise ValueError("it has no schema_version")
    if version > SCHEMA_VERSION:
        raise FormatVersionError(
            f"{FILE_NAME} has schema version {str(version)[:20]}, written by a newer piggygan; this one reads "
            f"{SCHEMA_VERSION}: update piggygan."
        )


def _check_digests(*digests: str) -> None:
    for digest in digests:
        StoredObject(digest, 0)  # refuses what is none


def _check_names(*names: str) -> None:
    for name in names:
        try:
            check_task_name(name)
        except TaskNameError as error:
            raise ValueError(str(error)) from error
