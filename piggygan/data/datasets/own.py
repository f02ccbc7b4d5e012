"""Folders of one's own: images with masks, pairs side by side, or nothing but pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from piggygan.data.datasets.folder import DatasetFolder, Listing
from piggygan.data.datasets.matching import match
from piggygan.data.decoded import SkippedFile
from piggygan.data.folders import SUFFIXES, PairFiles, files_by_stem
from piggygan.data.pictures.outline import picture_size
from piggygan.data.readers import MaskReader, PairReader, PictureReader, SideBySideReader
from piggygan.data.splits import read_splits
from piggygan.errors import DatasetError
from piggygan.files.regular import shown

_SIDES = ("train", "val", "test")
_SPLITS, _PATIENTS = "splits.json", "patients.json"


class ImagesWithMasks(DatasetFolder):
    """A folder with ``images`` and ``masks`` of the same stems.

    ``splits.json``, if there is one, lists the names of each side: ``{"train": ["a.png"], "test": ["b.png"]}``.
    ``patients.json``, if there is one, says whose film each is: ``{"a.png": "patient 1", "b.png": "patient 2"}``.

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

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        """Tell whether a folder has this form."""
        return (folder / "images").is_dir() and (folder / "masks").is_dir()

    @classmethod
    def reader(cls, channels: int = 3) -> PairReader:
        """Say how an image and its mask are read."""
        return MaskReader(channels)

    @cached_property
    def sides(self) -> Mapping[str, list[str]]:
        """The sides of ``splits.json``, by stems."""
        path = self.folder / _SPLITS
        if not path.is_file():
            return {}
        return {side: [_stem(name) for name in names] for side, names in read_splits(path).items()}

    @cached_property
    def patients(self) -> Mapping[str, str]:
        """The patients of ``patients.json``."""
        return _patients(self.folder / _PATIENTS)

    def _list(self) -> Listing:
        return match(files_by_stem(self.folder / "images"), {"mask": files_by_stem(self.folder / "masks")})


class SideBySide(DatasetFolder):
    """A folder with ``train``, ``val`` or ``test`` of files that hold a pair each, as pix2pix has them.

    Pairs are named by side and stem, such as ``train/1``. ``patients.json``, if there is one, says what each comes
    from.

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
        first = next((path for side in _SIDES for path in _images_in(folder / side)), None)
        size = None if first is None else picture_size(first)
        return size is not None and size[0] == 2 * size[1]

    @classmethod
    def reader(cls, channels: int = 3) -> PairReader:  # noqa: ARG003  # pairs side by side are read in colour
        """Say how a pair is read: photo left, labels right."""
        return SideBySideReader()

    @property
    def sides(self) -> Mapping[str, list[str]]:
        """The names in each folder."""
        return {
            side: names
            for side in _SIDES
            if (names := [files.name for files in self.files if files.image.parent.name == side])
        }

    @property
    def patients(self) -> Mapping[str, str]:
        """The patients or sources of ``patients.json``."""
        return _patients(self.folder / _PATIENTS, with_folders=True)

    def _list(self) -> Listing:
        files = [
            PairFiles(f"{side}/{stem}", path)
            for side in _SIDES
            if (self.folder / side).is_dir()
            for stem, path in files_by_stem(self.folder / side).items()
        ]
        if not files:
            raise DatasetError(
                f"Looked in {shown(self.folder)} for {', '.join(_SIDES)}: there is none of these folders."
            )
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


def _stem(name: str) -> str:
    return Path(name).stem if Path(name).suffix.lower() in SUFFIXES else name


def _patients(path: Path, *, with_folders: bool = False) -> Mapping[str, str]:
    """Read whose file each is; nothing where there is no such list."""
    if not path.is_file():
        return {}
    try:
        parsed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"{shown(path)} cannot be read as JSON ({type(error).__name__}).") from error
    if not isinstance(parsed, dict) or not all(isinstance(patient, str) for patient in parsed.values()):
        raise DatasetError(f'{shown(path)} is no JSON object of names and patients, such as {{"a.png": "patient 1"}}.')
    if with_folders:
        return {_without_suffix(name): patient for name, patient in parsed.items()}
    return {_stem(name): patient for name, patient in parsed.items()}


def _without_suffix(name: str) -> str:
    suffix = Path(name).suffix
    return name.removesuffix(suffix) if suffix.lower() in SUFFIXES else name
