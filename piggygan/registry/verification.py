"""Checking a whole registry: every certificate computed again, damage named task by task, nothing changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor, nn

from piggygan.errors import BankMismatchError, CorruptFileError, PiggyganError
from piggygan.registry import leases
from piggygan.registry.building import add_stored, base_model, read_attachment, read_tensors
from piggygan.registry.certificates import TaskCheck, check, check_files, damaged_by
from piggygan.registry.leftovers import survey
from piggygan.registry.manifest import Manifest, TaskRecord
from piggygan.registry.rebuilding import building_order
from piggygan.registry.store import ObjectStore


@dataclass(frozen=True)
class Verification:
    """What a check of a registry found: one result a task and network, and what else lies there.

    Attributes:
        checks: One a task and network, in the order of the commits.
        notes: What belongs to no task: orphans, litter, folders half copied. No damage.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import piggygan as pg
        >>> model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2), "facades")
        >>> model.freeze_task("facades")
        >>> with TemporaryDirectory() as folder:
        ...     registry = pg.TaskRegistry(folder)
        ...     registry.commit(model, "facades", scores={"pixel accuracy": 0.44})
        ...     found = registry.verify()
        >>> found.is_sound, [check.state for check in found.checks]
        (True, ['equal'])
    """

    checks: tuple[TaskCheck, ...]
    notes: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """True if no task is damaged."""
        return all(result.is_sound for result in self.checks)

    def __iter__(self) -> Iterator[TaskCheck]:
        return iter(self.checks)

    def __len__(self) -> int:
        return len(self.checks)

    def __getitem__(self, index: int) -> TaskCheck:
        return self.checks[index]


def verified(
    manifest: Manifest, objects: ObjectStore, folder: Path, generators: Mapping[str, nn.Module | None]
) -> Verification:
    """Build every task and compute its certificate again.

    Raises:
        ConfigurationError, BankMismatchError: If the generator is missing, or not the registry's.
    """
    results = {name: _computed(manifest, objects, generators[name], name) for name in manifest.networks}
    return Verification(_with_attachments(_by_task(results), manifest, objects), _notes(manifest, folder))


def files_verified(manifest: Manifest, objects: ObjectStore, folder: Path) -> Verification:
    """Check every task's files against its certificate, without building a network."""
    results = {name: [_read(record, objects, name) for record in manifest.tasks] for name in manifest.networks}
    return Verification(_with_attachments(_by_task(results), manifest, objects), _notes(manifest, folder))


def _with_attachments(results: Iterable[TaskCheck], manifest: Manifest, objects: ObjectStore) -> tuple[TaskCheck, ...]:
    """Call sound tasks damaged one of whose attachments is."""
    bad: dict[str, TaskCheck] = {}
    for record in manifest.tasks:
        try:
            for name in record.attachments:
                read_attachment(record, name, objects)
        except PiggyganError as error:
            bad[record.name] = damaged_by(error, record.name)
    return tuple(
        replace(bad[result.task], network=result.network) if result.is_sound and result.task in bad else result
        for result in results
    )


def _by_task(results: Mapping[str, list[TaskCheck]]) -> tuple[TaskCheck, ...]:
    """Put the results of each task beside each other, and say of which network each is."""
    named = [[replace(result, network=name) for result in found] for name, found in results.items()]
    return tuple(result for one_task in zip(*named, strict=True) for result in one_task)


def _computed(manifest: Manifest, objects: ObjectStore, generator: nn.Module | None, network: str) -> list[TaskCheck]:
    base, *others = manifest.tasks
    try:
        tensors = _whole(base, objects, network)
        model = base_model(manifest, tensors, generator, network).cpu()  # where certificates are made
    except (CorruptFileError, BankMismatchError) as error:
        if generator is not None and isinstance(error, BankMismatchError):
            raise  # it may well be the generator that is another one
        without = [TaskCheck(record.name, "damaged", None, f"it needs {base.name!r}") for record in others]
        return [damaged_by(error, base.name), *without]
    results = {base.name: check(model, base.name, base.networks[network].certificate, objects)}
    for name in building_order(manifest.sources)[1:]:
        record = manifest.by_name[name]
        try:
            add_stored(model, manifest, name, _whole(record, objects, network), network)
        except PiggyganError as error:
            results[name] = damaged_by(error, name)
        else:
            results[name] = check(model, name, record.networks[network].certificate, objects)
    return [results[record.name] for record in manifest.tasks]


def _read(record: TaskRecord, objects: ObjectStore, network: str) -> TaskCheck:
    try:
        tensors = _whole(record, objects, network)
    except PiggyganError as error:
        return damaged_by(error, record.name)
    return check_files(record.name, tensors, record.networks[network].certificate, objects)


def _whole(record: TaskRecord, objects: ObjectStore, network: str) -> dict[str, Tensor]:
    """Read a task's tensors, and see that each bit of their file is right: those too that change no tensor."""
    tensors = read_tensors(record, objects, network)
    objects.get(record.networks[network].weights)
    return tensors


def _notes(manifest: Manifest, folder: Path) -> tuple[str, ...]:
    needed = {digest for record in manifest.tasks for digest in record.digests}
    try:
        live = leases.live_leases(folder / leases.FOLDER_NAME)
        leased = {digest for lease in live.values() for digest in lease.objects}
        return survey(folder, needed | leased, live).notes()
    except (PiggyganError, OSError) as error:
        return (f"what else lies there could not be told: {error}",)
