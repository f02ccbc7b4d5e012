"""A task from a file joins a registry: it is built on the bank that is there, and its certificate computed anew."""

from __future__ import annotations

from torch import nn

from piggygan.errors import CorruptFileError
from piggygan.model import MultiTaskGenerator
from piggygan.registry.architectures import plain_generator
from piggygan.registry.candidates import Candidate, check_belongs
from piggygan.registry.certificates import Evidence, judge
from piggygan.registry.exchange import TaskFile
from piggygan.registry.loading import load_tasks, loading_order
from piggygan.registry.manifest import GENERATOR, Manifest
from piggygan.registry.rebuilding import rebuild_base, rebuild_task
from piggygan.registry.store import ObjectStore
from piggygan.registry.tensors import tensors_to_bytes


def joining_candidate(
    file: TaskFile, manifest: Manifest | None, objects: ObjectStore, generator: nn.Module | None
) -> Candidate:
    """Make a task in a file ready to be committed, with the certificate that it came with.

    Args:
        file: The task.
        manifest: What the registry holds; None if nothing yet.
        objects: Its files.
        generator: As for the registry's ``load``.

    Raises:
        TaskExistsError, BankMismatchError: If the registry cannot take it.
        CorruptFileError: If it does not compute what its certificate says.
        ConfigurationError: If a generator is needed and none is given.
    """
    header, record = file.header, file.header.record
    part = record.networks[GENERATOR]
    candidate = Candidate(
        task=record.name,
        draws_on=record.draws_on,
        base_task=header.base_task,
        network=header.network,
        settings=part.settings,
        source_digests=header.needs,
        weights=tensors_to_bytes(file.tensors),
        evidence=Evidence(part.certificate.tensors_digest, file.inputs, file.outputs, part.certificate.recipe),
    )
    check_belongs(candidate, manifest)
    model = _built(file, manifest, objects, generator).cpu()  # where certificates are made
    result = judge(model, record.name, part.certificate, file.inputs, file.outputs)
    if not result.is_sound:
        raise CorruptFileError(f"the file of task {record.name!r} is not what its certificate says: {result.reason}.")
    return candidate


def _built(
    file: TaskFile, manifest: Manifest | None, objects: ObjectStore, generator: nn.Module | None
) -> MultiTaskGenerator:
    header, record = file.header, file.header.record
    if manifest is None:
        plain = plain_generator(header.network.architecture, file.tensors, generator)
        return rebuild_base(plain, header.base_task, header.network.wrapping, file.tensors)
    order = loading_order(manifest, record.draws_on, {record.name: record.draws_on})
    model = load_tasks(manifest, [name for name in order if name != record.name], objects, generator)
    rebuild_task(model, record.name, record.draws_on, record.networks[GENERATOR].settings, file.tensors)
    return model
