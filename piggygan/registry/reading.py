"""Committed tasks out of a registry: built, verified, exported. Nothing of the registry is changed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from torch import Tensor, nn

from piggygan.errors import ConfigurationError
from piggygan.files.memory import enough_memory
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry.building import found, load_tasks, loading_order, read_attachment
from piggygan.registry.by_network import Generators, by_network, chosen_network
from piggygan.registry.exchange import TaskFile, write_task_file
from piggygan.registry.leaving import leaving_file
from piggygan.registry.listing import Listing
from piggygan.registry.manifest import Manifest
from piggygan.registry.plain import plain_network
from piggygan.registry.signed import SignedTasks
from piggygan.registry.store import ObjectStore
from piggygan.registry.verification import Verification, files_verified, verified


class Reading(Listing):
    """A registry as everyone has it who may only read: any number may, while one commits.

    Args:
        folder: The registry's folder.
        expect: As of :class:`~piggygan.registry.head.Head`.
        signers: As of :class:`~piggygan.registry.signed.SignedTasks`.
    """

    def __init__(self, folder: Path, expect: str | None, signers: Iterable[str] | None) -> None:
        super().__init__(folder, expect)
        self._signed = SignedTasks(folder, signers)
        self._objects = ObjectStore(folder / "objects")

    def load(
        self,
        tasks: Iterable[str] | None = None,
        generator: nn.Module | None = None,
        *,
        network: str | None = None,
    ) -> MultiTaskGenerator:
        """Build a model of committed tasks; every one is frozen, and the model is in evaluation mode.

        Only the files of these tasks and of those that they draw on are read.

        Args:
            tasks: Names; None: all. The base task and what they draw on come along.
            generator: For a generator of your own, one made as the first was. It is copied; its weights do not matter.
                The model is where it is; without one, on the CPU.
            network: Which of several networks, such as ``"forward"``; the files of the others are not read.

        Raises:
            TaskNotFoundError: If there is no such task.
            ConfigurationError: If a generator is needed and none is given, there is no such network, or there are
                several and none is named.
            BankMismatchError: If the generator is not the registry's, or stored files do not belong together.
            CorruptFileError: If a file is missing or damaged; other tasks can be loaded all the same.
            FormatVersionError: If a newer piggygan wrote the registry.
        """
        wanted = None if tasks is None else task_names(tasks)

        def read(manifest: Manifest) -> MultiTaskGenerator:
            order = loading_order(manifest, manifest.by_name if wanted is None else wanted)
            self._signed.check(manifest, order)
            return load_tasks(manifest, order, self._objects, generator, chosen_network(manifest, network))

        with enough_memory("to load these tasks"):
            return self._head.steadily(read)

    def load_plain(self, task: str, generator: nn.Module | None = None, *, network: str | None = None) -> nn.Module:
        """Build one task as an ordinary network, in evaluation mode: what ``load([task]).fold_task(task)`` gives.

        The tasks that it draws on are not built, so the twentieth is about as fast and as small as the second.

        Args:
            task: Its exact name.
            generator: As for :meth:`load`.
            network: As for :meth:`load`.

        Raises:
            TaskNotFoundError, ConfigurationError, BankMismatchError, CorruptFileError, FormatVersionError: As
                :meth:`load`.

        Example:
            >>> from tempfile import TemporaryDirectory
            >>> import piggygan as pg
            >>> model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2), "facades")
            >>> model.freeze_task("facades")
            >>> with TemporaryDirectory() as folder:
            ...     registry = pg.TaskRegistry(folder)
            ...     registry.commit(model, "facades")
            ...     type(registry.load_plain("facades")).__name__
            'UNetGenerator'
        """

        def read(manifest: Manifest) -> nn.Module:
            self._signed.check(manifest, loading_order(manifest, [task]))
            return plain_network(manifest, task, self._objects, generator, chosen_network(manifest, network))

        with enough_memory("to load this task"):
            return self._head.steadily(read)

    def attachment(self, task: str, name: str) -> dict[str, Tensor]:
        """Return an attachment of a task, its digest checked.

        Args:
            task: The task's name.
            name: The attachment's; ``describe(task).attachments`` has them all.

        Raises:
            TaskNotFoundError: If there is no such task.
            RegistryError: If it has no such attachment.
            CorruptFileError: If its file is missing or damaged, or the task is not signed as is required.
            FormatVersionError: If a newer piggygan wrote the registry.
        """

        def read(manifest: Manifest) -> dict[str, Tensor]:
            record = found(manifest, task)
            self._signed.check(manifest, [task])
            return read_attachment(record, name, self._objects)

        with enough_memory("to read this attachment"):
            return self._head.steadily(read)

    def verify(self, generator: Generators = None) -> Verification:
        """Compute every certificate again; nothing is changed.

        Damage of one task is reported of it and of those that cannot be built without it; the others are checked.

        Args:
            generator: As for :meth:`load`.

        Returns:
            One result a task and network, in the order of :attr:`tasks`, and notes on what belongs to no task.

        Raises:
            ConfigurationError, BankMismatchError: If the generator is missing, or not the registry's.
            CorruptFileError, FormatVersionError: If the manifest cannot be read.
        """

        def read(manifest: Manifest) -> Verification:
            found = verified(manifest, self._objects, self._folder, by_network(generator, manifest.networks))
            return self._signed.judged(manifest, found)

        with enough_memory("to verify this registry"):
            return self._head.steadily(read, lambda found: found.is_sound)

    def verify_files(self) -> Verification:
        """Check every file against its digest and certificate, without computing outputs; nothing is changed.

        Needs no generator, and a fraction of the time and memory of :meth:`verify`.

        Raises:
            CorruptFileError, FormatVersionError: If the manifest cannot be read.
        """

        def read(manifest: Manifest) -> Verification:
            return self._signed.judged(manifest, files_verified(manifest, self._objects, self._folder))

        with enough_memory("to read this registry"):
            return self._head.steadily(read, lambda found: found.is_sound)

    def export_task(self, task: str, path: str | os.PathLike[str]) -> None:
        """Write a task into one file, for another registry that holds the same bank.

        Args:
            task: Its name; the base task can be exported too.
            path: The file, ending in ``.safetensors``; it must not be there yet.

        Raises:
            TaskNotFoundError: If there is none of this name.
            CorruptFileError: If one of its files is missing or damaged.
            RegistryError: If the file is there already, or could not be written.
        """

        def read(manifest: Manifest) -> TaskFile:
            found(manifest, task)
            self._signed.check(manifest, loading_order(manifest, [task]))
            return leaving_file(manifest, task, self._objects, self._signed.of(manifest, task))

        with enough_memory("to export this task"):
            write_task_file(Path(path), self._head.steadily(read))


def task_names(tasks: Iterable[str]) -> list[str]:
    """Return names of tasks as a list.

    Raises:
        ConfigurationError: If it is one text, whose letters would be taken for names.
    """
    if isinstance(tasks, str):
        raise ConfigurationError(f"tasks is the text {tasks!r}; give a list of names: [{tasks!r}].")
    return list(tasks)
