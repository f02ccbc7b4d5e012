"""The Montgomery County chest X-rays, with a mask for each lung."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from piggygan.data.datasets.description import Description
from piggygan.data.datasets.folder import DatasetFolder, Listing
from piggygan.data.datasets.matching import match
from piggygan.data.folders import files_by_stem
from piggygan.data.mask_reader import MaskReader

_LEFT, _RIGHT = "ManualMask/leftMask", "ManualMask/rightMask"


class Montgomery(DatasetFolder):
    """The folder ``MontgomerySet``: ``CXR_png``, ``ManualMask/leftMask`` and ``ManualMask/rightMask``.

    The target is both lungs. Each film is of another patient. ``ClinicalReadings`` are not read.

    Example:
        >>> lungs = Montgomery("MontgomerySet").pairs(256, channels=1)  # doctest: +SKIP
    """

    name: ClassVar[str] = "montgomery"
    description: ClassVar[Description] = Description(
        title="Montgomery County chest X-ray set",
        source="https://data.lhncbc.nlm.nih.gov/public/Tuberculosis-Chest-X-ray-Datasets/",
        terms="cite the set and its publisher; its readme asks not to pass it on outside one's group",
        citation=(
            "S. Jaeger et al., Quant. Imaging Med. Surg. 4 (2014) 475-477; "
            "S. Candemir et al., IEEE Trans. Med. Imaging 33 (2014) 577-590"
        ),
        images=138,
        pairs=138,
    )

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        """Tell whether a folder has this form."""
        return all((folder / name).is_dir() for name in ("CXR_png", _LEFT, _RIGHT))

    @classmethod
    def reader(cls, channels: int = 3) -> MaskReader:
        """Say how a film and its two masks are read."""
        return MaskReader(channels)

    def _list(self) -> Listing:
        return match(
            files_by_stem(self.folder / "CXR_png"),
            {"left mask": files_by_stem(self.folder / _LEFT), "right mask": files_by_stem(self.folder / _RIGHT)},
        )
