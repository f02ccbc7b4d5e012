"""Which files are predicted, and what the outputs of each are called."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from piggygan.data.files import shown
from piggygan.data.folders import SUFFIXES
from piggygan.errors import DatasetError
from piggygan.prediction.dicom_source import is_dicom

LONGEST_NAME = 120
"""Bytes of an output's name at most: file systems take 255, of which its suffix and temporary names need some."""


@dataclass(frozen=True)
class InputFile:
    """A file to predict.

    Attributes:
        path: Where it is.
        name: What its outputs are called, without a suffix; no other input of the run has it, in capitals or not.
        is_dicom: Whether its first bytes are those of a DICOM file.
    """

    path: Path
    name: str
    is_dicom: bool


def list_inputs(paths: Iterable[str | os.PathLike[str]]) -> list[InputFile]:
    """List files, and the images in folders, in order; a folder's in the order of their names.

    Of a folder those files are taken that are called PNG, JPEG or DICOM, or are DICOM whatever they are called, as
    hospitals' files often have no suffix. Folders below it are not searched.

    Raises:
        DatasetError: If a folder cannot be read or has no such file, or nothing is given.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        files += _images_in(path) if path.is_dir() else [path]
    if not files:
        raise DatasetError("no files are given: name files, or a folder that holds images.")
    taken: set[str] = set()
    return [InputFile(file, _unused_name(file.stem, taken), is_dicom(file)) for file in files]


def _images_in(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise DatasetError(f"Looked for images in {shown(folder)}: {error.strerror}.") from error
    # Whatever bears such a name is listed, a broken link too: reading will refuse it, and it will be reported.
    files = [
        entry
        for entry in entries
        if not entry.name.startswith(".") and not entry.is_dir() and (_is_called_image(entry) or is_dicom(entry))
    ]
    if not files:
        raise DatasetError(
            f"{shown(folder)} has no image, but {len(entries)} other entries; give the folder that holds the images, "
            f"folders below it are not searched."
        )
    return files


def _is_called_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


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
