"""Every data set that piggygan knows, and which of them a folder is."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from piggygan.data.datasets.covid_cxr import CovidXrays
from piggygan.data.datasets.facades import Facades, FacadesBase
from piggygan.data.datasets.folder import DatasetFolder
from piggygan.data.datasets.jsrt import Jsrt
from piggygan.data.datasets.montgomery import Montgomery
from piggygan.data.datasets.own import ImagesWithMasks, Pictures, SideBySide, TwoFolders, UnpairedFolders
from piggygan.data.datasets.shenzhen import Shenzhen
from piggygan.errors import ConfigurationError, DatasetError
from piggygan.files.regular import shown
from piggygan.terminal.guessing import did_you_mean

DATASETS: Final[Mapping[str, type[DatasetFolder]]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Montgomery,
            Shenzhen,
            Jsrt,
            CovidXrays,
            FacadesBase,
            Facades,
            ImagesWithMasks,
            TwoFolders,
            UnpairedFolders,
            SideBySide,
            Pictures,
        )
    }
)
"""By name."""
_OWN = (ImagesWithMasks, TwoFolders, UnpairedFolders, SideBySide)


_NAMES_OF_FILMS = (
    re.compile(r"(?:MCUCXR|CHNCXR)_(\d{4})_[01]"),  # Montgomery and Shenzhen: a film a patient
    re.compile(r"(JPC(?:LN|NN)\d{3})"),  # JSRT: likewise
    re.compile(r"(\d{8})_\d{3}"),  # ChestX-ray14: patient and follow-up
)


def patients_by_names(names: Iterable[str]) -> dict[str, str]:
    """Say whose film each is, if all are called as the films of a public set are; else nothing.

    Example:
        >>> patients_by_names(["00000001_000", "00000001_001", "00000002_000"])
        {'00000001_000': '00000001', '00000001_001': '00000001', '00000002_000': '00000002'}
        >>> patients_by_names(["MCUCXR_0001_0", "holiday"])
        {}
    """
    stems = {name: name.rpartition("/")[2] for name in names}
    for pattern in _NAMES_OF_FILMS:
        found = {name: pattern.fullmatch(stem) for name, stem in stems.items()}
        if found and all(found.values()):
            return {name: match[1] for name, match in found.items() if match}
    return {}


def open_dataset(folder: str | Path, name: str | None = None) -> DatasetFolder:
    """Open a folder as the data set that it is.

    Args:
        folder: As its publisher ships it, or one of your own.
        name: Which of :data:`DATASETS` it is; None: see from the names of its files.

    Raises:
        ConfigurationError: If there is no data set of that name.
        DatasetError: If the folder is missing, empty, or has another form, or several.
        PairError: If names are not unique.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data.synthetic import write_facades, write_xrays
        >>> with TemporaryDirectory() as folder:
        ...     films = write_xrays(f"{folder}/a", 1, 32, seed=0)
        ...     pairs = write_facades(f"{folder}/b/train", 1, 32, seed=0)
        ...     open_dataset(f"{folder}/a").name, open_dataset(f"{folder}/b").name
        ('images-with-masks', 'side-by-side')
    """
    folder = Path(folder)
    if name is not None and name not in DATASETS:
        guess = did_you_mean(name, DATASETS)
        raise ConfigurationError(f"dataset is {name!r}; {guess}{'K' if guess else 'k'}nown are {', '.join(DATASETS)}.")
    if not folder.is_dir():
        what = "that is a file, give its folder" if folder.exists() else "there is no such folder"
        raise DatasetError(f"Looked for a data set in {shown(folder)}: {what}{_near(folder)}.")
    return (DATASETS[name] if name else _form_of(folder))(folder)


def _form_of(folder: Path) -> type[DatasetFolder]:
    published = next((kind for kind in DATASETS.values() if kind.description and kind.is_in(folder)), None)
    if published is not None:
        return published
    found = [kind for kind in _OWN if kind.is_in(folder)]
    if len(found) > 1:
        raise DatasetError(
            f"{shown(folder)} can be read as {' and as '.join(kind.name for kind in found)}: name the two folders that "
            f"are meant (inputs and targets, images and masks, or side_a and side_b), or the form (dataset)."
        )
    return found[0] if found else Pictures


def _near(folder: Path) -> str:
    """Name the folder that was probably meant."""
    if not folder.parent.is_dir():
        return ""
    there = [entry.name for entry in folder.parent.iterdir() if entry.is_dir()]
    near = difflib.get_close_matches(folder.name, there, n=1)
    return f"; near it is {shown(folder.with_name(near[0]))}" if near else ""
