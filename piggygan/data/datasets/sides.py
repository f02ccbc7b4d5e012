"""Folders named after sides, and names as lists beside the files write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from piggygan.data.folders import SUFFIXES
from piggygan.errors import DatasetError
from piggygan.files.regular import shown

SIDE_FOLDERS: dict[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
"""What the folder of each side may be called."""


def side_called(name: str) -> str | None:
    """Say which side a folder or a list is, by its name.

    Example:
        >>> side_called("validation"), side_called("fold1")
        ('val', None)
    """
    return next((side for side, names in SIDE_FOLDERS.items() if name in names), None)


def side_folders(folder: Path) -> dict[str, Path]:
    """Find the folders of sides in a folder, in the order of the sides.

    Raises:
        DatasetError: If one side has two folders.
    """
    found: dict[str, Path] = {}
    for side, names in SIDE_FOLDERS.items():
        there = [folder / name for name in names if (folder / name).is_dir()]
        if len(there) > 1:
            listed = " and ".join(repr(path.name) for path in there)
            raise DatasetError(f"{shown(folder)} has {listed}, which are one side: put their files into one of them.")
        if there:
            found[side] = there[0]
    return found


def plain_name(name: str) -> str:
    """Take the suffix of an image off a name, and nothing else.

    Example:
        >>> plain_name("train/a.png"), plain_name("1.2.826")
        ('train/a', '1.2.826')
    """
    suffix = Path(name).suffix
    return name.removesuffix(suffix) if suffix.lower() in SUFFIXES else name


def read_patients(path: Path) -> Mapping[str, str]:
    """Read whose file each is, by plain names; nothing where there is no such list.

    Raises:
        DatasetError: If it is broken.
    """
    if not path.is_file():
        return {}
    try:
        parsed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"{shown(path)} cannot be read as JSON ({type(error).__name__}).") from error
    if not isinstance(parsed, dict) or not all(isinstance(patient, str) for patient in parsed.values()):
        raise DatasetError(f'{shown(path)} is no JSON object of names and patients, such as {{"a.png": "patient 1"}}.')
    return {plain_name(name): patient for name, patient in parsed.items()}
