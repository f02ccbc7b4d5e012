"""One writer at a time: the registry's lock, who holds it, and what file system and modes allow.

The lock is ``flock`` on the file ``.lock``: the kernel frees it when its holder dies, however that happens. Who holds
it stands in a note beside it, written by the holder; the note locks nothing, it only lets an error say whom to ask.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import filelock

from piggygan.errors import ConfigurationError, PiggyganError, RegistryError, RegistryLockedError
from piggygan.files.regular import read_regular_file
from piggygan.files.strict_json import decode, parse_json
from piggygan.terminal.escaping import escaped

LOCK_NAME = ".lock"
SOFT_LOCK_NAME = ".lock-soft"  # not the same: the file of a flock stays when it is free
HOLDER_NAME = ".lock-holder"
MAX_NOTE_SIZE = 4096

LockKind = Literal["flock", "soft"]

_NO_FLOCK = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)


@dataclass(frozen=True)
class Holder:
    """Who holds a lock or a lease.

    Attributes:
        pid: Process.
        host: Machine.
        since: Since when, UTC, ISO 8601.
    """

    pid: int
    host: str
    since: str

    def __str__(self) -> str:
        # A note is a file that anyone may have written: nothing of it may move a terminal's cursor.
        return escaped(f"process {self.pid} on {self.host} since {self.since}")


def this_process() -> Holder:
    """Describe the process that asks."""
    return Holder(os.getpid(), socket.gethostname(), datetime.now(UTC).isoformat(timespec="seconds"))


def check_lock_kind(kind: str) -> None:
    """Refuse what is no kind of lock.

    Raises:
        ConfigurationError: If it is neither ``"flock"`` nor ``"soft"``.
    """
    if kind not in ("flock", "soft"):
        raise ConfigurationError(f"lock is {kind!r}; it is 'flock', or 'soft' where the file system has no flock.")


@contextmanager
def locked(folder: Path, kind: LockKind, timeout: float) -> Iterator[None]:
    """Hold the lock of a registry's folder, which exists.

    Args:
        folder: The registry's folder.
        kind: ``"flock"``; or ``"soft"``, a file whose being there is the lock, where there is no flock.
        timeout: Seconds to wait.

    Raises:
        RegistryLockedError: If another held it all that time; says who.
        RegistryError: If the file system has no ``flock``.
        OSError: If the lock file could not be opened.
    """
    lock: filelock.BaseFileLock
    if kind == "soft":
        lock = filelock.SoftFileLock(folder / SOFT_LOCK_NAME)
    else:
        _check_flock(folder / LOCK_NAME)
        lock = filelock.FileLock(folder / LOCK_NAME)
    try:
        lock.acquire(timeout=timeout)
    except filelock.Timeout as error:
        raise RegistryLockedError(
            f"{folder} has been locked by {_holder(folder) or _stranger(folder)} for {timeout:g} seconds."
        ) from error
    owner = os.getpid()
    try:
        with _named(folder / HOLDER_NAME):
            yield
    finally:
        if os.getpid() == owner:  # and not a forked child, whose release would be its parent's
            lock.release()


def is_locked(descriptor: int) -> bool:
    """Say whether another holds the ``flock`` of an open file; where there is no flock, that cannot be excluded.

    Others who ask at the same time are none: all of them ask for a shared lock.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        if isinstance(error, BlockingIOError) or error.errno in _NO_FLOCK:
            return True
        raise
    return False


def warn_if_anyone_may_write(folder: Path) -> None:
    """Warn of a folder whose files any user of the machine may exchange."""
    try:
        mode = folder.stat().st_mode
    except OSError:
        return  # whoever reads or writes there says what is wrong
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        warnings.warn(
            f"any user of this machine may write to {folder}, and so exchange a registry for another: chmod o-w.",
            stacklevel=3,
        )


def _check_flock(path: Path) -> None:
    """Refuse a file system without flock; filelock would quietly take a soft lock there, and others would not."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    except OSError as error:
        if error.errno not in _NO_FLOCK:
            raise
        raise RegistryError(
            f"the file system of {path.parent} has no file locks ({error.strerror}): two writers at once could lose "
            f"each other's tasks. Keep the registry elsewhere, or let every program that writes to it open it as "
            f"TaskRegistry(folder, lock='soft')."
        ) from error
    finally:
        os.close(descriptor)


@contextmanager
def _named(note: Path) -> Iterator[None]:
    """Leave a note of the holder while the lock is held; a full disk must not keep anyone from deleting."""
    with suppress(OSError):
        note.unlink(missing_ok=True)
        descriptor = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(asdict(this_process())).encode())
    owner = os.getpid()
    try:
        yield
    finally:
        with suppress(OSError):
            if os.getpid() == owner:
                note.unlink(missing_ok=True)


def _holder(folder: Path) -> Holder | None:
    """Read the holder's note; it may be gone, or half written."""
    try:
        return decode(Holder, parse_json(read_regular_file(folder / HOLDER_NAME, max_size=MAX_NOTE_SIZE)), "the holder")
    except (ValueError, FileNotFoundError, PiggyganError):
        return None


def _stranger(folder: Path) -> str:
    """Say who holds the lock without a note: anyone who may read ``.lock`` can. Linux tells; elsewhere nobody does."""
    try:
        node = (folder / LOCK_NAME).stat().st_ino
        kinds = (line.split()[1:] for line in Path("/proc/locks").read_text(encoding="ascii").splitlines())
        holder = next(int(kind[3]) for kind in kinds if kind[0] == "FLOCK" and kind[4].endswith(f":{node}"))
        process = Path(f"/proc/{holder}")
        program, owner = (process / "comm").read_text(encoding="utf-8").strip(), process.stat().st_uid
    except (OSError, ValueError, IndexError, StopIteration):
        return "another process"
    return escaped(
        f"process {holder} ({program}) of the user with the number {owner}, which wrote no note of itself: any program "
        f"that may read {LOCK_NAME} can hold it, and then nobody can write. Wait for it, or end it: it was locked"
    )
