"""Files that survive: durable atomic writes, and objects named by the SHA-256 of their bytes.

A process can be killed and a machine can lose power between any two instructions here; what was there before is
then still there, whole. A file named by its digest can be checked by anyone who reads it, is the same file in
every copy of a registry, and is never changed.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from piggygan.errors import CorruptFileError, RegistryError
from piggygan.files.durable import opened_folder, write_durably
from piggygan.files.regular import make_folder, opened_regular_file

MAX_OBJECT_SIZE = 2**34
"""The largest object that is read, in bytes: 16 GiB, some 80 times a U-Net."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class StoredObject:
    """What is needed to read an object back, and to know that it is the same.

    Attributes:
        digest: SHA-256 of its bytes, 64 lower-case hexadecimal digits; also its file's name.
        size: Length in bytes.
    """

    digest: str
    size: int

    def __post_init__(self) -> None:
        check_digest(self.digest)
        if not 0 <= self.size <= MAX_OBJECT_SIZE:
            raise ValueError(f"an object of {self.size} bytes; the most is {MAX_OBJECT_SIZE}")


def check_digest(digest: str) -> None:
    """Refuse what is no digest.

    Raises:
        ValueError: If so.
    """
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"{digest[:80]!r} is not a SHA-256 digest of 64 lower-case hexadecimal digits")


class ObjectStore:
    """A folder of files named by the SHA-256 of their bytes.

    Args:
        folder: Where the objects are; made when the first one is put in.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, stored: StoredObject) -> Path:
        """Return where an object is, or would be."""
        return self._folder / f"{stored.digest}.safetensors"

    def name(self, stored: StoredObject) -> str:
        """Return how messages call an object: its path inside the registry."""
        return f"{self._folder.name}/{stored.digest}.safetensors"

    def is_folder(self, stored: StoredObject) -> bool:
        """Say whether a folder has the name of an object: no file can take its place."""
        path = self.path(stored)
        return path.is_dir() and not path.is_symlink()

    def put(self, data: bytes) -> StoredObject:
        """Store ``data`` durably; an object that is there already is kept, one that was damaged is replaced.

        Raises:
            OSError: If it could not be written; nothing is left of it then.
            RegistryError: If a folder has its name, or took that of the store.
        """
        stored = StoredObject(hashlib.sha256(data).hexdigest(), len(data))
        make_folder(self._folder)
        with _opened(self._folder) as folder:
            try:
                self._checked(stored, folder)
            except CorruptFileError:
                if self.is_folder(stored):
                    raise RegistryError(
                        f"{self.name(stored)} is a folder, where a file should be: move it away."
                    ) from None
                write_durably(self.path(stored), data, folder=folder)
            else:
                # Whoever put it there may have been killed before its name was on the disk.
                os.fsync(folder)
            if not os.path.samestat(os.fstat(folder), self._folder.lstat()):
                raise RegistryError(f"{self._folder} was exchanged for another folder or a link while it was written.")
        return stored

    def holds(self, stored: StoredObject) -> bool:
        """Say whether an object is there, whole: all of it is read."""
        try:
            self.get(stored)
        except CorruptFileError:
            return False
        return True

    def get(self, stored: StoredObject) -> bytes:
        """Return an object's bytes, checked.

        Raises:
            CorruptFileError: If it is missing, no regular file, or not what its digest says.
            RegistryError: If the system does not let it be read, or the folder is a link.
        """
        try:
            with _opened(self._folder) as folder:
                return self._checked(stored, folder)
        except FileNotFoundError as error:
            raise self._unusable(stored, "is missing") from error

    @contextmanager
    def opened(self, stored: StoredObject) -> Iterator[BinaryIO]:
        """Open an object that is as long as it should be, for a reader who checks by himself what he reads.

        Raises:
            CorruptFileError, RegistryError: As of :meth:`get`, but that nobody looks at the digest.
        """
        try:
            with _opened(self._folder) as folder, self._regular(stored, folder) as file:
                yield file
        except FileNotFoundError as error:
            raise self._unusable(stored, "is missing") from error

    def _checked(self, stored: StoredObject, folder: int) -> bytes:
        # All of it is read before any of it is used: what a mapped file holds could change after it was checked.
        with self._regular(stored, folder) as file:
            data = file.read(stored.size)
        if hashlib.sha256(data).hexdigest() != stored.digest:
            raise self._unusable(stored, "is damaged: its SHA-256 is not its name")
        return data

    @contextmanager
    def _regular(self, stored: StoredObject, folder: int) -> Iterator[BinaryIO]:
        opened = opened_regular_file(self.path(stored), max_size=stored.size, folder=folder)
        with ExitStack() as stack:
            try:
                file, size = stack.enter_context(opened)
            except FileNotFoundError as error:
                raise self._unusable(stored, "is missing") from error
            except CorruptFileError as error:
                raise self._unusable(stored, f"cannot be used ({error})") from error
            if size < stored.size:
                raise self._unusable(stored, f"has {size} bytes, not {stored.size}: it was cut")
            yield file

    def _unusable(self, stored: StoredObject, problem: str) -> CorruptFileError:
        return CorruptFileError(
            f"{self.name(stored)} {problem}. The file of this name in any copy of the registry can replace it: "
            f"`piggygan repair REGISTRY --from COPY`."
        )


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """Open a folder that must not be a link, which could lead out of the registry."""
    with ExitStack() as stack:
        try:
            descriptor = stack.enter_context(opened_folder(folder, follow=False))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise RegistryError(f"{folder} is no folder that can be read, or a link: {error.strerror}.") from error
        yield descriptor
