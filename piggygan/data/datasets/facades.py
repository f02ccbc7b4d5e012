"""The CMP facades: in pix2pix form, and the base set as its publisher ships it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from piggygan.data.augmentation import Sampling
from piggygan.data.content import MAX_PIXELS, failures_named, read_content
from piggygan.data.datasets.description import Description
from piggygan.data.datasets.folder import DatasetFolder, Listing
from piggygan.data.datasets.matching import first_folder, match
from piggygan.data.datasets.own import SideBySide
from piggygan.data.folders import PairFiles, files_by_stem
from piggygan.data.images import read_image
from piggygan.data.palette import CMP_PALETTE
from piggygan.data.pictures.decoding import decode_image
from piggygan.data.pictures.outline import picture_size
from piggygan.errors import MaskError, PairError
from piggygan.files.regular import shown

if TYPE_CHECKING:
    from jaxtyping import Float

_CITATION = (
    "R. Tylecek, R. Sara, 'Spatial Pattern Templates for Recognition of Objects with Regular Structure', GCPR 2013"
)
_MOST_VALUES_NAMED = 10
_TELLING = ("train", "val")
"""Sides by which the set is recognized: some copies come without the test side."""
_MOST_OF_THEM = 0.9
_SIZE = (512, 256)


class Facades(SideBySide):
    """The folder ``facades`` of pix2pix: ``train``, ``val`` and ``test``, photo left and labels right.

    Which photos show the same building is not published; each is taken for a source of its own.

    Example:
        >>> facades = Facades("facades").pairs(256, side="train")  # doctest: +SKIP
    """

    name: ClassVar[str] = "facades"
    description: ClassVar[Description] = Description(
        title="CMP facades in pix2pix form",
        source="http://efrosgans.eecs.berkeley.edu/pix2pix/datasets/facades.tar.gz",
        terms="none stated with the archive; see the CMP facade database, https://cmp.felk.cvut.cz/~tylecr1/facade/",
        citation=(
            f"{_CITATION}; P. Isola et al., 'Image-to-Image Translation with Conditional Adversarial Networks', "
            f"CVPR 2017"
        ),
        images=606,
        pairs=606,
        sides={"train": 400, "val": 100, "test": 106},
    )

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        """Tell whether a folder is this set: all but a few of its numbers, and its size of pictures."""
        for side, count in cls.description.sides.items():
            numbers = {str(number) for number in range(1, count + 1)}
            there = {picture.stem for picture in _pictures(folder / side)}
            # Anybody's pairs may be numbered; those of another set go on beyond these numbers, or end before them.
            if side in _TELLING and not (there <= numbers and len(there) >= _MOST_OF_THEM * count):
                return False
        return picture_size(min(_pictures(folder / "train"))) == _SIZE

    @property
    def patients(self) -> Mapping[str, str]:
        """Each pair is a source of its own."""
        return {files.name: files.name for files in self.files}


def _pictures(folder: Path) -> list[Path]:
    entries = folder.iterdir() if folder.is_dir() else ()
    return [entry for entry in entries if entry.suffix == ".jpg" and not entry.name.startswith(".")]


class FacadesBase(DatasetFolder):
    """The folder ``base`` of ``CMP_facade_DB_base.zip``: photos as JPEG, and labels of the same stem as indexed PNG.

    The target is the label picture in the colours of :data:`~piggygan.data.palette.CMP_PALETTE`, as in pix2pix form.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from PIL import Image
        >>> with TemporaryDirectory() as folder:
        ...     Image.new("RGB", (64, 96)).save(f"{folder}/cmp_b0001.jpg")
        ...     Image.new("P", (64, 96)).save(f"{folder}/cmp_b0001.png")
        ...     FacadesBase(folder).files[0].name
        'cmp_b0001'
    """

    name: ClassVar[str] = "facades-base"
    description: ClassVar[Description] = Description(
        title="CMP facade database, base set",
        source="https://cmp.felk.cvut.cz/~tylecr1/facade/CMP_facade_DB_base.zip",
        terms="not stated in the archive; see the publisher's page, https://cmp.felk.cvut.cz/~tylecr1/facade/",
        citation=_CITATION,
        images=378,
        pairs=378,
    )

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        """Tell whether a folder has this form."""
        return any(any((folder / place).glob("cmp_b*.png")) for place in (".", "base"))

    @classmethod
    def reader(cls, channels: int = 3) -> IndexedLabelReader:  # noqa: ARG003  # a photo is read in colour
        """Say how a photo and its labels are read."""
        return IndexedLabelReader()

    def _list(self) -> Listing:
        folder = first_folder(self.folder, ("base", "."), "the photos and labels")
        return match(files_by_stem(folder, {".jpg"}), {"label picture": files_by_stem(folder, {".png"})})


@dataclass(frozen=True)
class IndexedLabelReader:
    """Reads a photo as the input and a PNG of class numbers, 1 to 12, as a target in the palette's colours."""

    input_sampling: Sampling = "bilinear"
    target_sampling: Sampling = "nearest"

    def read(self, files: PairFiles) -> tuple[Float[Tensor, "3 height width"], Float[Tensor, "3 height width"]]:
        """Read a photo and its labels.

        Raises:
            PairError: If they differ in size, or there is no label picture.
            MaskError: If the label picture has other numbers.
            ImageError: If a file cannot be read.
        """
        if files.mask is None:
            raise PairError(f"{files.name!r} has no label picture.")
        photo, labels = read_image(files.image), read_indexed_labels(files.mask)
        if photo.shape != labels.shape:
            (height, width), (label_height, label_width) = photo.shape[-2:], labels.shape[-2:]
            raise PairError(
                f"{shown(files.image)} is {width} x {height} pixels and its labels {shown(files.mask)} {label_width} "
                f"x {label_height}; they must be of one size, after EXIF orientation."
            )
        return photo, labels


def read_indexed_labels(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Float[Tensor, "3 height width"]:
    """Read a PNG of class numbers, 1 to 12, as a picture in the colours of the CMP palette, in [-1, 1].

    Args:
        path: The file; palette indices are taken as they are.
        max_pixels: Larger pictures are refused before they are decoded.

    Raises:
        MaskError: If it has other numbers, or colours.
        ImageError: If it is no PNG or JPEG, cut or corrupt.
        InputTooLargeError: If it has more than ``max_pixels`` pixels.
    """
    path = Path(path)
    with failures_named(path):
        numbers = decode_image(read_content(path, max_pixels=max_pixels), path, max_pixels=max_pixels).values
    if numbers.ndim != 2:
        raise MaskError(f"{shown(path)} is in colour; needed is a PNG of one class number a pixel.")
    values, counts = np.unique(numbers, return_counts=True)
    strange = [
        f"{int(value)} ({int(count)} pixels)"
        for value, count in zip(values, counts, strict=True)
        if not 1 <= value <= len(CMP_PALETTE)
    ]
    if strange:
        raise MaskError(
            f"{shown(path)} has the values {', '.join(strange[:_MOST_VALUES_NAMED])}; its classes are 1 to "
            f"{len(CMP_PALETTE)}."
        )
    colours = np.array([facade_class.rgb for facade_class in CMP_PALETTE], dtype=np.float32) / 127.5 - 1.0
    return torch.from_numpy(colours[numbers.astype(np.int64) - 1].transpose(2, 0, 1).copy())
