"""Masks in several files, such as one a lung: what is foreground in any of them is foreground."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from piggygan.data.augmentation import Sampling
from piggygan.data.dicom_description import TO_LEARN_FROM, DicomRequirements
from piggygan.data.files import shown
from piggygan.data.folders import PairFiles
from piggygan.data.images import read_image
from piggygan.data.masks import read_mask
from piggygan.errors import ConfigurationError, PairError

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class UnitedMaskReader:
    """Reads an image as the input and the union of its masks as the target.

    Attributes:
        channels: Channels of the input: 1 or 3. The target has 1.
        scale: How many times as large as its masks an image may be; each of their pixels then stands for so many.
        requirements: What DICOM films have to be; by default they must not say that text is burned in.
    """

    channels: int = 3
    scale: int = 1
    input_sampling: Sampling = "bilinear"
    target_sampling: Sampling = "nearest"
    requirements: DicomRequirements = TO_LEARN_FROM

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise ConfigurationError(f"channels is {self.channels}; an image is read with 1 (grey) or 3 (RGB).")

    def read(self, files: PairFiles) -> tuple[Float[Tensor, "channels height width"], Float[Tensor, "1 height width"]]:
        """Read an image and unite its masks.

        Raises:
            PairError: If a mask is missing or has another size.
            MaskError: If a mask has more than two values.
            ImageError: If a file cannot be read.
        """
        image = self.read_input(files.image)
        height, width = image.shape[-2:]
        mask = torch.full((1, height, width), -1.0)
        for path in masks_of(files):
            part = self.read_part(path)
            if part.shape[-1] * self.scale == width:
                part = part.repeat_interleave(self.scale, dim=-2).repeat_interleave(self.scale, dim=-1)
            if part.shape != mask.shape:
                raise PairError(
                    f"{shown(files.image)} is {width} x {height} pixels and its mask {shown(path)} {part.shape[-1]} x "
                    f"{part.shape[-2]}; they must be of one size, after EXIF orientation."
                )
            mask = torch.maximum(mask, part)
        return image, mask

    def read_input(self, path: Path) -> Float[Tensor, "channels height width"]:
        """Read the image."""
        return read_image(path, self.channels, requirements=self.requirements)

    def read_part(self, path: Path) -> Float[Tensor, "1 height width"]:
        """Read one of the masks."""
        return read_mask(path)


def masks_of(files: PairFiles) -> tuple[Path, ...]:
    """List all masks of a pair.

    Raises:
        PairError: If there is none.
    """
    if files.mask is None:
        raise PairError(f"{files.name!r} has no mask file.")
    return (files.mask, *files.more_masks)
