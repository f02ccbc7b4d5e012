"""Writing to a registry: by one process at a time, and a task in all of its networks at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from piggygan.errors import RegistryError, RegistryLockedError
from piggygan.files.regular import make_folder
from piggygan.registry.candidates import Candidate, check_belongs
from piggygan.registry.locking import LockKind, check_lock_kind, locked
from piggygan.registry.manifest import SCHEMA_VERSION, Manifest, TaskInNetwork, TaskRecord
from piggygan.registry.store import ObjectStore


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
    objects: ObjectStore,
) -> Manifest:
    """Store a task's objects in every network, and return the one manifest that names them.

    Args:
        manifest: What the registry holds; None if nothing yet.
        record: What is recorded of the task, but for its parts of the networks.
        candidates: The task as it is in each network.
        objects: Where the objects go; alone they do no harm.

    Raises:
        TaskExistsError, BankMismatchError: If the registry cannot take it; nothing is stored then.
        OSError: If the system refused.
    """
    check_belongs(candidates, manifest)
    parts = {network: _stored(candidate, objects) for network, candidate in candidates.items()}
    added = replace(record, networks=parts)
    if manifest is None:
        networks = {network: candidate.network for network, candidate in candidates.items()}
        return Manifest(SCHEMA_VERSION, record.name, networks, (added,))
    return replace(manifest, tasks=(*manifest.tasks, added))


def _stored(candidate: Candidate, objects: ObjectStore) -> TaskInNetwork:
    weights = objects.put(candidate.weights)
    certificate = candidate.evidence.store(objects)
    bank = {name: candidate.source_digests[name] for name in candidate.draws_on}
    return TaskInNetwork(candidate.settings, weights, bank, certificate)
