"""Pairs of input and target, kept in memory and varied reproducibly."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor
from torch.utils.data import Dataset

from piggygan.data.augmentation import PairAugmentation
from piggygan.data.decoded import DecodedPairs
from piggygan.data.dicom.description import TO_LEARN_FROM, DicomRequirements
from piggygan.data.folders import PairFiles, list_images_with_masks, list_side_by_side
from piggygan.data.mask_reader import MaskReader
from piggygan.data.readers import PairReader, Side, SideBySideReader
from piggygan.data.seeds import seeded_generator
from piggygan.errors import DatasetError
from piggygan.networks.checks import check_at_least, check_share

_CACHE_BYTES = 1 << 30
_MAX_SKIPPED = 0.05


class Pair(NamedTuple):
    """One pair, both pictures in [-1, 1].

    Attributes:
        input: ``(channels, size, size)``, what the generator gets.
        target: ``(channels, size, size)``, what it should make.
        name: The stem of the image's file.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data.synthetic import write_xrays
        >>> with TemporaryDirectory() as folder:
        ...     paths = write_xrays(folder, 1, 64, seed=0)
        ...     film, mask, name = PairDataset.with_masks(f"{folder}/images", f"{folder}/masks", 32)[0]
        >>> film.shape, mask.unique().tolist(), name
        (torch.Size([3, 32, 32]), [-1.0, 1.0], '000')
    """

    input: Tensor
    target: Tensor
    name: str


class PairDataset(Dataset[Pair]):
    """Pairs of pictures, stretched to squares of one size.

    Every file is decoded once when the data set is made; files that cannot be used are then left out and listed in
    :attr:`skipped`. The resized pictures stay in memory as long as they fit into ``cache_bytes``; the rest are
    decoded again whenever they are asked for, with the same result: a file that shows something else by then is
    refused.

    Resized photos are kept with 16 bits a value, masks and label pictures with 8, which is exact for them.

    Variations of item ``i`` in epoch ``e`` depend on ``(seed, e, i)`` alone: not on the order, the number of
    workers, or what else draws random numbers.

    Args:
        files: The pairs.
        reader: How to read one.
        size: Side of the pictures that come out.
        augmentation: How to vary them; none leaves them alone.
        seed: Of the variations, 0 or more.
        cache_bytes: How much memory the pictures may take.
        max_skipped: Largest share of pairs that may be left out, 0..1.

    Attributes:
        skipped: The pairs that were left out, and why.

    Raises:
        ConfigurationError: If an argument is outside its range.
        DatasetError: If there are no pairs, or too many cannot be used; it names the first ten.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data.synthetic import write_facades
        >>> with TemporaryDirectory() as folder:
        ...     paths = write_facades(folder, 2, 64, seed=0)
        ...     dataset = PairDataset.side_by_side(folder, 32)
        ...     len(dataset), dataset[0].input.shape, dataset.names
        (2, torch.Size([3, 32, 32]), ['000', '001'])
    """

    def __init__(
        self,
        files: Sequence[PairFiles],
        reader: PairReader,
        size: int,
        *,
        augmentation: PairAugmentation | None = None,
        seed: int = 0,
        cache_bytes: int = _CACHE_BYTES,
        max_skipped: float = _MAX_SKIPPED,
    ) -> None:
        check_at_least(1, size=size)
        check_at_least(0, seed=seed, cache_bytes=cache_bytes)
        check_share(max_skipped=max_skipped)
        if not files:
            raise DatasetError("The list of files is empty; a data set needs at least one pair.")
        self._reader = reader
        self._size = size
        self._augmentation = augmentation
        self._seed = seed
        self._epoch = 0
        stored_size = size if augmentation is None else augmentation.stored_size(size)
        self._decoded = DecodedPairs(files, reader, stored_size, cache_bytes)
        self.skipped = self._decoded.skipped
        self._decoded.check_skipped(max_skipped)

    @classmethod
    def side_by_side(
        cls,
        folder: str | Path,
        size: int,
        *,
        input_side: Side = "left",
        label_side: Side | None = "right",
        names: Collection[str] | None = None,
        augmentation: PairAugmentation | None = None,
        seed: int = 0,
        cache_bytes: int = _CACHE_BYTES,
        max_skipped: float = _MAX_SKIPPED,
    ) -> PairDataset:
        """Make a data set of files that hold a pair each, in the form of pix2pix: photo left, labels right.

        Args:
            folder: Of the files; see :func:`list_side_by_side`, also for ``names``.
            size: As for the class, like the arguments not named here.
            input_side: Which half the generator gets; ``"right"`` makes photos of labels.
            label_side: Which half is a label picture, resized without mixing colours; None: both are photos.
            names: Take these files only.
            augmentation: As for the class.
            seed: As for the class.
            cache_bytes: As for the class.
            max_skipped: As for the class.

        Raises:
            ConfigurationError: If an argument is outside its range.
            DatasetError: If the folder is missing, empty or mostly broken.
            PairError: If a name is missing or not unique.
        """
        return cls(
            list_side_by_side(folder, names=names),
            SideBySideReader(input_side, label_side),
            size,
            augmentation=augmentation,
            seed=seed,
            cache_bytes=cache_bytes,
            max_skipped=max_skipped,
        )

    @classmethod
    def with_masks(
        cls,
        images_folder: str | Path,
        masks_folder: str | Path,
        size: int,
        *,
        names: Collection[str] | None = None,
        channels: int = 3,
        requirements: DicomRequirements = TO_LEARN_FROM,
        augmentation: PairAugmentation | None = None,
        seed: int = 0,
        cache_bytes: int = _CACHE_BYTES,
        max_skipped: float = _MAX_SKIPPED,
    ) -> PairDataset:
        """Make a data set of images and masks of the same stems in another folder.

        Args:
            images_folder: The inputs; see :func:`list_images_with_masks`, also for ``names``.
            masks_folder: The targets, which become {-1, 1} in one channel.
            size: As for the class, like the arguments not named here.
            names: Take these images only.
            channels: Of the input: 1 or 3.
            requirements: What DICOM films have to be; by default they must not say that text is burned in.
            augmentation: As for the class.
            seed: As for the class.
            cache_bytes: As for the class.
            max_skipped: As for the class.

        Raises:
            ConfigurationError: If an argument is outside its range.
            DatasetError: If a folder is missing, empty or mostly broken.
            PairError: If a partner or a name is missing, or a stem is not unique.
        """
        return cls(
            list_images_with_masks(images_folder, masks_folder, names=names),
            MaskReader(channels, requirements=requirements),
            size,
            augmentation=augmentation,
            seed=seed,
            cache_bytes=cache_bytes,
            max_skipped=max_skipped,
        )

    @property
    def names(self) -> list[str]:
        """The names of the pairs, in order."""
        return [files.name for files in self._decoded.files]

    @property
    def files(self) -> list[PairFiles]:
        """Where each pair lies, in order."""
        return list(self._decoded.files)

    @property
    def reader(self) -> PairReader:
        """How a pair is read at its own size."""
        return self._reader

    @property
    def size(self) -> int:
        """The side of the pictures."""
        return self._size

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits that are equal where names, pictures, size, variations and seed are."""
        chosen = (self.names, self._size, self._augmentation, self._seed, self._decoded.contents)
        return hashlib.sha256(repr(chosen).encode()).hexdigest()

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose variations the next items get.

        Worker processes that are already running do not hear of it: start them anew each epoch, as
        :func:`~piggygan.data.batches` does.
        """
        check_at_least(0, epoch=epoch)
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._decoded.files)

    def __getitem__(self, index: int) -> Pair:
        index = range(len(self))[index]
        image, target = (part.unpack() for part in self._decoded[index])
        if self._augmentation is not None:
            image, target = self._augmentation(
                image,
                target,
                seeded_generator(self._seed, self._epoch, index),
                size=self._size,
                image_sampling=self._reader.input_sampling,
                target_sampling=self._reader.target_sampling,
            )
        return Pair(image, target, self._decoded.files[index].name)
