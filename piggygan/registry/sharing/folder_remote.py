"""A registry in another folder, such as a share that several machines see: ``file:///srv/registries/clinic``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from piggygan.errors import CorruptFileError, RegistryError
from piggygan.files.durable import write_durably
from piggygan.files.regular import make_folder, read_regular_file
from piggygan.registry.sealing import FILE_NAME, MAX_MANIFEST_SIZE
from piggygan.registry.sharing.remote import MAX_SMALL_SIZE
from piggygan.registry.store import ObjectStore, StoredObject
from piggygan.registry.writing import WriteLock

LOCK_TIMEOUT = 60.0


class FolderRemote:
    """A folder; it is an ordinary registry itself.

    Args:
        folder: Where; made by the first push.
    """

    def __init__(self, folder: Path) -> None:
        self.url = f"file://{folder}"
        self._folder = folder
        self._objects = ObjectStore(folder / "objects")
        self._read: bytes | None = None

    def head(self) -> bytes | None:
        """Return ``registry.json``; None: there is none."""
        self._read = self._head_now()
        return self._read

    def has(self, stored: StoredObject) -> bool:
        """Say whether an object of that name and size is there."""
        path = self._objects.path(stored)
        return path.is_file() and path.stat().st_size == stored.size

    def get(self, stored: StoredObject) -> bytes:
        """Return an object's bytes."""
        return self._objects.get(stored)

    def small(self, name: str) -> bytes | None:
        """Return a small file."""
        try:
            return read_regular_file(self._folder / name, max_size=MAX_SMALL_SIZE)
        except FileNotFoundError:
            return None

    def write(
        self, objects: Iterable[StoredObject], source: ObjectStore, small: Mapping[str, bytes], head: bytes
    ) -> None:
        """Copy objects and small files, then the head, while no other may write there."""
        with WriteLock(self._folder, "flock", LOCK_TIMEOUT).held(f"what goes to {self.url}", "written"):
            if self._head_now() != self._read:
                raise RegistryError(f"{self.url} was written to by another since it was read: push again.")
            for stored in objects:
                self._objects.put(source.get(stored))
            for name, data in small.items():
                make_folder((self._folder / name).parent)
                write_durably(self._folder / name, data)
            write_durably(self._folder / FILE_NAME, head)

    def _head_now(self) -> bytes | None:
        try:
            return read_regular_file(self._folder / FILE_NAME, max_size=MAX_MANIFEST_SIZE)
        except FileNotFoundError:
            return None
        except CorruptFileError as error:
            raise CorruptFileError(f"{self.url}: {error}.") from error
