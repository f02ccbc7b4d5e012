"""What keeps a registry in order while tasks come and go: leases, the collection of what nothing needs, and repair."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from piggygan.errors import RegistryError
from piggygan.files.durable import sync_folder
from piggygan.files.memory import enough_memory
from piggygan.registry import leases
from piggygan.registry.building import loading_order
from piggygan.registry.leftovers import Collected, survey, sweep
from piggygan.registry.locking import LockKind
from piggygan.registry.reading import Reading, task_names
from piggygan.registry.repairing import Repair, copied_head, repaired
from piggygan.registry.writing import WriteLock


class Upkeep(Reading):
    """A registry as those have it who may write, but for what changes which tasks there are.

    Args:
        folder: The registry's folder.
        lock: As of :class:`~piggygan.registry.writing.WriteLock`.
        lock_timeout: Likewise.
        expect: As of :class:`~piggygan.registry.head.Head`.
        signers: As of :class:`~piggygan.registry.signed.SignedTasks`.
    """

    def __init__(
        self, folder: Path, lock: LockKind, lock_timeout: float, expect: str | None, signers: Iterable[str] | None
    ) -> None:
        self._lock = WriteLock(folder, lock, lock_timeout)
        super().__init__(folder, expect, signers)
        self._leases = folder / leases.FOLDER_NAME

    def gc(self) -> Collected:
        """Delete what no task and no live lease needs: objects of removed tasks, and what killed processes left.

        Files that piggygan did not make are left alone. Where there is no manifest nothing is deleted: it may only
        have been lost.

        Returns:
            What was deleted, and how many bytes that freed.

        Raises:
            CorruptFileError, FormatVersionError: If the manifest or a live lease cannot be read.
            RegistryLockedError, RegistryError: As of :meth:`commit`.
        """
        self._head.existing()
        with self._lock.held("what nothing needs", "removed"):
            needed = {digest for record in self._head.existing().tasks for digest in record.digests}
            live = leases.live_leases(self._leases)
            leased = {digest for lease in live.values() for digest in lease.objects}
            # A manifest whose rename is not on the disk yet could give way to the one before, which needs more.
            sync_folder(self._folder)
            return sweep(self._folder, survey(self._folder, needed | leased, live))

    def repair(self, source: str | os.PathLike[str]) -> Repair:
        """Put back damaged and missing objects from where the same bytes still are.

        Objects are known by their digests, so the source need not be trusted. A damaged ``registry.json`` is put back
        only where this registry was opened with ``expect`` and the copy has the very one.

        Args:
            source: Folder of a copy of the registry, a folder of objects, or the file of an exported task.

        Returns:
            What was put back, and what could not be had.

        Raises:
            RegistryError: If there is no such source, or this registry's own ``registry.json`` is missing.
            CorruptFileError, FormatVersionError: If ``registry.json`` cannot be read.
            RegistryLockedError: As of :meth:`commit`.
        """
        source = Path(source)
        if not self._folder.is_dir():
            self._head.existing()  # which says so; nothing is made
        with enough_memory("to repair this registry"), self._lock.held("what is damaged", "put back"):
            try:
                manifest = self._head.existing()
            except RegistryError:
                if not (data := copied_head(source)) or not self._head.is_expected(data):
                    raise
                self._head.put(data)
                manifest = self._head.existing()
            return repaired(manifest, self._objects, source)

    @contextmanager
    def lease(self, tasks: Iterable[str]) -> Iterator[None]:
        """Keep tasks, and what they draw on, from being removed while a ``with`` block runs.

        Meant for a training run, whose later commit needs what it draws on. Nobody is kept from committing. When the
        process and those that it forked inside the block have died, its lease is void (a ``"soft"`` one when its file
        in ``leases`` is deleted).

        Raises:
            TaskNotFoundError: If there is no such task.
            RegistryLockedError, RegistryError: As of :meth:`commit`.
        """
        wanted = task_names(tasks)
        self._head.existing()
        with ExitStack() as held:
            with self._lock.held("the lease", "taken"):
                manifest = self._head.existing()
                needed = loading_order(manifest, wanted)
                objects = {digest for name in needed for digest in manifest.by_name[name].digests}
                held.enter_context(leases.written(self._leases, self._lock.kind, needed, objects))
            yield
