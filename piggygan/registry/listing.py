"""What a registry says of itself: all that its manifest alone tells."""

from __future__ import annotations

from pathlib import Path

from piggygan.registry.building import found
from piggygan.registry.ensembles import ensembles, members, resolve, versions
from piggygan.registry.head import Head
from piggygan.registry.manifest import TaskRecord


class Listing:
    """A registry's names and records; no object is read.

    Args:
        folder: The registry's folder.
        expect: As of :class:`~piggygan.registry.head.Head`.
    """

    def __init__(self, folder: Path, expect: str | None) -> None:
        self._folder = folder
        self._head = Head(folder, expect)

    @property
    def folder(self) -> Path:
        """Where the registry is."""
        return self._folder

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the committed tasks in the order of their commits, the base task first; empty if there are none.

        Of thousands of tasks the names alone are read, with the manifest's checksum.

        Raises:
            CorruptFileError, FormatVersionError: If the manifest cannot be read.
        """
        return tuple(self._head.places() or ())

    @property
    def records(self) -> tuple[TaskRecord, ...]:
        """What was recorded of every task, in the order of :attr:`tasks`; only the manifest is read.

        Raises:
            CorruptFileError, FormatVersionError: If the manifest cannot be read.
        """
        manifest = self._head.read()
        return manifest.tasks if manifest else ()

    def describe(self, task: str) -> TaskRecord:
        """Return what was recorded of a task.

        Raises:
            TaskNotFoundError: If there is none of this name.
            CorruptFileError, FormatVersionError: If the manifest cannot be read.
        """
        return found(self._head.existing(), task)

    def versions(self, name: str) -> tuple[str, ...]:
        """Return all versions of a task, or of an ensemble, the oldest first: ``lungs``, ``lungs@2``, ``lungs@3``.

        Args:
            name: Its name, of any version.

        Raises:
            TaskNotFoundError: If there is none of this name, or only some members of the ensemble.
            CorruptFileError, FormatVersionError: If the manifest cannot be read.
        """
        return versions(self._head.there(self._head.places()), name)

    def resolve(self, name: str) -> str:
        """Return what a user means: by ``lungs`` its newest version, by ``lungs@1`` or ``lungs@2`` that one.

        Every other call takes names exactly: ``load(["lungs"])`` loads the first version.

        Raises:
            TaskNotFoundError, CorruptFileError, FormatVersionError: As of :meth:`versions`.
        """
        return resolve(self._head.there(self._head.places()), name)

    def members(self, name: str) -> tuple[str, ...]:
        """Return the tasks behind a name: the members of an ensemble in their order, or the one task.

        Args:
            name: As of :meth:`resolve`.

        Raises:
            TaskNotFoundError, CorruptFileError, FormatVersionError: As of :meth:`versions`.
        """
        return members(self._head.there(self._head.places()), name)

    @property
    def ensembles(self) -> dict[str, tuple[str, ...]]:
        """For each ensemble its members that are here, in their order; one that lacks some cannot be used.

        Raises:
            CorruptFileError, FormatVersionError: If the manifest cannot be read.
        """
        return ensembles(self._head.places() or {})

    @property
    def needs_generator(self) -> bool:
        """True if the generator is a class of the user's own: then :meth:`load` and :meth:`verify` need one.

        Raises:
            CorruptFileError, FormatVersionError: If the manifest cannot be read.
        """
        return any(network.architecture.class_name is None for network in self._head.existing().networks.values())

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the networks that each task is in, in alphabetical order: those that the first commit had.

        Raises:
            CorruptFileError, FormatVersionError: If the manifest cannot be read.
        """
        manifest = self._head.read()
        return tuple(manifest.networks) if manifest else ()

    @property
    def digest(self) -> str:
        """SHA-256 of ``registry.json``, as ``sha256:...``: what ``expect`` pins. It names every file's digest.

        Raises:
            RegistryError: If there is no registry.
            CorruptFileError, FormatVersionError: If the manifest cannot be read.
        """
        return self._head.digest()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._folder)!r})"
