"""A model from a registry's files: each task is read, checked and added to those that it draws on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from piggygan.errors import BankMismatchError, CorruptFileError, RegistryError, TaskNotFoundError
from piggygan.files.digests import tensors_digest
from piggygan.files.precision import Precision, lengthened
from piggygan.files.tensors import Memory, tensors_from_bytes, tensors_from_file
from piggygan.layers.tasks import task_not_found
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry.architectures import plain_generator
from piggygan.registry.ensembles import ensembles
from piggygan.registry.manifest import GENERATOR, Manifest, TaskRecord
from piggygan.registry.rebuilding import Sources, building_order, needed_tasks, rebuild_base, rebuild_task
from piggygan.registry.sealing import FILE_NAME
from piggygan.registry.store import ObjectStore, StoredObject


def found(manifest: Manifest, task: str) -> TaskRecord:
    """Return a task's record.

    Raises:
        TaskNotFoundError: If there is none.
    """
    if group := ensembles(manifest.places).get(task):
        raise TaskNotFoundError(f"{task!r} is an ensemble, whose members are tasks: name one of {', '.join(group)}.")
    if task not in manifest.by_name:
        raise task_not_found(task, manifest.by_name)
    return manifest.by_name[task]


def loading_order(manifest: Manifest, wanted: Iterable[str], joining: Sources | None = None) -> tuple[str, ...]:
    """Say in which order to build tasks and all that they need, the base task first.

    Args:
        manifest: What the registry holds.
        wanted: Tasks of it.
        joining: A task that is not in it yet, with its bank, which must come after.

    Raises:
        TaskNotFoundError: If there is no such task.
    """
    names = [manifest.base_task, *(found(manifest, name).name for name in wanted)]
    sources = manifest.sources
    needed: dict[str, tuple[str, ...]] = {name: sources[name] for name in needed_tasks(names, sources)}
    return building_order({**needed, **(joining or {})})


def load_tasks(
    manifest: Manifest,
    order: Iterable[str],
    objects: ObjectStore,
    generator: nn.Module | None,
    network: str = GENERATOR,
) -> MultiTaskGenerator:
    """Build a model of tasks, in an order that :func:`loading_order` gave; arguments as of the registry's ``load``."""
    base, *others = order
    memory = Memory()  # out of which the model copies
    model = base_model(manifest, read_tensors(manifest.by_name[base], objects, network, memory), generator, network)
    for name in others:
        add_stored(model, manifest, name, read_tensors(manifest.by_name[name], objects, network, memory), network)
    return model


def read_tensors(
    record: TaskRecord, objects: ObjectStore, network: str = GENERATOR, memory: Memory | None = None
) -> dict[str, Tensor]:
    """Read a task's tensors of one network, checked against its certificate.

    That is one look at every byte of them. The digest that the file is named by is computed only to say what is wrong.

    Args:
        record: The task.
        objects: Where its file is.
        network: Which network.
        memory: As of :func:`~piggygan.files.tensors.tensors_from_file`.

    Raises:
        CorruptFileError: If their file is missing or damaged, or they are not those of the task's certificate.
    """
    part = record.networks[network]
    source = objects.name(part.weights)
    try:
        with objects.opened(part.weights) as file:
            written = tensors_from_file(file, part.weights.size, source, memory)
        tensors = as_they_were(written, part.settings.stored, source)
        if tensors_digest(tensors) != part.certificate.tensors_digest:
            raise CorruptFileError(
                f"{source} holds other tensors than its certificate is of: {FILE_NAME} was changed. Put back the one "
                f"of a copy of this registry."
            )
    except CorruptFileError as error:
        raise CorruptFileError(
            f"task {record.name!r} cannot be loaded: {_damage(part.weights, objects) or error}"
        ) from error
    return tensors


def _damage(stored: StoredObject, objects: ObjectStore) -> str:
    """Say what is wrong with an object's file; nothing if it is what its name says."""
    try:
        objects.get(stored)
    except CorruptFileError as error:
        return str(error)
    return ""


def as_they_were(written: dict[str, Tensor], stored: Precision | None, source: str) -> dict[str, Tensor]:
    """Return tensors that may be written in fewer bits as they were.

    Args:
        written: They, as they were read.
        stored: In how many bits; None: in all.
        source: What messages call their file.

    Raises:
        CorruptFileError: If they are not so written.
    """
    try:
        return lengthened(written, stored)
    except ValueError as error:
        raise CorruptFileError(f"{source} is not written in {stored}: {error}.") from error


def read_attachment(record: TaskRecord, name: str, objects: ObjectStore) -> dict[str, Tensor]:
    """Read one attachment, checked.

    Raises:
        RegistryError: If the task has none of this name.
        CorruptFileError: If its file is missing or damaged.
    """
    if name not in record.attachments:
        there = ", ".join(record.attachments) or "none"
        raise RegistryError(f"task {record.name!r} has no attachment {repr(name)[:80]}: it has {there}.")
    stored = record.attachments[name]
    try:
        return tensors_from_bytes(objects.get(stored), objects.name(stored))
    except CorruptFileError as error:
        raise CorruptFileError(f"attachment {name!r} of task {record.name!r} cannot be used: {error}") from error


def base_model(
    manifest: Manifest, tensors: Mapping[str, Tensor], generator: nn.Module | None, network: str = GENERATOR
) -> MultiTaskGenerator:
    """Build the model of the base task alone."""
    kept = manifest.networks[network]
    plain = plain_generator(kept.architecture, tensors, generator)
    return rebuild_base(plain, manifest.base_task, kept.wrapping, tensors)


def add_stored(
    model: MultiTaskGenerator,
    manifest: Manifest,
    task: str,
    tensors: Mapping[str, Tensor],
    network: str = GENERATOR,
) -> None:
    """Add a stored task to a model that has what it draws on.

    Raises:
        BankMismatchError: If it was trained on another bank.
    """
    record = manifest.by_name[task]
    for source in record.draws_on:
        if source not in model.tasks:
            raise BankMismatchError(f"task {task!r} draws on {source!r}, which cannot be loaded.")
    check_bank(manifest, task, network)
    rebuild_task(model, task, record.draws_on, record.networks[network].settings, tensors)


def check_bank(manifest: Manifest, task: str, network: str) -> None:
    """Refuse a task whose bank is not the registry's.

    Raises:
        BankMismatchError: If it was trained on another one.
    """
    for source, digest in manifest.by_name[task].networks[network].bank.items():
        if digest != manifest.by_name[source].networks[network].certificate.tensors_digest:
            raise BankMismatchError(
                f"task {task!r} was trained on another {source!r} than this registry's: the names are the same, the "
                f"tensors are not. Take {FILE_NAME} and objects from one copy of the registry."
            )
