"""What a file holds, read once, and the limits that keep a film from taking all memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from piggygan.errors import ImageError, InputTooLargeError, PiggyganError
from piggygan.files.regular import open_regular, shown
from piggygan.files.unwritten import unwritten

MAX_PIXELS = 64 * 1024 * 1024
"""Pixels of the largest image that is decoded unless a caller says otherwise: 8192 x 8192."""
MAX_SIDE = 65_535
"""Pixels of the longest side that is decoded: more than that JPEG and DICOM cannot write."""
_BYTES_A_PIXEL = 8
"""Of what is not compressed: four samples of 16 bits. DICOM takes less."""
_ROOM_FOR_HEADERS = 1 << 24


def read_content(path: Path, *, max_pixels: int = MAX_PIXELS) -> bytes:
    """Open a regular file, once, and read all of it: what is said of it later is said of these bytes.

    Args:
        path: The file.
        max_pixels: Files too large for so many pixels are refused before they are read.

    Raises:
        ImageError: As of :func:`open_regular`, or if it cannot be read, or another program writes to it meanwhile;
            see :func:`~piggygan.files.unwritten.unwritten` for how that is known.
        InputTooLargeError: If it is too large.
    """
    with open_regular(path) as file:
        try:
            # The head of one film and the pixels of another would be neither.
            with unwritten(file.fileno()):
                before = os.fstat(file.fileno())
                check_content_size(path, before.st_size, max_pixels)
                content = file.read(before.st_size)  # not read(): the file may be growing
                after = os.fstat(file.fileno())
        except OSError as error:
            raise ImageError(f"{shown(path)} could not be read: {error.strerror or error}.") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ImageError(f"{shown(path)} was written to while it was read; read it again when that is done.")
    return content


def check_content_size(path: Path, size: int, max_pixels: int) -> None:
    """Refuse a file of so many bytes if no image of so many pixels has them.

    Raises:
        InputTooLargeError: If it is too large.
    """
    if size > largest_content(max_pixels):
        raise InputTooLargeError(
            f"{shown(path)} cannot be used: it has {size} bytes; an image of {max_pixels} pixels has fewer."
        )


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
