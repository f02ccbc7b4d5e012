"""A list of files, as `find` or a person writes it."""

from __future__ import annotations

import os
from pathlib import Path

from piggygan.errors import DatasetError
from piggygan.files.regular import shown


def read_file_list(content: bytes) -> list[Path]:
    r"""Read paths that are separated by NUL bytes; or by line ends, if there is no NUL byte.

    ``find -print0`` writes the one, everything else the other: a path cannot hold a NUL byte, so it is clear which.

    Example:
        >>> read_file_list(b"a.png\nb c.png\r\n") == read_file_list(b"a.png\0b c.png\0")
        True
        >>> read_file_list(b"two\nlines.png\0")
        [PosixPath('two\nlines.png')]
    """
    if b"\0" in content:
        names = content.split(b"\0")
    else:
        names = [line.removesuffix(b"\r") for line in content.split(b"\n")]
    return [Path(os.fsdecode(name)) for name in names if name]


def read_file_list_at(path: Path) -> list[Path]:
    """Read a list from a file.

    Raises:
        DatasetError: If it cannot be read.
    """
    try:
        return read_file_list(path.read_bytes())
    except OSError as error:
        raise DatasetError(f"the list of files {shown(path)} cannot be read: {error.strerror}.") from error
