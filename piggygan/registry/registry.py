"""TaskRegistry: committed tasks in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, SupportsFloat, SupportsIndex

from torch import Tensor

from piggygan.files.memory import enough_memory
from piggygan.registry import leases
from piggygan.registry.attachments import attachment_to_bytes, attachments_to_bytes
from piggygan.registry.building import found, loading_order
from piggygan.registry.by_network import Generators, Networks, by_network, check_everywhere
from piggygan.registry.candidates import (
    Candidate,
    check_recorded,
    checked_image_size,
    checked_scores,
    new_record,
    prepare,
)
from piggygan.registry.ensembles import named
from piggygan.registry.exchange import read_task_file
from piggygan.registry.joining import joining_candidates
from piggygan.registry.leaving import leaving_file
from piggygan.registry.locking import LockKind
from piggygan.registry.manifest import TaskRecord
from piggygan.registry.probes import GivenProbe
from piggygan.registry.provenance import Member, TrainingData
from piggygan.registry.signatures import Signature
from piggygan.registry.upkeep import Upkeep
from piggygan.registry.writing import check_unneeded, with_attachment, with_task


class TaskRegistry(Upkeep):
    """Committed tasks in a folder: durable, checked on every read, and never changed.

    Reading needs no right to write. Any number of processes may read while one commits; a commit becomes visible
    at once, as a whole. The folder may be moved and copied.

    Args:
        folder: Where it is or will be; made by the first commit.
        lock_timeout: Seconds that a writer waits for another one.
        lock: ``"flock"``, which the kernel frees when its holder dies; ``"soft"`` for a file system without it: a
            file whose being there is the lock, which a killed holder may leave. All writers must use the same.
        expect: SHA-256 of its ``registry.json``, as ``sha256:...``: a registry with another is not read. What is
            committed or removed through this object moves it on.
        signers: Public keys, as :func:`piggygan.registry.new_key` returns them: only tasks that one of these signed are
            loaded, exported or imported, and :meth:`verify` calls others damaged. None: nothing need be signed.

    Raises:
        ConfigurationError: If ``lock`` is neither, ``expect`` no digest, or one of ``signers`` no key.

    Example:
        >>> import tempfile
        >>> from torch import nn
        >>> from piggygan import MultiTaskGenerator
        >>> folder = tempfile.TemporaryDirectory()
        >>> generator = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 1))
        >>> model = MultiTaskGenerator(generator, base_task="facades")
        >>> model.freeze_task("facades")
        >>> registry = TaskRegistry(folder.name)
        >>> registry.commit(model, "facades", scores={"l1": 0.25})
        >>> registry.tasks
        ('facades',)
        >>> fresh = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 1))
        >>> registry.load(generator=fresh).tasks
        ('facades',)
        >>> [str(result) for result in registry.verify(generator=fresh)]
        ['facades: equal']
        >>> folder.cleanup()
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        lock_timeout: float = 60.0,
        lock: LockKind = "flock",
        expect: str | None = None,
        signers: Iterable[str] | None = None,
    ) -> None:
        # A later chdir does not move it.
        super().__init__(Path(folder).absolute(), lock, lock_timeout, expect, signers)

    # ------------------------------------------------------------------ writing

    def commit(
        self,
        model: Networks,
        task: str,
        *,
        scores: Mapping[str, SupportsFloat] | None = None,
        probe: GivenProbe | Mapping[str, GivenProbe] | None = None,
        image_size: SupportsIndex | None = None,
        data: TrainingData | None = None,
        licence: str | None = None,
        attachments: Mapping[str, Mapping[str, Tensor]] | None = None,
        member: Member | None = None,
    ) -> None:
        """Store a frozen task, so that it is either wholly there or not at all.

        Before anything is written, the task is built anew from what will be stored and run on the probe images;
        that makes its certificate.

        Args:
            model: The model; it is not changed. Several by name, such as ``networks`` of a
                :class:`~piggygan.GeneratorPair`, become the networks of this registry: the task is stored in all of
                them by this one commit, and each can be loaded alone.
            task: A frozen task of it. What it draws on must be in the registry already, the same bits.
            scores: What you measured of it, finite numbers by name.
            probe: Images ``(batch, channels, height, width)`` for its certificate; None: two images of noise. For a
                generator that takes more than images a tuple of all inputs, or a dictionary of inputs by name. For
                several networks by their names. It is stored in the registry: give nobody's own images.
            image_size: Side in pixels of the squares that it was trained on, 1 to 4096: what :func:`piggygan.predict`
                brings pictures to. None: it is not recorded.
            data: What it was trained on. None: it is not recorded.
            licence: Under which its weights may be used and given on: an SPDX identifier such as ``"CC-BY-4.0"``, or
                other words, one line. None: nobody said.
            attachments: Small sets of tensors that belong to it, by name, as of :meth:`attach`.
            member: Its place in an ensemble, all of whose members are committed one by one. None: it is one by itself.

        Raises:
            TaskNotFoundError: If the model, or one of several, has no such task.
            TaskStateError: If it is not frozen.
            FrozenTaskError: If a frozen task of the model is no longer what it was; see
                :meth:`piggygan.MultiTaskGenerator.check_frozen`.
            TaskExistsError: If the registry holds one of this name.
            BankMismatchError: If the registry holds another generator, or other tasks than it draws on.
            InputError: If its tensors, outputs or scores are not finite, ``image_size`` is no size, the generator
                refuses the probe, ``licence`` or ``attachments`` cannot be stored, or ``member`` does not go together
                with the members that there are.
            RegistryLockedError: If another process has been committing for ``lock_timeout`` seconds.
            RegistryError: If it could not be written.
        """
        measured = checked_scores(scores)
        side = checked_image_size(image_size)
        attached = attachments_to_bytes(attachments)
        check_recorded(data, licence, member)

        models = by_network(model)
        check_everywhere(models, task)
        several = isinstance(model, Mapping)  # else a dictionary is the inputs of one call, by name
        probes: Mapping[str, Any] = probe if several and isinstance(probe, Mapping) else dict.fromkeys(models, probe)
        with enough_memory("to commit this task"):
            candidates = {network: prepare(one, task, probes[network]) for network, one in models.items()}
            draws_on = next(iter(candidates.values())).draws_on
            record = new_record(
                task, draws_on, scores=measured, image_size=side, data=data, licence=licence, member=member
            )
            self._admit(record, candidates, attached)

    def attach(self, task: str, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Add an attachment to a committed task; its tensors and its certificate stay what they are.

        Signatures are over the attachments too: sign the task again afterwards. The same attachment once more is no
        error.

        Args:
            task: The task's name.
            name: The attachment's: 1 to 32 of a-z, 0-9 and ``-``, a letter first. A task has at most 8.
            tensors: Tensors by name, all finite, at most 64 MiB.

        Raises:
            TaskNotFoundError: If there is no such task.
            TaskExistsError: If the task has another attachment of this name.
            InputError: If it cannot be stored.
            RegistryLockedError, RegistryError: As of :meth:`commit`.
        """
        data = attachment_to_bytes(name, tensors)
        self.describe(task)
        with self._lock.held(f"attachment {name!r} of task {task!r}", "stored"):
            manifest = self._head.existing()
            changed = with_attachment(manifest, found(manifest, task), name, data, self._objects)
            if changed != manifest:
                self._head.write(changed)

    def remove_task(self, task: str) -> None:
        """Forget a task; its files stay until :meth:`gc`.

        Args:
            task: Its name; by that of an ensemble all members are forgotten at once.

        Raises:
            TaskNotFoundError: If there is none of this name.
            TaskInUseError: If others draw on it, a running program holds a lease on it, or it is the base task.
            RegistryLockedError, RegistryError: As of :meth:`commit`.
        """
        with enough_memory("to remove this task"):
            if task not in self.ensembles:
                self.describe(task)
            with self._lock.held(f"task {task!r}", "removed"):
                manifest = self._head.existing()
                leaving = named(manifest.places, [task])
                for name in leaving:
                    found(manifest, name)
                    check_unneeded(manifest, name, leaving)
                    leases.check_free(self._leases, name)
                left = tuple(one for one in manifest.tasks if one.name not in leaving)
                self._head.write(replace(manifest, tasks=left))

    def sign_task(self, task: str, key: str | os.PathLike[str]) -> str:
        """Vouch for a task: sign what is recorded of it and of its bank, once its files are seen to be that.

        Args:
            task: Its name.
            key: File of a private key, as :func:`piggygan.registry.new_key` makes it.

        Returns:
            The public key, for ``signers`` of those who require it.

        Raises:
            TaskNotFoundError: If there is none of this name.
            CorruptFileError: If it, or a task that it needs, is damaged.
            RegistryLockedError, RegistryError: As of :meth:`commit`, and if there is no such key.
            ConfigurationError: If the ``cryptography`` package is not installed.
        """
        self.describe(task)
        with enough_memory("to sign this task"), self._lock.held(f"the signature of {task!r}", "written"):
            manifest = self._head.existing()
            for name in loading_order(manifest, [task]):
                leaving_file(manifest, name, self._objects)
            return self._signed.add(manifest, task, key)

    def import_task(self, path: str | os.PathLike[str], generator: Generators = None) -> str:
        """Take in a task that :meth:`export_task` wrote, with its scores, date and certificate.

        It is built on this registry's bank and its certificate is computed anew before anything is written. An empty
        registry takes a base task, every other one a task whose whole bank it holds, the same bits.

        Args:
            path: The file.
            generator: As for :meth:`load`.

        Returns:
            The task's name.

        Raises:
            TaskExistsError: If the registry holds one of this name.
            BankMismatchError: If a task it was trained on is missing or another one, or the generator is another.
            CorruptFileError, FormatVersionError: If the file is damaged, no exported task, or too new.
            ConfigurationError: If a generator is needed and none is given.
            RegistryLockedError, RegistryError: As of :meth:`commit`.
        """
        with enough_memory("to import this task"):
            file = read_task_file(Path(path))
            record = file.header.record
            self._signed.check_file(file.header, file.signatures)
            candidates = joining_candidates(
                file, self._head.read(), self._objects, lambda networks: by_network(generator, networks)
            )
            self._admit(record, candidates, file.attachments, file.signatures)
        return record.name

    # ------------------------------------------------------------------ inside

    def _admit(
        self,
        record: TaskRecord,
        candidates: Mapping[str, Candidate],
        attached: Mapping[str, bytes],
        signatures: tuple[Signature, ...] = (),
    ) -> None:
        """Store a task's objects in every network, then the one manifest that names them."""
        with self._lock.held(f"task {record.name!r}", "committed"):
            changed = with_task(self._head.read(), record, candidates, attached, self._objects)
            if signatures:
                self._signed.store(record.name, signatures)  # alone they do no harm
            self._head.write(changed)
