"""Opening the files of strangers: regular files only, names shown escaped, no warnings of the parsers."""

from __future__ import annotations

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

_taking_turns = threading.Lock()


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

    Python swaps a list of the whole process for that, so threads take turns: keep the block short.
    """
    with _taking_turns, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
