"""Two sides of pictures that nobody paired, as CycleGAN learns from them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.utils.data import Dataset

from piggygan.data.augmentation import PairAugmentation
from piggygan.data.decoded import SkippedFile
from piggygan.data.folders import PairFiles, list_side_by_side
from piggygan.data.pairs import Pair, PairDataset
from piggygan.data.readers import PictureReader
from piggygan.data.seeds import seeded_generator
from piggygan.errors import ConfigurationError, DatasetError
from piggygan.files.regular import shown

Matching = Literal["random", "serial"]
"""Which picture of the other side goes with one: any, drawn anew each epoch, or the next in order."""

_TARGETS, _PARTNERS = 1, 2  # what else than the data set's own seed their random numbers are a function of


class UnpairedDataset(Dataset[Pair]):
    """Pictures of two sides; what comes as a pair has nothing to do with each other.

    As long as the longer side; the shorter one begins again. Which pictures come together, and how each is varied,
    depends on ``(seed, epoch, index)`` alone.

    Args:
        inputs: Its inputs are one side.
        targets: Its inputs are the other side, or its targets where it is ``inputs`` itself: a paired set that is
            unpaired on purpose, so that both ways can be scored. A pair's two pictures then never come together.
        matching: ``"random"``: with each input comes any target. ``"serial"``: the first with the first, and so on.
        seed: Of the random matching, 0 or more.

    Raises:
        ConfigurationError: If an argument is outside its range, or serial matching would put pairs together again.
        DatasetError: If the pictures of the two sides have other sizes, or there is only one pair to be unpaired.

    Example:
        >>> data = UnpairedDataset.from_folders("horse2zebra", 256)  # doctest: +SKIP
    """

    def __init__(
        self, inputs: PairDataset, targets: PairDataset, *, matching: Matching = "random", seed: int = 0
    ) -> None:
        if matching not in get_args(Matching):
            raise ConfigurationError(f"matching is {matching!r}; choose one of {', '.join(get_args(Matching))}.")
        if seed < 0:
            raise ConfigurationError(f"seed is {seed}; it must be at least 0.")
        if inputs.size != targets.size:
            raise DatasetError(f"inputs have sides of {inputs.size} pixels, targets of {targets.size}: give both one.")
        self._is_of_pairs = inputs is targets
        if self._is_of_pairs and matching == "serial":
            raise ConfigurationError("serial matching would put the pairs together again: take matching='random'.")
        if self._is_of_pairs and len(inputs) < 2:
            raise DatasetError("one pair cannot be unpaired: give at least two.")
        self._inputs = inputs
        self._targets = targets
        self._matching = matching
        self._seed = seed
        self._epoch = 0

    @classmethod
    def from_folders(
        cls,
        folder: str | Path,
        size: int,
        *,
        side: str = "train",
        input_channels: int = 3,
        target_channels: int = 3,
        matching: Matching = "random",
        augmentation: PairAugmentation | None = None,
        seed: int = 0,
    ) -> UnpairedDataset:
        """Read the folders of CycleGAN: ``trainA`` has the inputs, ``trainB`` the targets.

        Args:
            folder: That holds both.
            size: Side of the pictures that come out.
            side: ``"train"`` or ``"test"``, what the folders' names begin with.
            input_channels: 1 or 3; every file of the side is read so.
            target_channels: 1 or 3. Where the two differ there is no identity loss.
            matching: As for the class.
            augmentation: Varies each picture for itself.
            seed: Of matching and variations, 0 or more.

        Raises:
            ConfigurationError: If an argument is outside its range.
            DatasetError: If a folder is missing, empty or mostly broken.
            PairError: If two files of a folder have one name.
        """
        files = []
        for letter in "AB":
            path = Path(folder) / f"{side}{letter}"
            if not path.is_dir():
                raise DatasetError(
                    f"Looked for {side}A and {side}B in {shown(Path(folder))}: there is no folder {path.name}. Put the "
                    f"pictures of one side into each."
                )
            files.append(list_side_by_side(path))
        readers = PictureReader(input_channels), PictureReader(target_channels)
        return cls.of_files(
            (files[0], files[1]), readers, size, matching=matching, augmentation=augmentation, seed=seed
        )

    @classmethod
    def of_files(
        cls,
        files: tuple[Sequence[PairFiles], Sequence[PairFiles]],
        readers: tuple[PictureReader, PictureReader],
        size: int,
        *,
        matching: Matching = "random",
        augmentation: PairAugmentation | None = None,
        seed: int = 0,
    ) -> UnpairedDataset:
        """Read the pictures of two sides.

        Args:
            files: Of the inputs and of the targets.
            readers: How those of each are read.
            size: Side of the pictures that come out.
            matching: As for the class.
            augmentation: Varies each picture for itself.
            seed: Of matching and variations, 0 or more.

        Raises:
            ConfigurationError: If an argument is outside its range.
            DatasetError: If a side is empty or mostly broken.
        """
        inputs, targets = (
            PairDataset(listed, reader, size, augmentation=augmentation, seed=own)
            for listed, reader, own in zip(files, readers, (seed, _other_seed(seed)), strict=True)
        )
        return cls(inputs, targets, matching=matching, seed=seed)

    @property
    def skipped(self) -> list[SkippedFile]:
        """The pictures of both sides that were left out, and why."""
        return [*self._inputs.skipped, *self._targets.skipped]

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits that are equal where pictures, variations, matching and seed are."""
        chosen = (self._inputs.fingerprint, self._targets.fingerprint, self._is_of_pairs, self._matching, self._seed)
        return hashlib.sha256(repr(chosen).encode()).hexdigest()

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose matching and variations the next items get; see :meth:`PairDataset.set_epoch`."""
        self._inputs.set_epoch(epoch)
        self._targets.set_epoch(epoch)
        self._epoch = epoch

    def __len__(self) -> int:
        return max(len(self._inputs), len(self._targets))

    def __getitem__(self, index: int) -> Pair:
        index = range(len(self))[index]
        place = index % len(self._inputs)
        first = self._inputs[place]
        second = self._targets[self._partner(index, place)]
        target: Tensor = second.target if self._is_of_pairs else second.input
        return Pair(first.input, target, f"{first.name} and {second.name}")

    def _partner(self, index: int, place: int) -> int:
        count = len(self._targets)
        if self._matching == "serial":
            return index % count
        random = seeded_generator(self._seed, self._epoch, index, _PARTNERS)
        if self._is_of_pairs:  # any but the own one
            return (place + int(torch.randint(1, count, (), generator=random))) % count
        return int(torch.randint(count, (), generator=random))


def _other_seed(seed: int) -> int:
    """Vary both sides by other numbers: with the same, pictures of the same place would be moved alike."""
    return int(torch.randint(2**31, (), generator=seeded_generator(seed, _TARGETS))) if seed >= 0 else seed
