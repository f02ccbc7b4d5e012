"""A task leaves a registry: what a file of it says and holds."""

from __future__ import annotations

from piggygan.errors import CorruptFileError
from piggygan.files.digests import tensors_digest
from piggygan.files.tensors import tensors_from_bytes
from piggygan.registry.building import read_tensors
from piggygan.registry.certificates import read_probe
from piggygan.registry.exchange import TaskFile, TaskPart
from piggygan.registry.manifest import Manifest
from piggygan.registry.rebuilding import needed_tasks
from piggygan.registry.signatures import Signature
from piggygan.registry.store import ObjectStore
from piggygan.registry.task_headers import FORMAT_VERSION, ZEROS, Header


def needed_digests(manifest: Manifest, task: str) -> dict[str, dict[str, str]]:
    """Return by network the digest of the tensors of every other task that one needs, directly or not."""
    needed = [name for name in needed_tasks([manifest.base_task, task], manifest.sources) if name != task]
    return {
        network: {name: manifest.by_name[name].networks[network].certificate.tensors_digest for name in needed}
        for network in manifest.networks
    }


def leaving_file(
    manifest: Manifest, task: str, objects: ObjectStore, signatures: tuple[Signature, ...] = ()
) -> TaskFile:
    """Read all that a task's file will hold.

    Raises:
        CorruptFileError: If one of its objects is missing or damaged, or the manifest does not agree with itself.
    """
    record = manifest.by_name[task]
    parts = {}
    for network, part in record.networks.items():
        probe, outputs = read_probe(objects, part.certificate)
        if tensors_digest({"outputs": outputs}) != part.certificate.outputs_digest:
            raise CorruptFileError(
                f"task {task!r} cannot leave, for {objects.name(part.certificate.outputs)} has other outputs than were "
                f"certified: take the task from a copy of the registry."
            )
        tensors = read_tensors(record, objects, network)
        if part.settings.stored is not None:  # they travel as they are stored
            tensors = tensors_from_bytes(objects.get(part.weights), objects.name(part.weights))
        parts[network] = TaskPart(tensors, probe, outputs)
    needs = needed_digests(manifest, task)
    try:
        header = Header(FORMAT_VERSION, ZEROS, manifest.base_task, dict(manifest.networks), needs, record)
    except ValueError as error:
        raise CorruptFileError(
            f"task {task!r} cannot be exported, for the manifest contradicts itself: {error}."
        ) from error
    attachments = {name: objects.get(stored) for name, stored in record.attachments.items()}
    return TaskFile(header, parts, attachments, signatures)
