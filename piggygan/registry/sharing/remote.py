"""What a place is that registries are pushed to and pulled from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from piggygan.registry.store import ObjectStore, StoredObject

MAX_SMALL_SIZE = 2**20
"""Bytes of the largest file beside the objects and ``registry.json``."""


class Remote(Protocol):
    """A registry somewhere else, as one state of it: what is read belongs together.

    Every method raises a RegistryError if the place cannot be reached or its files are larger than they may be.

    Attributes:
        url: How messages call it.
    """

    url: str

    def head(self) -> bytes | None:
        """Return its ``registry.json``; None: nothing was pushed there yet."""

    def has(self, stored: StoredObject) -> bool:
        """Say whether an object is there, by name and size; its bytes are not read."""

    def get(self, stored: StoredObject) -> bytes:
        """Return an object's bytes, not yet checked; never more than its size.

        Raises:
            CorruptFileError: If it is not there, or not of its size.
        """

    def small(self, name: str) -> bytes | None:
        """Return a small file beside the objects, such as ``signatures/lungs.json``; None: there is none."""

    def write(
        self, objects: Iterable[StoredObject], source: ObjectStore, small: Mapping[str, bytes], head: bytes
    ) -> None:
        """Add objects and small files, then the head, so that it counts as a whole or not at all.

        Args:
            objects: Which; those that are there already are not sent.
            source: Where they are.
            small: Small files by name.
            head: The new ``registry.json``.

        Raises:
            CorruptFileError: If an object is damaged where it is.
            RegistryError: If it could not be written, or another wrote since :meth:`head` was read.
        """
