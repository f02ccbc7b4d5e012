"""Files that are there whole or not at all, at any moment, power loss included."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_durably(path: Path, data: bytes) -> None:
    """Write a file so that at any moment, power loss included, either the old or the whole new one is there.

    Args:
        path: The file; a link of this name is replaced, not followed.
        data: All of its bytes.

    Raises:
        OSError: If the system refused. The old file is as it was, and no temporary file is left; only if the
            very last step failed (the folder's fsync) is the new file in place, without the promise that it
            survives a power loss.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        # 0o666 is what an ordinary file asks for: the umask decides who may read it.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make what was written into a folder's list of files last, power loss included."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
