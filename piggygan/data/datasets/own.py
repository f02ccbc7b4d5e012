"""Folders of one's own: images with masks, pairs side by side, or nothing but pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from piggygan.data.datasets.folder import DatasetFolder, Listing
from piggygan.data.datasets.parted import PATIENTS, SPLITS, PartedFolder, Place
from piggygan.data.datasets.sides import SIDE_FOLDERS, plain_name, read_patients, side_folders
from piggygan.data.decoded import SkippedFile
from piggygan.data.folders import SUFFIXES, PairFiles, files_by_stem
from piggygan.data.mask_reader import MaskReader
from piggygan.data.pictures.outline import picture_size
from piggygan.data.readers import PairReader, PictureReader, SideBySideReader, TwoPicturesReader
from piggygan.data.splits import read_splits
from piggygan.errors import DatasetError
from piggygan.files.regular import shown


class ImagesWithMasks(PartedFolder):
    """A folder with ``images`` and ``masks`` of the same names; see :class:`PartedFolder` for sides and patients.

    The names of all masks may have an ending of their own, such as ``a_mask.png`` for ``a.png``.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import json
        >>> from piggygan.data.synthetic import write_xrays
        >>> with TemporaryDirectory() as folder:
        ...     paths = write_xrays(folder, 2, 32, seed=0)
        ...     sides = {"train": ["000.dcm"], "test": ["001.dcm"]}
        ...     _ = Path(folder, "splits.json").write_text(json.dumps(sides))
        ...     ImagesWithMasks(folder).sides
        {'train': ['000'], 'test': ['001']}
    """

    name: ClassVar[str] = "images-with-masks"
    parts: ClassVar[tuple[tuple[str, str], ...]] = (("images", "masks"),)
    target: ClassVar[str] = "mask"

    @classmethod
    def reader(cls, channels: int = 3) -> PairReader:
        """Say how an image and its mask are read."""
        return MaskReader(channels)


class TwoFolders(PartedFolder):
    """A folder with ``A`` (inputs) and ``B`` (targets), or ``inputs`` and ``targets``, of the same names.

    For sides and patients see :class:`PartedFolder`. All names in a folder may have an ending of their own, such as
    ``1_A.jpg`` and ``1_B.jpg``.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import torch
        >>> from piggygan.data import write_image
        >>> with TemporaryDirectory() as folder:
        ...     for letter in "AB":
        ...         Path(folder, letter).mkdir()
        ...         write_image(Path(folder, letter, "1.png"), torch.zeros(3, 8, 8))
        ...     [pair.name for pair in TwoFolders(folder).files]
        ['1']
    """

    name: ClassVar[str] = "two-folders"
    parts: ClassVar[tuple[tuple[str, str], ...]] = (("A", "B"), ("inputs", "targets"))

    @classmethod
    def reader(cls, channels: int = 3) -> PairReader:
        """Say how an input and its target are read."""
        return TwoPicturesReader(channels, channels)


class UnpairedFolders(PartedFolder):
    """A folder with ``trainA`` and ``trainB``, and so on, of pictures that nobody paired, as CycleGAN learns from.

    Pictures are named by folder and stem, such as ``trainA/1``; both folders of a side are one side.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import torch
        >>> from piggygan.data import write_image
        >>> with TemporaryDirectory() as folder:
        ...     for side in ("trainA", "trainB"):
        ...         Path(folder, side).mkdir()
        ...         write_image(Path(folder, side, "1.png"), torch.zeros(3, 8, 8))
        ...     [picture.name for picture in UnpairedFolders(folder).files]
        ['trainA/1', 'trainB/1']
    """

    name: ClassVar[str] = "unpaired"
    parts: ClassVar[tuple[tuple[str, str], ...]] = ()

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        """Tell whether a folder has this form."""
        return all((folder / f"train{letter}").is_dir() for letter in "AB")

    @classmethod
    def reader(cls, channels: int = 3) -> PairReader:
        """Say how a picture is read."""
        return PictureReader(channels)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Which two folders are one side."""
        if self._named is not None:
            return super().places
        found = []
        for side, names in SIDE_FOLDERS.items():
            for name in names:
                first, second = self.folder / f"{name}A", self.folder / f"{name}B"
                if first.is_dir() != second.is_dir():
                    raise DatasetError(
                        f"{shown(self.folder)} has one of the folders {first.name} and {second.name}: both are needed."
                    )
                if first.is_dir():
                    found.append(Place(side, name, first, second))
        return tuple(found)

    def letter_of(self, name: str) -> str:
        """Say of a picture's name which of the two it belongs to: ``"A"`` or ``"B"``."""
        return "B" if name in self._second else "A"

    def by_letter(self, files: Iterable[PairFiles], side: str) -> tuple[list[PairFiles], list[PairFiles]]:
        """Part the pictures of a side into those of A and those of B.

        Raises:
            DatasetError: If there is none of one of them.
        """
        found: dict[str, list[PairFiles]] = {"A": [], "B": []}
        for file in files:
            found[self.letter_of(file.name)].append(file)
        for letter, pictures in found.items():
            if not pictures:
                raise DatasetError(
                    f"the {side} side of {shown(self.folder)} has no picture of {letter}: name some, or leave out the "
                    f"list of sides."
                )
        return found["A"], found["B"]

    def _list(self) -> Listing:
        files: list[PairFiles] = []
        self._second: set[str] = set()
        for place in self.places:
            prefixes = (f"{place.prefix}A/", f"{place.prefix}B/")
            for prefix, folder in zip(prefixes, (place.first, place.second), strict=True):
                files += [PairFiles(f"{prefix}{stem}", path) for stem, path in files_by_stem(folder).items()]
            self._second |= {files.name for files in files if files.name.startswith(prefixes[1])}
        return Listing(files, [])


class SideBySide(DatasetFolder):
    """A folder with ``train``, ``val`` or ``test`` of files that hold a pair each, as pix2pix has them.

    Pairs are named by side and stem, such as ``train/1``; a folder without such folders is read as well, and has no
    sides. ``patients.json``, if there is one, says what each comes from.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data.synthetic import write_facades
        >>> with TemporaryDirectory() as folder:
        ...     paths = write_facades(f"{folder}/train", 2, 32, seed=0), write_facades(f"{folder}/val", 1, 32, seed=1)
        ...     [file.name for file in SideBySide(folder).files]
        ['train/000', 'train/001', 'val/000']
    """

    name: ClassVar[str] = "side-by-side"

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        """Tell whether a folder has this form: its first picture is twice as wide as high."""
        first = next((image for path in side_folders(folder).values() for image in _images_in(path)), None)
        size = None if first is None else picture_size(first)
        return size is not None and size[0] == 2 * size[1]

    @classmethod
    def reader(cls, channels: int = 3) -> PairReader:  # noqa: ARG003  # pairs side by side are read in colour
        """Say how a pair is read: photo left, labels right."""
        return SideBySideReader()

    @property
    def sides(self) -> Mapping[str, list[str]]:
        """The names in each folder, else those of ``splits.json``."""
        folders = side_folders(self.folder)
        if not folders and (self.folder / SPLITS).is_file():
            listed = read_splits(self.folder / SPLITS)
            return {side: [plain_name(name) for name in names] for side, names in listed.items()}
        return {
            side: names
            for side, path in folders.items()
            if (names := [files.name for files in self.files if files.name.startswith(f"{path.name}/")])
        }

    @property
    def patients(self) -> Mapping[str, str]:
        """The patients or sources of ``patients.json``."""
        return read_patients(self.folder / PATIENTS)

    def _list(self) -> Listing:
        folders = side_folders(self.folder)
        if not folders:
            return Listing([PairFiles(stem, path) for stem, path in files_by_stem(self.folder).items()], [])
        files = [
            PairFiles(f"{path.name}/{stem}", image)
            for path in folders.values()
            for stem, image in files_by_stem(path).items()
        ]
        return Listing(files, [])


class Pictures(DatasetFolder):
    """Pictures without targets, in a folder and below it; they are named by their path.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import torch
        >>> from piggygan.data import write_image
        >>> with TemporaryDirectory() as folder:
        ...     Path(folder, "spring").mkdir()
        ...     write_image(f"{folder}/spring/1.png", torch.zeros(3, 32, 32))
        ...     Pictures(folder).files[0].name
        'spring/1.png'
    """

    name: ClassVar[str] = "pictures"

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        """Tell whether there is any picture."""
        return next(_images_below(folder), None) is not None

    @classmethod
    def reader(cls, channels: int = 3) -> PairReader:
        """Say how a picture is read."""
        return PictureReader(channels)

    @property
    def patients(self) -> Mapping[str, str]:
        """Nobody knows; of DICOM files ``piggygan data check`` sees which are of one patient."""
        return {}

    def _list(self) -> Listing:
        files = [PairFiles(path.relative_to(self.folder).as_posix(), path) for path in _images_below(self.folder)]
        if not files:
            raise DatasetError(
                f"{shown(self.folder)} and the folders below it have no file that ends in "
                f"{', '.join(sorted(SUFFIXES))}."
            )
        others = [
            SkippedFile(path.relative_to(self.folder).as_posix(), f"does not end in {', '.join(sorted(SUFFIXES))}")
            for path in sorted(self.folder.rglob("*"))
            if path.suffix.lower() not in SUFFIXES and not path.is_dir() and not path.name.startswith(".")
        ]
        return Listing(files, others)


def _images_in(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if _is_named_as_image(path))


def _images_below(folder: Path) -> Iterator[Path]:
    # rglob follows no links to folders, so it cannot go round in circles.
    paths = sorted(folder.rglob("*")) if folder.is_dir() else []
    yield from (path for path in paths if _is_named_as_image(path) and not path.is_dir())


def _is_named_as_image(path: Path) -> bool:
    # A Mac puts "._a.png" beside "a.png" on a disk that is not its own.
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
