"""Leases: while one is held, the tasks it names cannot be removed, and ``gc`` spares their files.

A training run that draws on a bank for hours holds no lock, so that others can commit meanwhile; a lease says what it
needs. It is a file in ``leases/`` under ``flock``: the kernel frees it when its holder dies, and ``gc`` sweeps it up.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from piggygan.errors import CorruptFileError, RegistryError, TaskInUseError
from piggygan.files.durable import opened_folder
from piggygan.files.regular import make_folder
from piggygan.files.strict_json import decode, parse_json
from piggygan.registry.locking import Holder, LockKind, is_locked, this_process
from piggygan.registry.sealing import MAX_MANIFEST_SIZE

FOLDER_NAME = "leases"
SUFFIX = ".lease"


@dataclass(frozen=True)
class Lease:
    """What one process needs of a registry.

    Attributes:
        holder: The process.
        lock: ``"flock"``: it lasts as long as its file is locked; ``"soft"``: until its file is deleted.
        tasks: Tasks that must not be removed.
        objects: Digests of their objects.
    """

    holder: Holder
    lock: str
    tasks: tuple[str, ...]
    objects: tuple[str, ...]


@contextmanager
def written(folder: Path, lock: LockKind, tasks: Iterable[str], objects: Set[str]) -> Iterator[Path]:
    """Write a lease's file and hold its lock until the ``with`` block ends; then the file is deleted.

    A forked child that leaves the block ends nothing: the lease is its parent's.

    Raises:
        OSError: If the system refused.
    """
    make_folder(folder)
    owner = os.getpid()
    path = folder / f"{owner}-{secrets.token_hex(8)}{SUFFIX}"
    with opened_folder(folder, follow=False) as inside:
        # It gets its name when it is locked and whole: whoever looks at leases meanwhile takes locks too.
        unnamed = f".{path.name}.tmp"
        descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666, dir_fd=inside)
        try:
            if lock == "flock":
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lease = Lease(this_process(), lock, tuple(tasks), tuple(sorted(objects)))
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                file.write(json.dumps(asdict(lease)).encode())
            os.rename(unnamed, path.name, src_dir_fd=inside, dst_dir_fd=inside)
            yield path
        finally:
            if os.getpid() == owner:
                for name in (unnamed, path.name):
                    with suppress(OSError):  # what cannot be deleted is unlocked below, and swept up as a dead one's
                        os.unlink(name, dir_fd=inside)
            os.close(descriptor)


def live_leases(folder: Path) -> dict[str, Lease]:
    """Return the leases that somebody holds, by file name. Under the registry's lock, so that none is half made.

    Raises:
        CorruptFileError: If a live one cannot be understood: what it needs is then unknown.
    """
    try:
        with opened_folder(folder, follow=False) as inside:
            with os.scandir(inside) as entries:
                names = sorted(entry.name for entry in entries if entry.name.endswith(SUFFIX))
            found = {name: _lease_if_live(folder / name, inside) for name in names}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RegistryError(f"{folder} is no folder that can be read, or a link: {error.strerror}.") from error
    return {name: lease for name, lease in found.items() if lease is not None}


def check_free(folder: Path, task: str) -> None:
    """Refuse to remove a task that somebody holds a lease on. Under the registry's lock.

    Raises:
        TaskInUseError: Naming who.
        CorruptFileError: As of :func:`live_leases`.
    """
    for name, lease in live_leases(folder).items():
        if task in lease.tasks:
            raise TaskInUseError(
                f"task {task!r} is in use by {lease.holder}, which holds {FOLDER_NAME}/{name}: wait until that has "
                f"ended."
            )


def _lease_if_live(path: Path, folder: int) -> Lease | None:
    try:
        descriptor = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        return None  # given up meanwhile
    except OSError as error:
        raise RegistryError(f"the lease {path} cannot be read: {error.strerror}.") from error
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(min(os.fstat(descriptor).st_size, MAX_MANIFEST_SIZE))
        held = is_locked(descriptor)
    try:
        lease = decode(Lease, parse_json(data), "the lease")
    except ValueError as error:
        if not held:
            return None
        raise CorruptFileError(
            f"{path} is held by a running process and damaged ({error}): end that process, or wait until it has ended."
        ) from error
    return lease if held or lease.lock == "soft" else None
