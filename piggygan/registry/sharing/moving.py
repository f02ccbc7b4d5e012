"""Push and pull: what is lacking on the other side travels, and counts when all of it is there and sound."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from piggygan.errors import CorruptFileError, RegistryError
from piggygan.files.memory import enough_memory
from piggygan.registry import leases
from piggygan.registry.head import Head, digest_of
from piggygan.registry.leaving import leaving_file
from piggygan.registry.locking import LockKind
from piggygan.registry.manifest import Manifest, TaskRecord, manifest_from_bytes, manifest_to_bytes
from piggygan.registry.sharing.addresses import open_remote
from piggygan.registry.sharing.merging import merged
from piggygan.registry.sharing.remote import Remote
from piggygan.registry.signatures import Signature, signatures_from_bytes, signatures_to_bytes
from piggygan.registry.signed import FOLDER_NAME as SIGNATURES
from piggygan.registry.signed import SignedTasks
from piggygan.registry.store import ObjectStore, StoredObject
from piggygan.registry.writing import WriteLock

CARD = "README.md"


@dataclass(frozen=True)
class Moved:
    """What a push or a pull did.

    Attributes:
        url: The other side.
        tasks: Tasks that were not there before, or not with all of their attachments.
        objects: Files of theirs that travelled; what was there already did not.
        bytes: Their bytes.
        head: SHA-256 of the manifest afterwards, for ``expect``.

    Example:
        >>> Moved("file:///srv/clinic", ("lungs",), 3, 2_000_000, "sha256:...").tasks
        ('lungs',)
    """

    url: str
    tasks: tuple[str, ...]
    objects: int
    bytes: int
    head: str


def push(
    folder: str | os.PathLike[str],
    url: str,
    *,
    tasks: Iterable[str] | None = None,
    card: str | None = None,
    public: bool = False,
) -> Moved:
    """Bring tasks of a registry, and what they draw on, to another place.

    Only the tasks' tensors, their certificates and signatures travel: no checkpoint, no picture, no log. Tasks that are
    there already stay as they are. All of it counts at once, when it is there.

    Args:
        folder: Folder of the registry.
        url: ``hf://owner/name`` or ``file:///path``.
        tasks: Which; None: all.
        card: Text of the ``README.md`` there; None: it is left as it is.
        public: Whether a repository that is made can be seen by everyone.

    Returns:
        What travelled.

    Raises:
        ConfigurationError: If ``url`` is no such address.
        TaskNotFoundError: If there is no such task.
        TaskExistsError, BankMismatchError: If the other side has another task of that name, or other generators.
        CorruptFileError: If a file is damaged, here or there; nothing counts there then.
        RegistryError: If there is no registry, or the other side cannot be reached.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import piggygan as pg
        >>> model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2), "facades")
        >>> model.freeze_task("facades")
        >>> with TemporaryDirectory() as folder:
        ...     pg.TaskRegistry(f"{folder}/clinic").commit(model, "facades")
        ...     push(f"{folder}/clinic", f"file://{folder}/share").tasks
        ('facades',)
    """
    place, remote = Path(folder).absolute(), open_remote(url, public=public)
    objects, signed = ObjectStore(place / "objects"), SignedTasks(place, None)
    with enough_memory("to push this registry"):
        mine = Head(place, None).existing()
        before = _their_manifest(remote)
        after = merged(before, mine, tasks)
        new = _changed(before, after)
        shared = [record for record in after.tasks if record.name in mine.by_name]
        lacking = [stored for stored in _objects(new) if not remote.has(stored)]
        for stored in set(_objects(new)).difference(lacking):
            objects.get(stored)  # what is damaged here is not counted on there; what is sent is checked then
        small = {} if card is None or card.encode() == remote.small(CARD) else {CARD: card.encode()}
        for record in shared:
            if given := signed.of(mine, record.name):
                theirs = _signatures(remote, record)
                if (signatures := _joined(given, theirs)) != theirs:
                    small[_file(record)] = signatures_to_bytes(signatures)
        head = manifest_to_bytes(after)
        if new or small:
            remote.write(lacking, objects, small, head)
    return Moved(remote.url, tuple(record.name for record in new), *_amount(lacking), digest_of(head))


def pull(
    url: str,
    folder: str | os.PathLike[str],
    *,
    tasks: Iterable[str] | None = None,
    expect: str | None = None,
    signers: Iterable[str] | None = None,
    lock: LockKind = "flock",
    lock_timeout: float = 60.0,
) -> Moved:
    """Bring tasks from another place, and what they draw on, into a registry.

    What arrives is checked against its digests and certificates before it counts. A pull that was interrupted goes on
    with what is lacking still.

    Args:
        url: ``hf://owner/name``, ``hf://owner/name@revision`` or ``file:///path``.
        folder: Folder of the registry; made if it is not there.
        tasks: Which; None: all.
        expect: SHA-256 of the other side's ``registry.json``, as ``sha256:...``; no other is taken.
        signers: Public keys, one of which has to have signed each task that is new here; None: nothing need be signed.
        lock: As of :class:`~piggygan.TaskRegistry`.
        lock_timeout: As of :class:`~piggygan.TaskRegistry`.

    Returns:
        What travelled.

    Raises:
        ConfigurationError: If ``url`` is no such address, or one of ``signers`` no key.
        TaskNotFoundError: If the other side has no such task.
        TaskExistsError, BankMismatchError: If this registry has another task of that name, or other generators.
        CorruptFileError: If what arrives is not what it should be, or not signed; nothing counts then.
        FormatVersionError: If a newer piggygan wrote it.
        RegistryLockedError, RegistryError: As of :meth:`piggygan.TaskRegistry.commit`, and if there is nothing to pull.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import piggygan as pg
        >>> model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2), "facades")
        >>> model.freeze_task("facades")
        >>> with TemporaryDirectory() as folder:
        ...     pg.TaskRegistry(f"{folder}/share").commit(model, "facades")
        ...     moved = pull(f"file://{folder}/share", f"{folder}/mine")
        ...     moved.objects, pg.TaskRegistry(f"{folder}/mine").verify().is_sound
        (3, True)
    """
    place, remote = Path(folder).absolute(), open_remote(url)
    head, objects, signed = Head(place, None), ObjectStore(place / "objects"), SignedTasks(place, signers)
    writing = WriteLock(place, lock, lock_timeout)
    with enough_memory("to pull this registry"), ExitStack() as held:
        theirs = _their_manifest(remote, expect)
        if theirs is None:
            raise RegistryError(f"there is no registry at {remote.url}, or none that you may see: check the address.")
        before = head.read()
        chosen = None if tasks is None else list(tasks)
        after = merged(before, theirs, chosen)
        new = _changed(before, after)
        signatures = {one.name: given for one in theirs.tasks if (given := _signatures(remote, one))}
        for record in new:
            signed.check_given(after, record.name, signatures.get(record.name, ()))
        with writing.held("the lease", "taken"):
            digests = {stored.digest for stored in _objects(new)}
            held.enter_context(leases.written(place / leases.FOLDER_NAME, lock, (), digests))
        lacking = [stored for stored in _objects(new) if not objects.holds(stored)]
        for stored in lacking:
            _bring(remote, stored, objects)
        for record in new:
            leaving_file(after, record.name, objects)  # tensors and outputs are those of the certificates
        with writing.held("what was pulled", "committed"):
            after = merged(head.read(), theirs, chosen)
            for name in signatures.keys() & after.by_name.keys():
                if (all_ := _joined(mine := signed.of(after, name), signatures[name])) != mine:
                    signed.store(name, all_)
            if new:
                head.write(after)
    return Moved(
        remote.url, tuple(record.name for record in new), *_amount(lacking), digest_of(manifest_to_bytes(after))
    )


def _their_manifest(remote: Remote, expect: str | None = None) -> Manifest | None:
    data = remote.head()
    if data is None:
        return None
    if expect not in (None, found := digest_of(data)):
        raise CorruptFileError(f"{remote.url} has the head {found}, expected was {expect}: see who changed it.")
    try:
        return manifest_from_bytes(data)
    except RegistryError as error:
        raise type(error)(f"{remote.url}: {error}") from error


def _changed(before: Manifest | None, after: Manifest) -> list[TaskRecord]:
    """List tasks that are new, and those that have an attachment more."""
    return [record for record in after.tasks if before is None or before.by_name.get(record.name) != record]


def _objects(records: Iterable[TaskRecord]) -> list[StoredObject]:
    """List objects once each, in the order in which they are needed."""
    return list(dict.fromkeys(stored for one in records for stored in one.objects))


def _amount(objects: list[StoredObject]) -> tuple[int, int]:
    return len(objects), sum(stored.size for stored in objects)


def _bring(remote: Remote, stored: StoredObject, objects: ObjectStore) -> None:
    data = remote.get(stored)
    if hashlib.sha256(data).hexdigest() != stored.digest:
        raise CorruptFileError(f"{remote.url}: what came for {objects.name(stored)} has another SHA-256; pull again.")
    objects.put(data)


def _file(record: TaskRecord) -> str:
    return f"{SIGNATURES}/{record.name}.json"


def _signatures(remote: Remote, record: TaskRecord) -> tuple[Signature, ...]:
    data = remote.small(_file(record))
    return () if data is None else signatures_from_bytes(data, f"{remote.url}: {_file(record)}")


def _joined(given: tuple[Signature, ...], more: tuple[Signature, ...]) -> tuple[Signature, ...]:
    """Add signatures by keys that have none among the given."""
    return (*given, *(one for one in more if one.key not in {known.key for known in given}))
