"""What lies in a registry's folder and belongs to no task: orphans of a killed commit, litter, foreign files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Set
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from piggygan.files.durable import opened_folder
from piggygan.layers.tasks import NAME_PATTERN
from piggygan.registry import leases
from piggygan.registry.locking import LOCK_NAME
from piggygan.registry.sealing import FILE_NAME
from piggygan.terminal.escaping import escaped

_OBJECT = re.compile(r"([0-9a-f]{64})\.safetensors")
_PARTS = ("", "objects", leases.FOLDER_NAME, "signatures")
_SIGNED = re.compile(rf"signatures/{NAME_PATTERN}\.json")
_TEMPORARY = re.compile(r"\..+\.tmp")


@dataclass(frozen=True)
class Leftovers:
    """What nothing needs, as paths inside the registry.

    Attributes:
        orphans: Objects that no task and no live lease refers to.
        litter: Temporary files that a killed process left, and leases that nobody holds.
        foreign: What piggygan did not put there, such as a folder half copied; never touched.
    """

    orphans: tuple[str, ...] = ()
    litter: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()

    def notes(self) -> tuple[str, ...]:
        """Say each of it in a line; a strange name is shown escaped."""
        said = [f"{escaped(name)}: an object that no task refers to; gc removes it" for name in self.orphans]
        said += [
            f"{escaped(name)}: left by a process that was ended, unless one writes it now; gc removes it"
            for name in self.litter
        ]
        said += [f"{escaped(name)}: no part of the registry; it is left alone" for name in self.foreign]
        return tuple(said)


@dataclass(frozen=True)
class Collected:
    """What ``gc`` removed.

    Attributes:
        removed: Paths inside the registry.
        size: Bytes that were freed.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import piggygan as pg
        >>> model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2), "facades")
        >>> model.freeze_task("facades")
        >>> with TemporaryDirectory() as folder:
        ...     registry = pg.TaskRegistry(folder)
        ...     registry.commit(model, "facades", scores={"pixel accuracy": 0.44})
        ...     registry.gc()
        Collected(removed=(), size=0)
    """

    removed: tuple[str, ...]
    size: int


def survey(folder: Path, referenced: Set[str], live_leases: Iterable[str]) -> Leftovers:
    """Find what nothing needs.

    Args:
        folder: The registry's folder.
        referenced: Digests of the objects that are needed.
        live_leases: Names of the lease files that somebody holds.

    Raises:
        OSError: If the system does not let the folders be listed.
    """
    orphans, litter, foreign = [], [], []
    live = set(live_leases)
    for inside, is_folder in _entries(folder):
        part, _, name = inside.rpartition("/")
        found = _OBJECT.fullmatch(name) if part == "objects" else None
        if not is_folder and _TEMPORARY.fullmatch(name):
            litter.append(inside)
        elif not is_folder and part == leases.FOLDER_NAME and name.endswith(leases.SUFFIX):
            if name not in live:
                litter.append(inside)
        elif not is_folder and found:
            if found[1] not in referenced:
                orphans.append(inside)
        elif not _is_ours(inside, is_folder):
            foreign.append(inside)
    return Leftovers(tuple(orphans), tuple(litter), tuple(foreign))


def sweep(folder: Path, leftovers: Leftovers) -> Collected:
    """Delete orphans and litter; links are deleted themselves, not what they point to.

    Raises:
        OSError: If the system refused; what was deleted before that stays so.
    """
    removed, size = [], 0
    doomed = (*leftovers.orphans, *leftovers.litter)
    for part in _PARTS:
        names = [inside for inside in doomed if inside.rpartition("/")[0] == part]
        # By the folder's descriptor: a link that takes its name meanwhile leads nobody's files to their end.
        with opened_folder(folder / part, follow=not part) if names else nullcontext() as opened:
            for inside in names:
                name = inside.rpartition("/")[2]
                size += os.stat(name, dir_fd=opened, follow_symlinks=False).st_size
                os.unlink(name, dir_fd=opened)
                removed.append(inside)
    return Collected(tuple(removed), size)


def _entries(folder: Path) -> Iterator[tuple[str, bool]]:
    """List the folder and its own subfolders, sorted; a link is no folder."""
    for part in _PARTS:
        if part and ((folder / part).is_symlink() or not (folder / part).is_dir()):
            continue
        with opened_folder(folder / part, follow=not part) as opened, os.scandir(opened) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                yield f"{part}/{entry.name}" if part else entry.name, entry.is_dir(follow_symlinks=False)


def _is_ours(inside: str, is_folder: bool) -> bool:
    if is_folder:
        return inside in _PARTS
    return inside == FILE_NAME or inside.startswith(LOCK_NAME) or bool(_SIGNED.fullmatch(inside))
