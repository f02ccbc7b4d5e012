"""Writing to a registry: by one process at a time, and a task in all of its networks at once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from piggygan.errors import RegistryError, RegistryLockedError, TaskExistsError, TaskInUseError
from piggygan.files.regular import make_folder
from piggygan.registry.attachments import check_count
from piggygan.registry.candidates import Candidate, check_belongs
from piggygan.registry.ensembles import check_ensembles
from piggygan.registry.locking import LockKind, check_lock_kind, locked
from piggygan.registry.manifest import Manifest, TaskRecord
from piggygan.registry.sealing import SCHEMA_VERSION
from piggygan.registry.store import ObjectStore
from piggygan.registry.task_parts import TaskInNetwork


class WriteLock:
    """The right to write to a registry, which one process has at a time.

    Args:
        folder: The registry's folder; made when it is first written to.
        kind: As of :func:`~piggygan.registry.locking.locked`.
        timeout: Seconds that a writer waits for another one.

    Raises:
        ConfigurationError: If there is no such kind.
    """

    def __init__(self, folder: Path, kind: LockKind, timeout: float) -> None:
        check_lock_kind(kind)
        self.kind = kind
        self._folder = folder
        self._timeout = timeout

    @contextmanager
    def held(self, what: str, done: str) -> Iterator[None]:
        """Hold the lock; whatever the system refuses meanwhile is a RegistryError.

        Args:
            what: What messages say of what is written, such as ``the lease``.
            done: And of what was to become of it, such as ``taken``.

        Raises:
            RegistryLockedError: If another process has held it for ``timeout`` seconds.
            RegistryError: If it could not be written.
        """
        try:
            make_folder(self._folder)
            with locked(self._folder, self.kind, self._timeout):
                yield
        except RegistryLockedError as error:
            raise RegistryLockedError(f"{error} So {what} was not {done}: try again when that has ended.") from error
        except (OSError, MemoryError) as error:
            problem = "there is not enough memory" if isinstance(error, MemoryError) else error
            raise RegistryError(
                f"{what} was not safely {done} in {self._folder}: {problem}. All else is as it was; see that there is "
                f"room on the disk and in memory, and that it may be written; look what is listed, and try again."
            ) from error


def with_task(
    manifest: Manifest | None,
    record: TaskRecord,
    candidates: Mapping[str, Candidate],
    attached: Mapping[str, bytes],
    objects: ObjectStore,
) -> Manifest:
    """Store a task's objects in every network, and return the one manifest that names them.

    Args:
        manifest: What the registry holds; None if nothing yet.
        record: What is recorded of the task, but for its parts of the networks and its attachments.
        candidates: The task as it is in each network.
        attached: Its attachments, as :func:`~piggygan.registry.attachments.attachment_to_bytes` writes them.
        objects: Where the objects go; alone they do no harm.

    Raises:
        TaskExistsError, BankMismatchError: If the registry cannot take it; nothing is stored then.
        InputError: If it does not go together with the other members of its ensemble.
        OSError: If the system refused.
    """
    check_belongs(candidates, manifest)
    held = [(task.name, task.member, task.settings) for task in manifest.tasks] if manifest else []
    check_ensembles([*held, (record.name, record.member, {name: one.settings for name, one in candidates.items()})])
    parts = {network: _stored(candidate, objects) for network, candidate in candidates.items()}
    added = replace(record, networks=parts, attachments={name: objects.put(data) for name, data in attached.items()})
    if manifest is None:
        networks = {network: candidate.network for network, candidate in candidates.items()}
        return Manifest(SCHEMA_VERSION, record.name, networks, (added,))
    return replace(manifest, tasks=(*manifest.tasks, added))


def with_attachment(manifest: Manifest, record: TaskRecord, name: str, data: bytes, objects: ObjectStore) -> Manifest:
    """Store an attachment of a task that is there, and return the manifest that names it.

    Raises:
        TaskExistsError: If the task has another one of this name; nothing is stored then.
        InputError: If it has 8 others.
        OSError: If the system refused.
    """
    known = record.attachments.get(name)
    if known and known.digest != hashlib.sha256(data).hexdigest():
        raise TaskExistsError(
            f"task {record.name!r} has another attachment {name!r} already, which is never overwritten: give yours "
            f"another name."
        )
    check_count({*record.attachments, name})
    changed = replace(record, attachments={**record.attachments, name: objects.put(data)})
    return replace(manifest, tasks=tuple(changed if one is record else one for one in manifest.tasks))


def check_unneeded(manifest: Manifest, task: str, leaving: Collection[str]) -> None:
    """Refuse to forget a task that others need.

    Args:
        manifest: What the registry holds.
        task: The task.
        leaving: All that are forgotten together.

    Raises:
        TaskInUseError: If others draw on it, or it is the base task.
    """
    if users := [name for name, sources in manifest.sources.items() if task in sources and name not in leaving]:
        raise TaskInUseError(f"{', '.join(users)} draw on {task!r}: remove those first.")
    if task == manifest.base_task:
        raise TaskInUseError(f"{task!r} is the base task, which a registry begins with: delete the folder.")


def _stored(candidate: Candidate, objects: ObjectStore) -> TaskInNetwork:
    weights = objects.put(candidate.weights)
    certificate = candidate.evidence.store(objects)
    bank = {name: candidate.source_digests[name] for name in candidate.draws_on}
    return TaskInNetwork(candidate.settings, weights, bank, certificate)
