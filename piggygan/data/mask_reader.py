"""How an image and its masks become two pictures: of several masks the union."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from piggygan.data.augmentation import Sampling
from piggygan.data.dicom.description import TO_LEARN_FROM, DicomRequirements
from piggygan.data.folders import PairFiles
from piggygan.data.image_file import check_channels
from piggygan.data.images import read_image
from piggygan.data.masks import read_classes, read_mask
from piggygan.errors import PairError
from piggygan.files.regular import shown

if TYPE_CHECKING:
    from jaxtyping import Float

Foreground = Literal["white", "black"]
"""Of a mask of two values: white is the one that is not 0."""


@dataclass(frozen=True)
class MaskReader:
    """Reads an image as the input and its mask as the target; of several, such as one a lung, the union.

    Attributes:
        channels: Channels of the input: 1 or 3. The target has 1.
        scale: How many times as large as its masks an image may be; each of their pixels then stands for so many.
        requirements: What DICOM films have to be; by default they must not say that text is burned in.
        classes: The values of each class in a mask of several, see :func:`~piggygan.data.masks.read_classes`; the
            target then has a channel for each. By default a mask has two values.
        foreground: Which of the two is what is looked for.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data import list_images_with_masks
        >>> from piggygan.data.synthetic import write_xrays
        >>> with TemporaryDirectory() as folder:
        ...     paths = write_xrays(folder, 1, 32, seed=0)
        ...     (files,) = list_images_with_masks(f"{folder}/images", f"{folder}/masks")
        ...     film, mask = MaskReader(channels=1).read(files)
        >>> film.shape, mask.unique().tolist()
        (torch.Size([1, 32, 32]), [-1.0, 1.0])
    """

    channels: int = 3
    scale: int = 1
    input_sampling: Sampling = "bilinear"
    target_sampling: Sampling = "nearest"
    requirements: DicomRequirements = TO_LEARN_FROM
    classes: tuple[tuple[int, ...], ...] = ()
    foreground: Foreground = "white"

    def __post_init__(self) -> None:
        check_channels(self.channels)

    def read(
        self, files: PairFiles
    ) -> tuple[Float[Tensor, "channels height width"], Float[Tensor, "classes height width"]]:
        """Read an image and its masks.

        Raises:
            PairError: If there is no mask, or one of another size.
            MaskError: If a mask has more than two values, or others than its classes.
            ImageError: If a file cannot be read.
        """
        masks = masks_of(files)
        image = self.read_input(files.image)
        height, width = image.shape[-2:]
        united = torch.full((max(1, len(self.classes)), height, width), -1.0, device="cpu")
        for path in masks:
            part = self.read_part(path)
            if part.shape[-1] * self.scale == width:
                part = part.repeat_interleave(self.scale, dim=-2).repeat_interleave(self.scale, dim=-1)
            if part.shape != united.shape:
                raise PairError(
                    f"{shown(files.image)} is {width} x {height} pixels and its mask {shown(path)} {part.shape[-1]} x "
                    f"{part.shape[-2]}; they must be of one size, after EXIF orientation."
                )
            united = torch.maximum(united, part)
        return image, united

    def read_input(self, path: Path) -> Float[Tensor, "channels height width"]:
        """Read the image."""
        return read_image(path, self.channels, requirements=self.requirements)

    def read_part(self, path: Path) -> Float[Tensor, "classes height width"]:
        """Read one of the masks."""
        if self.classes:
            return read_classes(path, self.classes)
        mask = read_mask(path)
        return mask if self.foreground == "white" else -mask


def masks_of(files: PairFiles) -> tuple[Path, ...]:
    """List all masks of a pair.

    Raises:
        PairError: If there is none.
    """
    if files.mask is None:
        raise PairError(f"{files.name!r} has no mask file; list the files with list_images_with_masks.")
    return (files.mask, *files.more_masks)
