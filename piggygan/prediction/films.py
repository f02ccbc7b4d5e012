"""One file, read and brought to the network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from torch import Tensor

from piggygan.data.dicom import describe_dicom
from piggygan.data.dicom_description import DicomRequirements
from piggygan.data.geometry import Placement
from piggygan.data.images import read_image
from piggygan.prediction.dicom_source import SourceImage, source_image
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.options import PredictionOptions
from piggygan.prediction.pictures import preview_of
from piggygan.prediction.translating import Translator

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

RADIOGRAPHS = ("CR", "DX")


@dataclass(frozen=True)
class Film:
    """What is kept of a file while it is predicted: not its own pixels, which may be many.

    Attributes:
        file: The file.
        placement: Where it lies on the canvas.
        canvas: What the network gets.
        preview: What an overlay is drawn on.
        source: What a DICOM segmentation refers to; none where none is made.
    """

    file: InputFile
    placement: Placement
    canvas: Float[Tensor, "channels height width"]
    preview: UInt8[np.ndarray, "height width 3"]
    source: SourceImage | None


class Read(Protocol):
    """Reads a picture, in this process or another."""

    def __call__(
        self, path: Path, channels: int, *, requirements: DicomRequirements
    ) -> Float[Tensor, "channels height width"]:
        """Read as :func:`~piggygan.data.read_image` does."""


def read_film(file: InputFile, translator: Translator, options: PredictionOptions, read: Read = read_image) -> Film:
    """Read a file as it is read for training, upright.

    Args:
        file: PNG, JPEG or DICOM.
        translator: What it is read for.
        options: What is required of it, and whether a DICOM segmentation will have to refer to it.
        read: How pictures are read.

    Raises:
        ImageError: If it cannot be read or referred to, or is not what is required.
    """
    wanted = options.body_part is not None
    requirements = DicomRequirements(body_part=options.body_part, modalities=RADIOGRAPHS if wanted else ())
    picture = read(file.path, translator.in_channels, requirements=requirements)
    needs_source = file.is_dicom and options.dicom_seg and translator.kind == "mask"
    aspect = describe_dicom(file.path).aspect if file.is_dicom else 1.0
    placement = translator.placement(picture.shape[-2], picture.shape[-1], aspect)
    return Film(
        file=file,
        placement=placement,
        canvas=placement.place(picture),
        preview=preview_of(picture, aspect),
        source=source_image(file.path) if needs_source else None,
    )
