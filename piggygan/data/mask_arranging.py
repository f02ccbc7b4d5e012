"""How images and masks are read for a task, and what looks wrong with the masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from piggygan.data.arrangement import Arrangement, Wishes, channels_of, read_some, some_of
from piggygan.data.datasets.folder import DatasetFolder
from piggygan.data.folders import PairFiles
from piggygan.data.looks import is_two_valued
from piggygan.data.mask_reader import MaskReader
from piggygan.data.readers import PairReader
from piggygan.data.survey import SurveyedFile
from piggygan.errors import ConfigurationError, DataError, DatasetError, MaskError
from piggygan.files.regular import shown

if TYPE_CHECKING:
    from jaxtyping import Float

_MOST_LOOKED_AT = 32
_BORDER, _MOST_OF_THEM = 0.75, 0.75
"""Shares of a border that is white, and of masks with such a border, above which masks look inverted."""


def arrange_masks(
    dataset: DatasetFolder,
    reader: MaskReader,
    files: Sequence[PairFiles],
    surveyed: Mapping[Path, SurveyedFile],
    wishes: Wishes,
) -> Arrangement:
    """Choose how images and masks are read, and look at some masks.

    Args:
        dataset: Whose pairs.
        reader: The data set's own.
        files: Those that are learned from.
        surveyed: What is known of all files.
        wishes: What the user wants.

    Raises:
        ConfigurationError: If masks are to be the inputs.
        DatasetError: If images and masks look exchanged, no mask has any foreground, channels do not fit, or masks look
            inverted and nobody said which value is meant.
    """
    if wishes.is_reversed:
        raise ConfigurationError(
            "direction BtoA is of pairs, and these are images with masks: to make images of masks, give --inputs MASKS "
            "and --targets IMAGES."
        )
    channels = channels_of([pair.image for pair in files], surveyed, wishes.channels, "images")
    foreground = wishes.foreground or "white"
    reader = replace(reader, channels=channels, classes=wishes.classes, foreground=foreground)
    _check_not_exchanged(files, reader)
    masks = [target for _, target in read_some(files, reader, _MOST_LOOKED_AT)]
    notes = []
    if masks and not wishes.classes:
        if not any(bool((mask > 0).any()) for mask in masks):
            _check_any_foreground(dataset, files, reader)
        if wishes.foreground is None:
            check_not_inverted(files, masks)
        shares = [float((mask > 0).float().mean()) for mask in masks]
        inverted = sum(share > 0.5 for share in shares)
        if inverted > len(shares) / 2:
            notes.append(
                f"{inverted} of {len(shares)} masks that were looked at are white in more than half: if white is the "
                f"background, invert them, or say --foreground black."
            )
        empty = sum(share == 0 for share in shares)
        if empty:
            notes.append(f"{empty} of {len(shares)} masks that were looked at have no foreground.")
    for number, values in enumerate(wishes.classes):
        if masks and not any(bool((mask[number] > 0).any()) for mask in masks):
            named = ",".join(map(str, values))
            notes.append(f"Class {named} is in none of {len(masks)} masks that were looked at.")
    return Arrangement(reader, channels, max(1, len(wishes.classes)), None, tuple(notes))


def _check_not_exchanged(files: Sequence[PairFiles], reader: MaskReader) -> None:
    """Notice masks where the images should be, and the reverse."""
    for pair in some_of(files, 3):
        if pair.mask is None:
            return
        try:
            reader.read_part(pair.mask)
            return
        except MaskError:
            try:
                if not is_two_valued(reader.read_input(pair.image)):
                    return
            except DataError:
                return
        except DataError:
            return
    raise DatasetError(
        f"the masks, such as {shown(files[0].mask or files[0].image)}, look like images, and the images, such as "
        f"{shown(files[0].image)}, like masks: were they exchanged?"
    )


def check_not_inverted(files: Sequence[PairFiles], masks: Sequence[Tensor]) -> None:
    """Notice masks of the background: it reaches the border of a picture, and what is looked for lies within.

    Of 922 masks of lungs and hearts (Montgomery, Shenzhen, JSRT, COVID-19) at most 0.108 of the border is white.

    Args:
        files: Of which some were read.
        masks: The masks of these, as they were read.

    Raises:
        DatasetError: If most look so.
    """
    inverted = [mask for mask in masks if _border_of(mask).gt(0).float().mean() > _BORDER]
    if len(inverted) > _MOST_OF_THEM * len(masks):
        raise DatasetError(
            f"{len(inverted)} of {len(masks)} masks that were looked at, such as {shown(files[0].mask or Path())}, are "
            f"white along the border of the picture: they look inverted. Say foreground=black if what is black is "
            f"meant, or foreground=white if what is white is."
        )


def _border_of(mask: Float[Tensor, "classes height width"]) -> Float[Tensor, " pixels"]:
    return torch.cat([mask[:, [0, -1]].flatten(), mask[:, :, [0, -1]].flatten()])


def _check_any_foreground(dataset: DatasetFolder, files: Sequence[PairFiles], reader: PairReader) -> None:
    for pair in files:
        if any(bool((target > 0).any()) for _, target in read_some([pair], reader, 1)):
            return
    raise DatasetError(
        f"none of the {len(files)} masks in {shown(dataset.folder)} has any foreground: there is nothing to learn."
    )
