"""PartedFolder: forms in which input and target lie in two folders, with or without folders for the sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

from piggygan.data.datasets.folder import DatasetFolder, Listing
from piggygan.data.datasets.matching import match_names
from piggygan.data.datasets.sides import plain_name, read_patients, side_folders
from piggygan.data.folders import PairFiles, files_by_stem
from piggygan.data.splits import read_splits
from piggygan.errors import DatasetError
from piggygan.files.regular import shown

SPLITS, PATIENTS = "splits.json", "patients.json"


class Place(NamedTuple):
    """Two folders that belong together.

    Attributes:
        side: Which side they are; None where no folder says it.
        prefix: What the names of their pairs begin with.
        first: The folder of the inputs.
        second: The folder of the targets.
    """

    side: str | None
    prefix: str
    first: Path
    second: Path


class PartedFolder(DatasetFolder):
    """Two folders of files that belong together, such as ``images`` and ``masks``.

    Sides may be folders: ``images/train`` and ``masks/train``, or ``train/images`` and ``train/masks``; the names of
    pairs then begin with that of the side's folder, such as ``train/a``. Or ``splits.json`` lists the names of each
    side: ``{"train": ["a.png"], "test": ["b.png"]}``. ``patients.json``, if there is one, says whose file each is:
    ``{"a.png": "patient 1", "b.png": "patient 2"}``.
    """

    parts: ClassVar[tuple[tuple[str, str], ...]]
    """What the two folders may be called."""
    target: ClassVar[str] = "target"
    """What a file of the second folder is."""

    _named: tuple[Path, Path] | None = None

    @classmethod
    def of(cls, first: str | Path, second: str | Path) -> Self:
        """Open two folders wherever they lie.

        Args:
            first: Of the inputs.
            second: Of the targets.

        Raises:
            DatasetError: If one is missing or empty, or they have other sides.
            PairError: If names are not unique.
        """
        made = cls.__new__(cls)
        made._named = (Path(first), Path(second))
        for path in made._named:
            if not path.is_dir():
                what = "that is a file, give its folder" if path.exists() else "there is no such folder"
                raise DatasetError(f"Looked for pictures in {shown(path)}: {what}.")
        is_beside = Path(first).absolute().parent == Path(second).absolute().parent
        made.__init__(Path(first).parent if is_beside else Path(first))  # type: ignore[misc]
        return made

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        """Tell whether a folder has this form."""
        return any(
            all((place / part).is_dir() for part in parts)
            for parts in cls.parts
            for place in (folder, *side_folders(folder).values())
        )

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Which two folders belong together, for each side."""
        if self._named is not None:
            return _below(*self._named)
        for first, second in self.parts:
            if (self.folder / first).is_dir() and (self.folder / second).is_dir():
                return _below(self.folder / first, self.folder / second)
            sides = side_folders(self.folder)
            found = {side: path for side, path in sides.items() if (path / first).is_dir()}
            if found:
                return tuple(Place(side, f"{path.name}/", path / first, path / second) for side, path in found.items())
        wanted = " or ".join(f"{first} and {second}" for first, second in self.parts)
        raise DatasetError(f"Looked in {shown(self.folder)} for {wanted}: these folders are not there.")

    @cached_property
    def sides(self) -> Mapping[str, list[str]]:
        """The sides by their folders, else those of ``splits.json``."""
        by_folder = {
            place.side: [files.name for files in self.files if files.name.startswith(place.prefix)]
            for place in self.places
            if place.side is not None
        }
        path = self.folder / SPLITS
        if by_folder or not path.is_file():
            return by_folder
        return {side: [plain_name(name) for name in names] for side, names in read_splits(path).items()}

    @cached_property
    def patients(self) -> Mapping[str, str]:
        """The patients of ``patients.json``."""
        return read_patients(self.folder / PATIENTS)

    def _list(self) -> Listing:
        files: list[PairFiles] = []
        incomplete, remarks = [], []
        for place in self.places:
            listed = match_names(files_by_stem(place.first), files_by_stem(place.second), self.target)
            files += [replace(pair, name=f"{place.prefix}{pair.name}") for pair in listed.files]
            incomplete += [lost._replace(name=f"{place.prefix}{lost.name}") for lost in listed.incomplete]
            remarks += [remark for remark in listed.remarks if remark not in remarks]
        return Listing(files, incomplete, tuple(remarks))


def _below(first: Path, second: Path) -> tuple[Place, ...]:
    """Pair two folders, or the sides below them."""
    sides, others = side_folders(first), side_folders(second)
    if not sides and not others:
        return (Place(None, "", first, second),)
    if sides.keys() != others.keys():
        raise DatasetError(
            f"{shown(first)} has the sides {', '.join(sides) or 'none'}, and {shown(second)} "
            f"{', '.join(others) or 'none'}: give both the same folders."
        )
    return tuple(Place(side, f"{path.name}/", path, others[side]) for side, path in sides.items())
