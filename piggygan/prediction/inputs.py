"""Which files are predicted, and what the outputs of each are called."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from piggygan.data.dicom.image import is_dicom_file
from piggygan.data.folders import SUFFIXES
from piggygan.errors import DatasetError
from piggygan.files.regular import shown
from piggygan.prediction.part import Part

LONGEST_NAME = 120
"""Bytes of an output's name at most: file systems take 255, of which its suffix and temporary names need some."""


@dataclass(frozen=True)
class InputFile:
    """A file to predict.

    Attributes:
        path: Where it is.
        name: What its outputs are called, without a suffix; no other input of the run has it, in capitals or not. With
            folders where the input lies in folders below the one that was given.
        may_be_dicom: Whether its name or its first bytes, when it was listed, were those of a DICOM file. What it is
            when it is opened may be something else.
        relative: Its path from the folder that was given; of a file that was given itself the path that was.
    """

    path: Path
    name: str
    may_be_dicom: bool
    relative: str = ""


@dataclass(frozen=True)
class PassedBy:
    """Something in a folder that was not predicted, because it is no image or a folder.

    Attributes:
        source: Its path, as it was found.
        reason: Why.
    """

    source: str
    reason: str


@dataclass(frozen=True)
class Inputs:
    """What is predicted, and what is not.

    Attributes:
        files: The files to predict, in order; no path is there twice.
        passed_by: What else there is in the folders.
    """

    files: tuple[InputFile, ...]
    passed_by: tuple[PassedBy, ...]

    def going_on(self, names: Mapping[str, str]) -> Inputs:
        """Keep the names that outputs of former runs have, and give others to new files.

        Args:
            names: What outputs are called, by the path of their input.
        """
        if not names:
            return self
        taken = {name.casefold(): 1 for name in names.values()}
        named = (names.get(str(file.path)) or _unused_name(_wish(file), taken) for file in self.files)
        return replace(
            self, files=tuple(replace(file, name=name) for file, name in zip(self.files, named, strict=True))
        )

    def in_part(self, part: Part | None) -> Inputs:
        """Keep the files of one part, which have the names that they have among all."""
        if part is None:
            return self
        return replace(self, files=tuple(file for file in self.files if part.has(file.relative)))


def list_inputs(
    paths: Iterable[str | os.PathLike[str]],
    is_dicom: Callable[[Path], bool] = is_dicom_file,
    *,
    recursive: bool = False,
    out: Path | None = None,
) -> Inputs:
    """List files, and the images in folders, in order; a folder's in the order of their names.

    Of a folder those files are taken that are called as a picture or a DICOM film is (by
    :data:`piggygan.data.folders.SUFFIXES`), or are DICOM whatever they are called, as hospitals' files often have no
    suffix.

    Args:
        paths: Files and folders. What is given twice is listed once.
        is_dicom: Says of a file whose name does not show what it is whether it is DICOM.
        recursive: Search folders below a folder too; links to folders are not followed.
        out: The output folder, which is not searched.

    Raises:
        DatasetError: If a folder cannot be read or has no such file, or nothing is given.
    """
    listing = _Listing(is_dicom, recursive, out)
    for path in map(Path, paths):
        listing.add(path)
    if not listing.files:
        raise DatasetError("no files are given: name files, or a folder that holds images.")
    taken: dict[str, int] = {}
    files = (replace(file, name=_unused_name(_wish(file), taken)) for file in listing.files.values())
    return Inputs(tuple(files), tuple(listing.passed_by))


class _Listing:
    """Files and what is passed by, as they are found."""

    def __init__(self, is_dicom: Callable[[Path], bool], recursive: bool, out: Path | None) -> None:
        self._is_dicom = is_dicom
        self._recursive = recursive
        self._out = out
        self.files: dict[str, InputFile] = {}
        self.passed_by: list[PassedBy] = []

    def add(self, path: Path) -> None:
        """Add what was given: a file, or the images of a folder."""
        if not path.is_dir():
            self._take(path, str(path), _may_be_dicom(path, self._is_dicom))
            return
        before, entries = len(self.files), self._entries(path)
        self._add_entries(path, entries)
        if len(self.files) == before and not any(str(entry) in self.files for entry in entries):
            further = "" if self._recursive else ", folders below it are not searched"
            raise DatasetError(
                f"{shown(path)} has no image, but {len(entries)} other entries; give the folder that holds the images"
                f"{further}."
            )

    def _add_entries(self, root: Path, entries: list[Path]) -> None:
        waiting = entries[::-1]
        while waiting:
            entry = waiting.pop()
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                waiting += self._below(entry)[::-1]
            # Whatever bears such a name is listed, a broken link too: reading will refuse it, and it will be reported.
            elif _is_called_image(entry) or self._is_dicom(entry):
                self._take(entry, str(entry.relative_to(root)), not _is_called_picture(entry))
            else:
                self._pass_by(entry, "is not called as a picture is, and is no DICOM file")

    def _below(self, folder: Path) -> list[Path]:
        """List a folder that is in one that was given."""
        if not self._recursive:
            self._pass_by(folder, "is a folder; folders below the one that is given are not searched")
        elif folder.is_symlink():
            self._pass_by(folder, "is a link to a folder; links to folders are not followed")
        elif self._out is not None and self._out.is_dir() and folder.samefile(self._out):
            self._pass_by(folder, "is the output folder")
        else:
            try:
                return self._entries(folder)
            except DatasetError:
                self._pass_by(folder, "is a folder that cannot be read")
        return []

    def _entries(self, folder: Path) -> list[Path]:
        try:
            return sorted(folder.iterdir())
        except OSError as error:
            raise DatasetError(f"Looked for images in {shown(folder)}: {error.strerror}.") from error

    def _take(self, path: Path, relative: str, may_be_dicom: bool) -> None:
        self.files.setdefault(str(path), InputFile(path, "", may_be_dicom, relative))

    def _pass_by(self, path: Path, reason: str) -> None:
        self.passed_by.append(PassedBy(str(path), reason))


def _wish(file: InputFile) -> str:
    """Say what the outputs of a file would be called if no other file were: its stem, in its folders."""
    if file.relative in ("", str(file.path)):
        return file.path.stem
    folders, slash, name = file.relative.rpartition("/")
    return f"{folders}{slash}{PurePath(name).stem}"


def _may_be_dicom(path: Path, is_dicom: Callable[[Path], bool]) -> bool:
    return not _is_called_picture(path) and (_is_called_image(path) or is_dicom(path))


def _is_called_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _is_called_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES - {".dcm"}


def _unused_name(wish: str, taken: dict[str, int]) -> str:
    """Give a name that no other input has: two that wish to be ``film`` become ``film`` and ``film-2``.

    Args:
        wish: The name, perhaps in folders.
        taken: Names that inputs have, in small letters, and the number to try next if one is wished again.
    """
    folders, slash, stem = wish.rpartition("/")
    plain = f"{folders}{slash}{_shortened(stem)}"
    key = plain.casefold()  # "A" and "a" are one file on another file system
    name, number = plain, taken.get(key, 1)
    while name.casefold() in taken:
        number += 1
        name = f"{plain}-{number}"
    taken[key] = number
    taken.setdefault(name.casefold(), 1)
    return name


def _shortened(stem: str) -> str:
    """Cut a long name, without leaving half of a letter."""
    while len(os.fsencode(stem)) > LONGEST_NAME:
        stem = stem[:-1]
    return stem
