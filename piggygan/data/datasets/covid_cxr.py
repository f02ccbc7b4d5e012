"""Chest X-rays of the COVID-19 image data collection with lung masks, as one folder."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from piggygan.data.datasets.description import Description
from piggygan.data.datasets.own import ImagesWithMasks
from piggygan.errors import DatasetError
from piggygan.files.regular import shown

_TABLE = "licences.csv"
_COLUMNS = ("file", "licence_in_source_metadata", "doi", "url")


class CovidXrays(ImagesWithMasks):
    """A folder with ``images``, ``masks``, ``splits.json`` and ``licences.csv``.

    The table has the columns ``file``, ``licence_in_source_metadata``, ``doi`` and ``url``. Which films are of one
    patient is not published; those of one article or case are taken for one source, which no split divides.

    Example:
        >>> xrays = CovidXrays("covid_cxr")  # doctest: +SKIP
        >>> lungs = xrays.pairs(256, side="train", channels=1)  # doctest: +SKIP
    """

    name: ClassVar[str] = "covid-cxr"
    description: ClassVar[Description] = Description(
        title="COVID-19 chest X-ray segmentations",
        source="https://github.com/GeneralBlockchain/covid-19-chest-xray-segmentations-dataset",
        terms="masks CC BY 4.0; each film has a licence of its own or none stated, see licences.csv",
        citation=(
            "the repository; J. P. Cohen, P. Morrison, L. Dao, 'COVID-19 Image Data Collection', arXiv:2003.11597; "
            "J. P. Cohen et al., arXiv:2006.11988"
        ),
        images=74,
        pairs=74,
        sides={"train": 55, "test": 19},
    )

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        """Tell whether a folder has this form."""
        return super().is_in(folder) and (folder / _TABLE).is_file()

    @cached_property
    def licences(self) -> Mapping[str, str]:
        """The licence of each film, as the source states it."""
        return {name: row["licence_in_source_metadata"] for name, row in self._rows.items()}

    @cached_property
    def patients(self) -> Mapping[str, str]:
        """The article or case that each film comes from."""
        return {name: row["doi"] or row["url"] or name for name, row in self._rows.items()}

    @cached_property
    def _rows(self) -> Mapping[str, Mapping[str, str]]:
        path = self.folder / _TABLE
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise DatasetError(f"{shown(path)} is not a regular file; put the table there.")
        try:
            with path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
        except (OSError, ValueError, csv.Error) as error:
            raise DatasetError(f"{shown(path)} cannot be read ({type(error).__name__}).") from error
        if not rows or any(row.get(column) is None for row in rows for column in _COLUMNS):
            raise DatasetError(f"{shown(path)} needs the columns {', '.join(_COLUMNS)} in every row.")
        by_stem = {Path(row["file"]).stem: row for row in rows}
        return {files.name: by_stem[files.name] for files in self.files if files.name in by_stem}
