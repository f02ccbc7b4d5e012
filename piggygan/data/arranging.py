"""How the pairs of a data set are read for a task: with which channels, which way round, what is a label picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from piggygan.data.arrangement import Arrangement, LabelSide, Wishes, channels_of, read_some
from piggygan.data.datasets.facades import Facades
from piggygan.data.datasets.folder import DatasetFolder
from piggygan.data.datasets.own import SideBySide
from piggygan.data.folders import PairFiles
from piggygan.data.looks import look_black, look_like_labels, look_like_masks
from piggygan.data.mask_arranging import arrange_masks
from piggygan.data.mask_reader import MaskReader
from piggygan.data.readers import ArrangedReader, PictureReader, SideBySideReader, TwoPicturesReader
from piggygan.data.survey import SurveyedFile
from piggygan.errors import ConfigurationError, DatasetError
from piggygan.files.regular import shown

_LABELS_LOOKED_AT = 16


def arrange(
    dataset: DatasetFolder, files: Sequence[PairFiles], surveyed: Mapping[Path, SurveyedFile], wishes: Wishes
) -> Arrangement:
    """Choose how the pairs of a data set are read, from the looks of some.

    Args:
        dataset: Whose pairs.
        files: Those that are learned from.
        surveyed: What is known of all files.
        wishes: What the user wants.

    Raises:
        ConfigurationError: If the wishes do not fit the form.
        DatasetError: If the files do not fit the wishes.
    """
    reader = dataset.reader()
    if isinstance(reader, MaskReader):
        return arrange_masks(dataset, reader, files, surveyed, wishes)
    if wishes.classes:
        raise ConfigurationError(f"classes are of masks, and {shown(dataset.folder)} has targets that are pictures.")
    if not isinstance(reader, SideBySideReader | TwoPicturesReader):
        if wishes.is_reversed:
            reader = ArrangedReader(reader, True, reader.target_sampling, reader.input_sampling)
        return Arrangement(reader, 3, 3, "input" if wishes.is_reversed else "target")
    images = [pair.image for pair in files]
    targets = images if isinstance(dataset, SideBySide) else [pair.mask for pair in files if pair.mask is not None]
    if wishes.is_reversed:
        images, targets = targets, images
    in_channels = channels_of(images, surveyed, wishes.channels, "inputs")
    out_channels = channels_of(targets, surveyed, wishes.target_channels, "targets", grey=1)
    as_stored = (out_channels, in_channels) if wishes.is_reversed else (in_channels, out_channels)
    reader = replace(reader, channels=as_stored[0], target_channels=as_stored[1])
    arranged = ArrangedReader(reader, wishes.is_reversed, "bilinear", "bilinear")
    return _with_labels(arranged, dataset, files, in_channels, out_channels)


def _with_labels(
    reader: ArrangedReader, dataset: DatasetFolder, files: Sequence[PairFiles], in_channels: int, out_channels: int
) -> Arrangement:
    """See which side is label pictures, whose colours must not be mixed."""
    if isinstance(dataset, Facades):
        of_labels = (reader.is_reversed, not reader.is_reversed)
    else:
        pairs = read_some(files, reader, _LABELS_LOOKED_AT)
        of_labels = (look_like_labels([pair[0] for pair in pairs]), look_like_labels([pair[1] for pair in pairs]))
    side: LabelSide | None = {(True, True): "both", (True, False): "input", (False, True): "target"}.get(of_labels)  # type: ignore[assignment]
    notes = []
    if side == "input":
        other = "AtoB" if reader.is_reversed else "BtoA"
        notes.append(
            f"The inputs look like label pictures and the targets like photos: photos are learned of labels. If the "
            f"reverse is meant, take --direction {other}."
        )
    return Arrangement(
        replace(
            reader,
            input_sampling="nearest" if of_labels[0] else "bilinear",
            target_sampling="nearest" if of_labels[1] else "bilinear",
        ),
        in_channels,
        out_channels,
        side,
        tuple(notes),
    )


class Letters(NamedTuple):
    """How the pictures of two sides that nobody paired are read.

    Attributes:
        inputs: Reads those of the one side.
        targets: Reads those of the other.
        are_masks: Whether the targets look like masks.
    """

    inputs: PictureReader
    targets: PictureReader
    are_masks: bool


def letters(
    dataset_files: Mapping[str, Sequence[PairFiles]], surveyed: Mapping[Path, SurveyedFile], wishes: Wishes
) -> Letters:
    """Choose how the pictures of two sides that nobody paired are read.

    Args:
        dataset_files: Pictures of ``"A"`` and ``"B"``; the inputs and the targets.
        surveyed: What is known of all files.
        wishes: What the user wants.

    Raises:
        DatasetError: If the files do not fit the wishes, or all look black.
    """
    readers, are_masks = [], False
    for letter, wanted in (("A", wishes.channels), ("B", wishes.target_channels)):
        files = dataset_files[letter]
        reader = PictureReader(
            channels_of([pair.image for pair in files], surveyed, wanted, f"pictures of side {letter}")
        )
        pictures = [picture for picture, _ in read_some(files, reader, _LABELS_LOOKED_AT)]
        if look_black(pictures):
            raise DatasetError(
                f"the pictures of side {letter}, such as {shown(files[0].image)}, look black: their values are next to "
                f"0. Masks of 0 and 1 have to be of 0 and 255."
            )
        are_masks = letter == "B" and look_like_masks(pictures)
        reader = replace(reader, input_sampling="nearest" if look_like_labels(pictures) else "bilinear")
        readers.append(replace(reader, channels=wanted or 1) if are_masks else reader)
    return Letters(readers[0], readers[1], are_masks)
