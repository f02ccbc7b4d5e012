"""A registry's head: the file of its manifest, read, pinned and replaced as a whole."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from piggygan.errors import ConfigurationError, CorruptFileError, RegistryError
from piggygan.files.durable import write_durably
from piggygan.files.memory import collector_paused, enough_memory
from piggygan.files.regular import read_regular_file
from piggygan.registry.locking import warn_if_anyone_may_write
from piggygan.registry.manifest import Manifest, manifest_from_bytes, manifest_to_bytes
from piggygan.registry.outline import places_from_bytes
from piggygan.registry.provenance import Member
from piggygan.registry.sealing import FILE_NAME, MAX_MANIFEST_SIZE

T = TypeVar("T")
TRIES = 10
"""How often something is read again because the registry was changed meanwhile."""

_PIN = re.compile(r"sha256:[0-9a-f]{64}")


class Head:
    """The manifest in a registry's folder.

    Args:
        folder: The registry's folder.
        expect: SHA-256 of the file, as ``sha256:...``: no other is taken. What is written here becomes expected.

    Raises:
        ConfigurationError: If ``expect`` is no digest.
    """

    def __init__(self, folder: Path, expect: str | None) -> None:
        if expect is not None and not _PIN.fullmatch(expect):
            raise ConfigurationError(
                f"expect is {expect!r}; needed is sha256: and 64 lower-case hexadecimal digits, as sha256sum prints "
                f"them of {FILE_NAME}."
            )
        self._folder = folder
        self._expect = expect

    def read(self) -> Manifest | None:
        """Return the manifest, or None where there is none yet.

        Raises:
            CorruptFileError, FormatVersionError: If it cannot be read, or is not the one that is expected.
        """
        return self._read(manifest_from_bytes)

    def places(self) -> dict[str, Member | None] | None:
        """Return for each task its place in an ensemble, or None where there is no manifest yet; errors likewise."""
        return self._read(places_from_bytes)

    def existing(self) -> Manifest:
        """Return the manifest.

        Raises:
            RegistryError: If there is none.
            CorruptFileError, FormatVersionError: As of :meth:`read`.
        """
        return self.there(self.read())

    def there(self, found: T | None) -> T:
        """Return what was read of the manifest; a RegistryError if there is none."""
        if found is None:
            raise self._absent()
        return found

    def digest(self) -> str:
        """Return what ``expect`` would pin.

        Raises:
            RegistryError: If there is no manifest, or it cannot be read.
        """
        try:
            return digest_of(self._bytes())
        except FileNotFoundError as error:
            raise self._absent() from error

    def write(self, manifest: Manifest) -> None:
        """Replace the manifest.

        Raises:
            OSError: If the system refused.
        """
        self.put(manifest_to_bytes(manifest))

    def put(self, data: bytes) -> None:
        """Replace the file."""
        write_durably(self._folder / FILE_NAME, data)
        self._expect = self._expect and digest_of(data)

    def is_expected(self, data: bytes) -> bool:
        """Say whether these bytes are those that are expected; False where nothing is."""
        return self._expect is not None and digest_of(data) == self._expect

    def steadily(self, read: Callable[[Manifest], T], is_whole: Callable[[T], bool] = lambda _: True) -> T:
        """Read what a manifest names; again, if it was replaced meanwhile and something could not be read.

        Another process may have removed a task and its files since, or put them back.

        Args:
            read: Reads it.
            is_whole: Whether everything was there.
        """
        for _ in range(TRIES):
            before = self._stamp()
            try:
                found = read(self.existing())
            except CorruptFileError:
                if self._stamp() == before:
                    raise
            else:
                if is_whole(found) or self._stamp() == before:
                    return found
        return read(self.existing())

    def _read(self, read: Callable[[bytes], T]) -> T | None:
        with enough_memory(f"to read {FILE_NAME}"):
            for folder in (self._folder, self._folder / "objects"):
                warn_if_anyone_may_write(folder)
            try:
                data = self._bytes()
            except FileNotFoundError:
                return None
            with collector_paused():
                return read(data)

    def _absent(self) -> RegistryError:
        return RegistryError(f"there is no registry in {self._folder} (no {FILE_NAME}): check the path.")

    def _bytes(self) -> bytes:
        data = read_regular_file(self._folder / FILE_NAME, max_size=MAX_MANIFEST_SIZE)
        if self._expect is not None and self._expect != (found := digest_of(data)):
            raise CorruptFileError(
                f"{self._folder / FILE_NAME} is {found}, expected was {self._expect}: it is another registry, or it "
                f"was changed since. See who changed it, or put back the copy that is meant."
            )
        return data

    def _stamp(self) -> tuple[int, ...]:
        """Tell one writing of the file from the next, even of the same bytes."""
        try:
            status = (self._folder / FILE_NAME).lstat()
        except OSError:
            return ()
        return status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def digest_of(data: bytes) -> str:
    """Return the digest of a head's bytes, as it is pinned."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
