"""Opening the files of strangers: once, regular files only, names shown escaped, no warnings of the parsers."""

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

from piggygan.errors import ImageError, InputTooLargeError, PiggyganError

MAX_PIXELS = 64 * 1024 * 1024
"""Pixels of the largest image that is decoded unless a caller says otherwise: 8192 x 8192."""
MAX_SIDE = 65_535
"""Pixels of the longest side that is decoded: more than that JPEG and DICOM cannot write."""
_BYTES_A_PIXEL = 8
"""Of what is not compressed: four samples of 16 bits. DICOM takes less."""
_ROOM_FOR_HEADERS = 1 << 24


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


def read_content(path: Path, *, max_pixels: int = MAX_PIXELS) -> bytes:
    """Open a regular file, once, and read all of it: what is said of it later is said of these bytes.

    Args:
        path: The file.
        max_pixels: Files too large for so many pixels are refused before they are read.

    Raises:
        ImageError: As of :func:`open_regular`, or if it cannot be read, or was written to meanwhile.
        InputTooLargeError: If it is too large.
    """
    largest = largest_content(max_pixels)
    with open_regular(path) as file:
        try:
            before = os.fstat(file.fileno())
            if before.st_size > largest:
                raise InputTooLargeError(
                    f"{shown(path)} cannot be used: it has {before.st_size} bytes; an image of {max_pixels} pixels has "
                    f"fewer."
                )
            content = file.read(before.st_size)  # not read(): the file may be growing
            after = os.fstat(file.fileno())
        except OSError as error:
            raise ImageError(f"{shown(path)} could not be read: {error.strerror or error}.") from error
    # The head of one film and the pixels of another would be neither.
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ImageError(f"{shown(path)} was written to while it was read; read it again when that is done.")
    return content


def largest_content(max_pixels: int) -> int:
    """Say how many bytes a file of so many pixels has at most."""
    return _BYTES_A_PIXEL * max_pixels + _ROOM_FOR_HEADERS


def check_size(path: Path, width: int, height: int, max_pixels: int) -> None:
    """Refuse a picture that is too large, before memory is taken for it.

    Raises:
        InputTooLargeError: If it has more than ``max_pixels`` pixels, or a side of more than :data:`MAX_SIDE`.
    """
    if width * height > max_pixels:
        raise InputTooLargeError(
            f"{shown(path)} has {width} x {height} pixels; at most {max_pixels} are decoded. Make it smaller, "
            f"or raise max_pixels if you trust the file."
        )
    if max(width, height) > MAX_SIDE:
        raise InputTooLargeError(f"{shown(path)} has {width} x {height} pixels; a side has at most {MAX_SIDE}.")


@contextmanager
def failures_named(path: Path) -> Iterator[None]:
    """Turn whatever else goes wrong while one file is read into an ImageError that names its kind.

    What libraries raise on the files of strangers is no promise, and their texts may quote a patient's name. A file
    that takes too much memory is such a file; the next one may do.
    """
    try:
        yield
    except PiggyganError:
        raise
    except Exception as error:
        raise ImageError(f"{shown(path)} cannot be used: reading it failed ({type(error).__name__}).") from None


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep the warnings of Pillow and pydicom quiet: what matters in a file is checked by piggygan itself.

    Several threads may be inside at once; what others warn of meanwhile is lost, so keep the block short.
    """
    with _quiet:
        yield
