"""Opening the files of strangers: regular files only, names shown escaped, no warnings of the parsers."""

from __future__ import annotations

import logging
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from piggygan.errors import ImageError

MAX_PIXELS = 64 * 1024 * 1024
"""Pixels of the largest image that is decoded unless a caller says otherwise: 8192 x 8192."""


class _Quiet:
    """Keeps warnings and pydicom's log away while anybody asks for it: both quote values, names of patients too.

    Python swaps a list of the whole process for that.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._former: warnings.catch_warnings[None] | None = None
        self._log = logging.getLogger("pydicom")
        self._log.addHandler(logging.NullHandler())  # for loggers below it, which "disabled" does not reach
        self._log_before = False, True

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._former = warnings.catch_warnings()
                self._former.__enter__()
                warnings.simplefilter("ignore")
                self._log_before = self._log.disabled, self._log.propagate
                self._log.disabled, self._log.propagate = True, False

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._former is not None:
                self._former.__exit__(None, None, None)
                self._log.disabled, self._log.propagate = self._log_before


_quiet = _Quiet()


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
def without_warnings() -> Iterator[None]:
    """Keep the warnings of Pillow and pydicom quiet: what matters in a file is checked by piggygan itself.

    Several threads may be inside at once; what others warn of meanwhile is lost, so keep the block short.
    """
    with _quiet:
        yield
