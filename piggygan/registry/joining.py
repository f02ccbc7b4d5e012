"""A task from a file joins a registry: it is built on the bank that is there, and its certificate computed anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from torch import nn

from piggygan.errors import CorruptFileError
from piggygan.files.tensors import tensors_to_bytes
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry.architectures import plain_generator
from piggygan.registry.building import as_they_were, load_tasks, loading_order
from piggygan.registry.candidates import Candidate, check_belongs
from piggygan.registry.certificates import Evidence, judge
from piggygan.registry.exchange import TaskFile
from piggygan.registry.manifest import Manifest
from piggygan.registry.rebuilding import rebuild_base, rebuild_task
from piggygan.registry.store import ObjectStore


def joining_candidates(
    file: TaskFile,
    manifest: Manifest | None,
    objects: ObjectStore,
    generators: Callable[[Iterable[str]], Mapping[str, nn.Module | None]],
) -> dict[str, Candidate]:
    """Make a task in a file ready to be committed, in each network, with the certificates that it came with.

    Args:
        file: The task.
        manifest: What the registry holds; None if nothing yet.
        objects: Its files.
        generators: Gives for each network the caller's generator, as for the registry's ``load``.

    Raises:
        TaskExistsError, BankMismatchError: If the registry cannot take it.
        CorruptFileError: If it does not compute what its certificate says.
        ConfigurationError: If a generator is needed and none is given.
    """
    candidates = {network: _candidate(file, network) for network in file.parts}
    check_belongs(candidates, manifest)
    for network, generator in generators(candidates).items():
        model = _built(file, network, manifest, objects, generator).cpu()  # where certificates are made
        part, record = file.parts[network], file.header.record
        result = judge(model, record.name, record.networks[network].certificate, part.probe, part.outputs)
        if not result.is_sound:
            raise CorruptFileError(
                f"the file of task {record.name!r} is not what its certificate says: {result.reason}."
            )
    return candidates


def _candidate(file: TaskFile, network: str) -> Candidate:
    header, record, part = file.header, file.header.record, file.parts[network]
    stored = record.networks[network]
    certificate = stored.certificate
    return Candidate(
        task=record.name,
        draws_on=record.draws_on,
        base_task=header.base_task,
        network=header.networks[network],
        layers=None,
        settings=stored.settings,
        source_digests=header.needs[network],
        weights=tensors_to_bytes(part.tensors, part.tensors),  # its own file has named them
        evidence=Evidence(certificate.tensors_digest, part.probe, part.outputs, certificate.recipe),
    )


def _built(
    file: TaskFile, network: str, manifest: Manifest | None, objects: ObjectStore, generator: nn.Module | None
) -> MultiTaskGenerator:
    header, record = file.header, file.header.record
    tensors = as_they_were(file.parts[network].tensors, record.networks[network].settings.stored, "the file")
    if manifest is None:
        kept = header.networks[network]
        plain = plain_generator(kept.architecture, tensors, generator)
        return rebuild_base(plain, header.base_task, kept.wrapping, tensors)
    order = loading_order(manifest, record.draws_on, {record.name: record.draws_on})
    model = load_tasks(manifest, [name for name in order if name != record.name], objects, generator, network)
    rebuild_task(model, record.name, record.draws_on, record.networks[network].settings, tensors)
    return model
