"""What is wished of the reading of a task's pairs, how they are read, and a look at some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from torch import Tensor

from piggygan.data.folders import PairFiles
from piggygan.data.image_file import check_channels
from piggygan.data.mask_reader import Foreground
from piggygan.data.masks import named_classes
from piggygan.data.readers import PairReader
from piggygan.data.survey import SurveyedFile
from piggygan.errors import ConfigurationError, DataError, DatasetError
from piggygan.files.regular import shown

LabelSide = Literal["input", "target", "both"]
Direction = Literal["AtoB", "BtoA"]


@dataclass(frozen=True)
class Wishes:
    """What a user wants of the reading.

    Attributes:
        channels: Of the input; None: 3, or as many as the files have.
        target_channels: Of a target that is a picture; None: 1 if all are grey, else as for inputs.
        classes: The values of each class of a mask.
        is_reversed: Whether pairs are learned from B to A.
        foreground: Which of a mask's two values is what is looked for; None: white, unless masks look inverted.
    """

    channels: int | None = None
    target_channels: int | None = None
    classes: tuple[tuple[int, ...], ...] = ()
    is_reversed: bool = False
    foreground: Foreground | None = None

    @classmethod
    def of(
        cls,
        direction: str,
        classes: Sequence[str],
        channels: int | None,
        target_channels: int | None,
        in_channels: int | None,
        foreground: Foreground | None = None,
    ) -> Wishes:
        """Take what a user wants, where it can be had of a network that is there already.

        Args:
            direction: ``"AtoB"`` or ``"BtoA"``.
            classes: Of a mask, see :func:`~piggygan.data.masks.named_classes`.
            channels: Of the input.
            target_channels: Of the target.
            in_channels: What the network takes, if there is one.
            foreground: Of a mask of two values.

        Raises:
            ConfigurationError: If one is outside its range, or not what the network takes.
        """
        if direction not in get_args(Direction):
            raise ConfigurationError(f"direction is {direction!r}: take AtoB or BtoA.")
        if in_channels and channels and channels != in_channels:
            raise ConfigurationError(
                f"channels is {channels}, and the network takes {in_channels}: leave channels out, or begin with a new "
                f"network."
            )
        if foreground not in (None, *get_args(Foreground)):
            raise ConfigurationError(f"foreground is {foreground!r}: take white or black.")
        if foreground and classes:
            raise ConfigurationError(
                f"foreground is {foreground}, which is of masks of two values, and classes are named: leave one out."
            )
        for wanted in (channels, target_channels):
            if wanted is not None:
                check_channels(wanted)
        values = tuple(named_classes(classes).values())
        return cls(channels or in_channels, target_channels, values, direction == "BtoA", foreground)


@dataclass(frozen=True)
class Arrangement:
    """How pairs are read.

    Attributes:
        reader: Reads one.
        in_channels: Of the input.
        out_channels: Of the target.
        label_side: Which is a label picture.
        notes: What looks wrong, or was chosen.
    """

    reader: PairReader
    in_channels: int
    out_channels: int
    label_side: LabelSide | None = None
    notes: tuple[str, ...] = ()


def channels_of(
    paths: Sequence[Path], surveyed: Mapping[Path, SurveyedFile], wanted: int | None, what: str, grey: int = 3
) -> int:
    """Choose with how many channels files are read.

    Args:
        paths: The files.
        surveyed: What is known of them.
        wanted: What a network or a user wants.
        what: ``"inputs"`` or ``"targets"``, for messages.
        grey: What is taken where all files are grey and nobody wants otherwise.

    Raises:
        DatasetError: If they cannot be read so.
    """
    bands = {path: file.bands for path in paths if (file := surveyed.get(path)) and file.bands}
    many = {path: count for path, count in bands.items() if count not in (1, 3)}
    most = max(bands.values(), default=3)
    chosen = wanted or (grey if most == 1 else max(3, most))
    for path, count in many.items():
        if count != chosen:
            reason = f"is to be read with {chosen}" if wanted else f"others have {chosen}"
            raise DatasetError(
                f"{shown(path)} has {count} channels, and {reason}: take files of one kind, or say how many channels "
                f"the {what} have, if the network is new."
            )
    few = next((path for path, count in bands.items() if chosen > 3 and count != chosen), None)
    if few is not None:
        raise DatasetError(
            f"{shown(few)} has {bands[few]} channels, and {chosen} are needed of all {what}: take files of one kind."
        )
    return chosen


def some_of(files: Sequence[PairFiles], count: int) -> list[PairFiles]:
    """Take some pairs from all over a list."""
    step = max(1, len(files) // count)
    return list(files[::step][:count])


def read_some(files: Sequence[PairFiles], reader: PairReader, count: int) -> list[tuple[Tensor, Tensor]]:
    """Read some of the pairs that can be read, at their own size."""
    pairs = []
    for pair in some_of(files, count):
        try:
            pairs.append(reader.read(pair))
        except DataError:
            continue  # what is wrong with it is said when all are read
    return pairs
