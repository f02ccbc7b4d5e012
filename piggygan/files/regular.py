"""Regular files only: links, pipes and devices are refused before anything is read through them."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from piggygan.errors import CorruptFileError, ImageError, RegistryError
from piggygan.files.durable import sync_folder

_REFUSED_BY_KIND = (errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR, errno.ENOTDIR)


def shown(path: Path) -> str:
    r"""Write a path for a message, in quotes and with unprintable characters escaped.

    Example:
        >>> shown(Path("two\nlines.png"))
        "'two\\nlines.png'"
    """
    return repr(str(path))


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; the caller closes it.

    Raises:
        ImageError: If there is no such file, it may not be read, or it is a folder, pipe, socket or device.
    """
    try:
        # Without O_NONBLOCK opening a pipe that nobody writes to would wait forever. (Windows has neither.)
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ImageError(f"{shown(path)} could not be opened: {reason}.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ImageError(f"{shown(path)} is not a regular file; give the path of an image file.")
    return os.fdopen(descriptor, "rb")


@contextmanager
def opened_regular_file(path: Path, *, max_size: int, folder: int | None = None) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file that must be a regular one, not a link, and not larger than expected; gives it and its size.

    Args:
        path: The file.
        max_size: The most bytes it may have.
        folder: Its folder, opened: then it is read there, whatever has taken the folder's name meanwhile.

    Raises:
        FileNotFoundError: If there is none.
        CorruptFileError: If it is a link, a folder, a device or a pipe, or too large.
        RegistryError: If the system does not let it be read.
    """
    try:
        # O_NONBLOCK: opening a pipe would wait for a writer.
        name = path if folder is None else path.name
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise CorruptFileError(f"{path.name} is not a regular file")
            if status.st_size > max_size:
                raise CorruptFileError(f"{path.name} has {status.st_size} bytes, at most {max_size} were expected")
            yield file, status.st_size
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in _REFUSED_BY_KIND:
            raise CorruptFileError(f"{path.name} is not a regular file") from error
        raise RegistryError(f"{path.name} cannot be read: {error.strerror}.") from error


def read_regular_file(path: Path, *, max_size: int, folder: int | None = None) -> bytes:
    """Read such a file; arguments and errors as of :func:`opened_regular_file`."""
    with opened_regular_file(path, max_size=max_size, folder=folder) as (file, size):
        try:
            return file.read(size)  # what it is, not what it might be: the memory is taken beforehand
        except MemoryError as error:
            raise RegistryError(f"{path.name} has {size} bytes, for which there is no memory.") from error


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that their names survive a power loss.

    Raises:
        OSError: If the system refused.
    """
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
