"""Damaged and missing objects put back, by their digests, from wherever the same bytes still are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from piggygan.errors import CorruptFileError, RegistryError
from piggygan.files.regular import read_regular_file
from piggygan.files.tensors import tensors_to_bytes
from piggygan.registry.exchange import SUFFIX, read_task_file
from piggygan.registry.manifest import Manifest
from piggygan.registry.sealing import FILE_NAME
from piggygan.registry.store import ObjectStore, StoredObject


@dataclass(frozen=True)
class Repair:
    """What a repair did.

    Attributes:
        restored: Objects that were put back, as paths inside the registry.
        lacking: By task the objects that are still damaged or missing: the source does not have them either.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import piggygan as pg
        >>> import shutil
        >>> model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2), "facades")
        >>> model.freeze_task("facades")
        >>> with TemporaryDirectory() as folder:
        ...     registry = pg.TaskRegistry(f"{folder}/clinic")
        ...     registry.commit(model, "facades")
        ...     copy = shutil.copytree(registry.folder, f"{folder}/copy")
        ...     next(registry.folder.glob("objects/**/*.safetensors")).unlink()
        ...     repair = registry.repair(copy)
        >>> len(repair.restored), repair.is_whole
        (1, True)
    """

    restored: tuple[str, ...]
    lacking: dict[str, tuple[str, ...]]

    @property
    def is_whole(self) -> bool:
        """True if nothing is lacking any more."""
        return not self.lacking


def repaired(manifest: Manifest, objects: ObjectStore, source: Path) -> Repair:
    """Put back what is damaged or missing.

    Args:
        manifest: What should be there.
        objects: What is there.
        source: A registry's folder, a folder of objects, or a file of an exported task.

    Raises:
        RegistryError: If there is no such source, it cannot be read, or a folder has the name of an object; all
            others are put back then.
        OSError: If the system refused to write.
    """
    get = _source(source)
    restored: dict[str, None] = {}
    blocked: dict[str, None] = {}
    lacking: dict[str, dict[str, None]] = {}
    for record in manifest.tasks:
        for stored in record.objects:
            if objects.holds(stored):
                continue
            if objects.is_folder(stored):
                blocked[objects.name(stored)] = None
                continue
            data = get(stored)
            if data is None:
                lacking.setdefault(record.name, {})[objects.name(stored)] = None
            else:
                objects.put(data)
                restored[objects.name(stored)] = None
    if blocked:
        raise RegistryError(
            f"{', '.join(blocked)}: a folder of that name, where a file should be. Move it away and repair again; "
            f"{len(restored)} files were put back."
        )
    return Repair(tuple(restored), {task: tuple(names) for task, names in lacking.items()})


def copied_head(source: Path) -> bytes | None:
    """Return the bytes of a copy's manifest, unread; None if there is none.

    Raises:
        RegistryError: If it cannot be read.
    """
    try:
        return read_regular_file(source / FILE_NAME, max_size=2**24)
    except (FileNotFoundError, CorruptFileError):
        return None


def _source(source: Path) -> Callable[[StoredObject], bytes | None]:
    """Return what gives an object's bytes, or None where they are not to be had."""
    if source.suffix == SUFFIX and source.is_file():
        carried = {hashlib.sha256(data).hexdigest(): data for data in _carried(source)}
        return lambda stored: carried.get(stored.digest)
    if not source.is_dir():
        raise RegistryError(f"{source} is neither a folder, of a registry or of objects, nor a task that was exported.")
    stores = [ObjectStore(folder) for folder in (source / "objects", source) if folder.is_dir()]

    def get(stored: StoredObject) -> bytes | None:
        for store in stores:
            try:
                return store.get(stored)
            except CorruptFileError:
                continue
        return None

    return get


def _carried(file: Path) -> Iterator[bytes]:
    """Write what an exported task holds as its registry had stored it."""
    carried = read_task_file(file)
    yield from carried.attachments.values()
    for part in carried.parts.values():
        yield tensors_to_bytes(part.tensors, part.tensors)
        yield tensors_to_bytes(part.probe)
        yield tensors_to_bytes({"outputs": part.outputs})
