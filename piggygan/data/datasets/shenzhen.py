"""The Shenzhen chest X-rays, with the lung masks that others drew later."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from piggygan.data.datasets.description import Description
from piggygan.data.datasets.folder import DatasetFolder, Listing
from piggygan.data.datasets.matching import first_folder, match
from piggygan.data.folders import files_by_stem
from piggygan.data.mask_reader import MaskReader

_SUFFIX = "_mask"


class Shenzhen(DatasetFolder):
    """The folder ``ChinaSet_AllFiles`` with its ``CXR_png``, and in it the folder ``mask`` of the masks' release.

    A mask is called as its film with ``_mask`` added. 96 of the films were published without one: they are listed
    as incomplete, and pairs are made of the others. Each film is taken for another patient.

    Example:
        >>> lungs = Shenzhen("ChinaSet_AllFiles").pairs(256, channels=1)  # doctest: +SKIP
    """

    name: ClassVar[str] = "shenzhen"
    description: ClassVar[Description] = Description(
        title="Shenzhen hospital chest X-ray set",
        source=(
            "films: https://data.lhncbc.nlm.nih.gov/public/Tuberculosis-Chest-X-ray-Datasets/; "
            "masks: https://www.kaggle.com/datasets/yoctoman/shcxr-lung-mask"
        ),
        terms="cite the set and its publisher, and the authors of the masks; read the readme of each",
        citation=(
            "S. Jaeger et al., Quant. Imaging Med. Surg. 4 (2014) 475-477; masks: S. Stirenko et al., "
            "'Chest X-ray analysis of tuberculosis by deep learning with segmentation and augmentation', ELNANO 2018"
        ),
        images=662,
        pairs=566,
    )

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        """Tell whether a folder has this form."""
        return (folder / "CXR_png").is_dir() and (folder / "mask").is_dir()

    @classmethod
    def reader(cls, channels: int = 3) -> MaskReader:
        """Say how a film and its mask are read."""
        return MaskReader(channels)

    def _list(self) -> Listing:
        masks = files_by_stem(self._masks_folder())
        return match(
            files_by_stem(self.folder / "CXR_png"),
            {"mask": {stem.removesuffix(_SUFFIX): path for stem, path in masks.items() if stem.endswith(_SUFFIX)}},
        )

    def _masks_folder(self) -> Path:
        # The release has a folder "mask" in a folder "mask"; some keep both when they unpack it.
        masks = first_folder(self.folder, ["mask"], "the masks")
        return masks / "mask" if (masks / "mask").is_dir() else masks
