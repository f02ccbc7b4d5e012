"""How the files of one pair become two square pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from torch import Tensor

from piggygan.data.augmentation import Sampling
from piggygan.data.dicom.description import TO_LEARN_FROM, DicomRequirements
from piggygan.data.folders import PairFiles
from piggygan.data.image_file import check_channels
from piggygan.data.images import read_image
from piggygan.errors import ConfigurationError, PairError
from piggygan.files.regular import shown

if TYPE_CHECKING:
    from jaxtyping import Float

Side = Literal["left", "right"]


class PairReader(Protocol):
    """Reads the files of a pair.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data import PairDataset, list_side_by_side
        >>> from piggygan.data.synthetic import write_facades
        >>> class Grey:  # both halves of a facade, without colour
        ...     input_sampling = target_sampling = "bilinear"
        ...     def read(self, files):
        ...         photo, labels = SideBySideReader().read(files)
        ...         return photo.mean(0, keepdim=True), labels.mean(0, keepdim=True)
        >>> with TemporaryDirectory() as folder:
        ...     paths = write_facades(folder, 1, 32, seed=0)
        ...     PairDataset(list_side_by_side(folder), Grey(), 32)[0].input.shape
        torch.Size([1, 32, 32])
    """

    @property
    def input_sampling(self) -> Sampling:
        """How inputs are resized."""

    @property
    def target_sampling(self) -> Sampling:
        """How targets are resized."""

    def read(
        self, files: PairFiles
    ) -> tuple[Float[Tensor, "input_channels height width"], Float[Tensor, "target_channels height width"]]:
        """Read input and target, both in [-1, 1] and of one size.

        Raises:
            DataError: If a file or the pair cannot be used.
        """


@dataclass(frozen=True)
class SideBySideReader:
    """Reads files that hold both pictures, left and right half, each as wide as the other.

    Attributes:
        input_side: Which half the generator gets.
        label_side: Which half is a label picture, whose colours must never be mixed; None: both are photos.
        channels: Of the input: 1 or 3, or as many as the files have.
        target_channels: Of the target, likewise.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data import list_side_by_side
        >>> from piggygan.data.synthetic import write_facades
        >>> with TemporaryDirectory() as folder:
        ...     paths = write_facades(folder, 1, 32, seed=0)
        ...     labels, photo = SideBySideReader(input_side="right").read(list_side_by_side(folder)[0])
        >>> labels.shape, photo.shape
        (torch.Size([3, 32, 32]), torch.Size([3, 32, 32]))
    """

    input_side: Side = "left"
    label_side: Side | None = "right"
    channels: int = 3
    target_channels: int = 3

    def __post_init__(self) -> None:
        if self.input_side not in ("left", "right") or self.label_side not in ("left", "right", None):
            raise ConfigurationError(
                f"input_side is {self.input_side!r} and label_side {self.label_side!r}; sides are 'left' and 'right'."
            )
        check_channels(self.channels)
        check_channels(self.target_channels)

    @property
    def input_sampling(self) -> Sampling:
        """How inputs are resized."""
        return "nearest" if self.input_side == self.label_side else "bilinear"

    @property
    def target_sampling(self) -> Sampling:
        """How targets are resized."""
        return "bilinear" if self.label_side in (None, self.input_side) else "nearest"

    def read(
        self, files: PairFiles
    ) -> tuple[Float[Tensor, "input_channels height half"], Float[Tensor, "target_channels height half"]]:
        """Read a file and cut it in the middle.

        Raises:
            PairError: If its width is odd.
            ImageError: If it cannot be read.
        """
        whole = read_image(files.image, self.channels)
        width = whole.shape[-1]
        if width % 2:
            raise PairError(f"{shown(files.image)} is {width} pixels wide; two halves need an even number.")
        other = whole if self.target_channels == self.channels else read_image(files.image, self.target_channels)
        left, right = slice(None, width // 2), slice(width // 2, None)
        first, second = (left, right) if self.input_side == "left" else (right, left)
        return whole[..., first], other[..., second]


@dataclass(frozen=True)
class TwoPicturesReader:
    """Reads two files, the input in ``image`` and the target in ``mask`` of a pair, as pictures of one size.

    Attributes:
        channels: Of the input: 1 or 3, or as many as the files have.
        target_channels: Of the target, likewise.
        input_sampling: ``"nearest"`` for label pictures, whose colours must never be mixed.
        target_sampling: Likewise.
        requirements: What DICOM films have to be; by default they must not say that text is burned in.
    """

    channels: int = 3
    target_channels: int = 3
    input_sampling: Sampling = "bilinear"
    target_sampling: Sampling = "bilinear"
    requirements: DicomRequirements = TO_LEARN_FROM

    def __post_init__(self) -> None:
        check_channels(self.channels)
        check_channels(self.target_channels)

    def read(
        self, files: PairFiles
    ) -> tuple[Float[Tensor, "input_channels height width"], Float[Tensor, "target_channels height width"]]:
        """Read both files.

        Raises:
            PairError: If there is no target, or it has another size.
            ImageError: If a file cannot be read.
        """
        if files.mask is None:
            raise PairError(f"{files.name!r} has no target file.")
        image = read_image(files.image, self.channels, requirements=self.requirements)
        target = read_image(files.mask, self.target_channels, requirements=self.requirements)
        if image.shape[-2:] != target.shape[-2:]:
            (height, width), (target_height, target_width) = image.shape[-2:], target.shape[-2:]
            raise PairError(
                f"{shown(files.image)} is {width} x {height} pixels and its target {shown(files.mask)} "
                f"{target_width} x {target_height}; they must be of one size, after EXIF orientation."
            )
        return image, target


@dataclass(frozen=True)
class ArrangedReader:
    """Reads as another reader does, the other way round if that is wanted, and resized in ways of its own.

    Attributes:
        reader: What reads.
        is_reversed: Whether its target is the input.
        input_sampling: How inputs are resized, once they are the inputs.
        target_sampling: How targets are resized.
    """

    reader: PairReader
    is_reversed: bool
    input_sampling: Sampling
    target_sampling: Sampling

    def read(
        self, files: PairFiles
    ) -> tuple[Float[Tensor, "input_channels height width"], Float[Tensor, "target_channels height width"]]:
        """Read a pair.

        Raises:
            DataError: If it cannot be used.
        """
        first, second = self.reader.read(files)
        return (second, first) if self.is_reversed else (first, second)


@dataclass(frozen=True)
class PictureReader:
    """Reads an image that has no partner: the target has no channels.

    Attributes:
        channels: Channels of the image: 1 or 3.
        input_sampling: ``"nearest"`` for label pictures and masks, whose values must never be mixed.
        requirements: What DICOM films have to be; by default they must not say that text is burned in.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> import torch
        >>> from piggygan.data import PairFiles, write_image
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "1.png")
        ...     write_image(path, torch.zeros(3, 8, 8))
        ...     picture, nothing = PictureReader(channels=1).read(PairFiles("1", path))
        >>> picture.shape, nothing.shape[0]
        (torch.Size([1, 8, 8]), 0)
    """

    channels: int = 3
    input_sampling: Sampling = "bilinear"
    target_sampling: Sampling = "nearest"
    requirements: DicomRequirements = TO_LEARN_FROM

    def __post_init__(self) -> None:
        check_channels(self.channels)

    def read(self, files: PairFiles) -> tuple[Float[Tensor, "channels height width"], Float[Tensor, "0 height width"]]:
        """Read an image.

        Raises:
            ImageError: If the file cannot be read.
        """
        image = read_image(files.image, self.channels, requirements=self.requirements)
        return image, image[:0]
