"""A file that nobody writes to while it is read, so that what is read is never half old and half new."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

QUIET_SECONDS = 0.1
"""A file that was changed longer ago than this is taken to be whole where the system cannot say who writes to it."""
PATIENCE_SECONDS = 2.0
"""How long a reader waits for that."""
_POLL_SECONDS = 0.01
_READ_LEASE = getattr(fcntl, "F_RDLCK", None) if hasattr(fcntl, "F_SETLEASE") else None


@contextmanager
def unwritten(descriptor: int) -> Iterator[None]:
    """Keep writers away from an open file until the block ends.

    On Linux a read lease does it: the system grants one of a file of one's own that nobody has open for writing, and
    whoever opens it for writing meanwhile waits until the block ends. Where there is no lease to be had (another
    owner's file, another system, a program that keeps the file open), the block begins once the file has been left
    alone for :data:`QUIET_SECONDS`; a writer that pauses for longer is noticed then by time and size at most.

    Args:
        descriptor: Of the file, open for reading.

    Raises:
        TimeoutError: If it was still being written to after :data:`PATIENCE_SECONDS`.
        OSError: If the file's state cannot be read.

    Example:
        >>> from tempfile import TemporaryFile
        >>> with TemporaryFile() as file, unwritten(file.fileno()):
        ...     file.read()
        b''
    """
    given_up = time.monotonic() + PATIENCE_SECONDS
    while not (leased := _take_lease(descriptor)) and _age(descriptor) < QUIET_SECONDS:
        if time.monotonic() > given_up:
            raise TimeoutError(errno.ETIMEDOUT, "another program is writing to it; read it again when that is done")
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        if leased:
            with suppress(OSError):  # the system took it back from a reader that was too slow for a writer
                fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)  # closing is not enough: a forked child has it


def _take_lease(descriptor: int) -> bool:
    if _READ_LEASE is None:
        return False
    try:
        # A waiting writer is announced by a signal; the usual one, SIGIO, would end the process.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, _READ_LEASE)
    except OSError:
        return False
    return True


def _age(descriptor: int) -> float:
    """Seconds since a file was changed; a time in the future, as of a server whose clock is ahead, says nothing."""
    age = time.time() - os.fstat(descriptor).st_mtime
    return age if age >= 0 else QUIET_SECONDS
