"""Files that are there whole or not at all, at any moment, power loss included."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TEMPORARY = re.compile(r"\..+\.[0-9]+\.[0-9a-f]{8}\.tmp")


def write_durably(path: Path, data: bytes, *, folder: int | None = None) -> None:
    """Write a file so that at any moment, power loss included, either the old or the whole new one is there.

    Args:
        path: The file; a link of this name is replaced, not followed.
        data: All of its bytes.
        folder: Its folder, opened: then it is written there, whatever has taken the folder's name meanwhile.

    Raises:
        OSError: If the system refused. The old file is as it was, and no temporary file is left; only if the
            very last step failed (the folder's fsync) is the new file in place, without the promise that it
            survives a power loss.
    """
    if folder is None:
        with opened_folder(path.parent) as own:
            return write_durably(path, data, folder=own)
    temporary = f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
    try:
        # 0o666 is what an ordinary file asks for: the umask decides who may read it.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        descriptor = os.open(temporary, flags, 0o666, dir_fd=folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)
    return None


def sweep_killed(folder: Path) -> None:
    """Delete what writers that were killed left in a folder, into which nobody may be writing now.

    Raises:
        OSError: If the system refused.
    """
    for path in folder.iterdir():
        if _TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make what was written into a folder's list of files last, power loss included."""
    with opened_folder(folder) as descriptor:
        os.fsync(descriptor)


@contextmanager
def opened_folder(folder: Path, *, follow: bool = True) -> Iterator[int]:
    """Open a folder, to work in it by its descriptor: whoever exchanges its name then leads nobody elsewhere.

    Args:
        folder: Its path.
        follow: False: refuse a link, which could lead out of where it stands.

    Raises:
        OSError: If there is none, it may not be read, or it is a link and these are not followed.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | (0 if follow else os.O_NOFOLLOW))
    try:
        yield descriptor
    finally:
        os.close(descriptor)
