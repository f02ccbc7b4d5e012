"""Every data set that piggygan knows, and which of them a folder is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from piggygan.data.datasets.covid_cxr import CovidXrays
from piggygan.data.datasets.facades import Facades, FacadesBase
from piggygan.data.datasets.folder import DatasetFolder
from piggygan.data.datasets.jsrt import Jsrt
from piggygan.data.datasets.montgomery import Montgomery
from piggygan.data.datasets.own import ImagesWithMasks, Pictures, SideBySide
from piggygan.data.datasets.shenzhen import Shenzhen
from piggygan.errors import ConfigurationError, DatasetError
from piggygan.files.regular import shown

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
            SideBySide,
            Pictures,
        )
    }
)
"""By name; a folder is the first of these whose form it has."""


def open_dataset(folder: str | Path, name: str | None = None) -> DatasetFolder:
    """Open a folder as the data set that it is.

    Args:
        folder: As its publisher ships it, or one of your own.
        name: Which of :data:`DATASETS` it is; None: see from the names of its files.

    Raises:
        ConfigurationError: If there is no data set of that name.
        DatasetError: If the folder is missing, empty, or has another form.
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
        raise ConfigurationError(f"dataset is {name!r}; known are {', '.join(DATASETS)}.")
    if not folder.is_dir():
        raise DatasetError(f"Looked for a data set in {shown(folder)}: there is no such folder.")
    kind = DATASETS[name] if name else next((kind for kind in DATASETS.values() if kind.is_in(folder)), Pictures)
    return kind(folder)
