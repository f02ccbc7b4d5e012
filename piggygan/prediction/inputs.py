"""Which files are predicted, and what the outputs of each are called."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from piggygan.data.dicom.image import is_dicom_file
from piggygan.data.folders import SUFFIXES
from piggygan.errors import DatasetError
from piggygan.files.regular import shown

LONGEST_NAME = 120
"""Bytes of an output's name at most: file systems take 255, of which its suffix and temporary names need some."""


@dataclass(frozen=True)
class InputFile:
    """A file to predict.

    Attributes:
        path: Where it is.
        name: What its outputs are called, without a suffix; no other input of the run has it, in capitals or not.
        may_be_dicom: Whether its name or its first bytes, when it was listed, were those of a DICOM file. What it is
            when it is opened may be something else.
    """

    path: Path
    name: str
    may_be_dicom: bool


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
        files: The files to predict, in order.
        passed_by: What else there is in the folders.
    """

    files: tuple[InputFile, ...]
    passed_by: tuple[PassedBy, ...]


def list_inputs(paths: Iterable[str | os.PathLike[str]], is_dicom: Callable[[Path], bool] = is_dicom_file) -> Inputs:
    """List files, and the images in folders, in order; a folder's in the order of their names.

    Of a folder those files are taken that are called as a picture or a DICOM film is (by
    :data:`piggygan.data.folders.SUFFIXES`), or are DICOM whatever they are called, as hospitals' files often have no
    suffix. Folders below it are not searched.

    Args:
        paths: Files and folders.
        is_dicom: Says of a file whose name does not show what it is whether it is DICOM.

    Raises:
        DatasetError: If a folder cannot be read or has no such file, or nothing is given.
    """
    files: list[tuple[Path, bool]] = []
    passed_by: list[PassedBy] = []
    for path in map(Path, paths):
        if path.is_dir():
            _list_folder(path, is_dicom, files, passed_by)
        else:
            files.append((path, _may_be_dicom(path, is_dicom)))
    if not files:
        raise DatasetError("no files are given: name files, or a folder that holds images.")
    taken: set[str] = set()
    return Inputs(
        tuple(InputFile(file, _unused_name(file.stem, taken), may_be) for file, may_be in files), tuple(passed_by)
    )


def _list_folder(
    folder: Path, is_dicom: Callable[[Path], bool], files: list[tuple[Path, bool]], passed_by: list[PassedBy]
) -> None:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise DatasetError(f"Looked for images in {shown(folder)}: {error.strerror}.") from error
    before = len(files)
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            passed_by.append(PassedBy(str(entry), "is a folder; folders below the one that is given are not searched"))
        # Whatever bears such a name is listed, a broken link too: reading will refuse it, and it will be reported.
        elif _is_called_image(entry) or is_dicom(entry):
            files.append((entry, not _is_called_picture(entry)))
        else:
            passed_by.append(PassedBy(str(entry), "is not called as a picture is, and is no DICOM file"))
    if len(files) == before:
        raise DatasetError(
            f"{shown(folder)} has no image, but {len(entries)} other entries; give the folder that holds the images, "
            f"folders below it are not searched."
        )


def _may_be_dicom(path: Path, is_dicom: Callable[[Path], bool]) -> bool:
    return not _is_called_picture(path) and (_is_called_image(path) or is_dicom(path))


def _is_called_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _is_called_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES - {".dcm"}


def _unused_name(stem: str, taken: set[str]) -> str:
    """Give a stem that no other input has: two of one stem become ``film`` and ``film-2``."""
    stem = _shortened(stem)
    for name in _numbered(stem):
        if name.casefold() not in taken:  # "A" and "a" are one file on another file system
            taken.add(name.casefold())
            break
    return name


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def _shortened(stem: str) -> str:
    """Cut a long name, without leaving half of a letter."""
    while len(os.fsencode(stem)) > LONGEST_NAME:
        stem = stem[:-1]
    return stem
