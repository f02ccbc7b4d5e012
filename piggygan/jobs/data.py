"""From what a user names to the sides that a task learns from and is scored on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from piggygan.data.augmentation import PairAugmentation
from piggygan.data.datasets import ImagesWithMasks, open_dataset
from piggygan.data.pairs import PairDataset
from piggygan.data.splits import split_by_patient
from piggygan.data.unpaired import UnpairedDataset
from piggygan.errors import ConfigurationError

Direction = Literal["AtoB", "BtoA"]
Kind = Literal["pairs", "masks", "unpaired"]
Variations = PairAugmentation | Mapping[Kind, PairAugmentation] | None
"""How what is learned from is varied: whatever the data are, by what they are, or not at all."""


@dataclass(frozen=True)
class DataConfig:
    """What a task learns from: a folder whose form is found, or two folders.

    Example:
        >>> DataConfig(data=Path("facades"), direction="BtoA").data.name
        'facades'
    """

    data: Path | None = None
    """A folder whose form is found: pairs side by side, A/ and B/, images/ and masks/, trainA/ and trainB/, or a known
    set."""
    inputs: Path | None = None
    """The folder of what the network gets; with --targets, whose files have the same names."""
    targets: Path | None = None
    """The folder of what the network shall make of it."""
    images: Path | None = None
    """The folder of the films or photos; with --masks, whose files have the same names."""
    masks: Path | None = None
    """The folder of the masks."""
    side_a: Path | None = None
    """A folder of pictures that nobody paired; with --side-b."""
    side_b: Path | None = None
    """The folder of the other side's pictures."""
    splits: Path | None = None
    """A splits.json that names the files of each side: {"train": [...], "val": [...], "test": [...]}."""
    split: str | None = None
    """Draw the sides, by the shares of train, val and test, such as 0.7/0.1/0.2, which is what is drawn where the data
    have no sides of their own."""
    split_by: str | None = None
    """What stays together when sides are drawn: patient, name (each file for itself), or a regular expression whose
    first group is the patient. By default the patient where all are known, else the name."""
    direction: Direction = "AtoB"
    """Which way pairs are learned: AtoB makes the right half (B/) of the left half (A/)."""
    classes: tuple[str, ...] = ()
    """The values of a mask of several classes, one channel each: 1 2 3, or with names and values that belong
    together: lungs=150,200 heart=250."""
    channels: int | None = None
    """Channels that the inputs are read with: 1 grey, 3 colour, or as many as the files have. By default 3, or as many
    as the files have if these are more."""
    target_channels: int | None = None
    """Likewise of targets that are pictures. By default 1 if all of them are grey, else as for inputs."""


@dataclass(frozen=True)
class TaskData:
    """The sides of a task.

    Attributes:
        kind: ``"pairs"`` of pictures, images with ``"masks"``, or two ``"unpaired"`` sides.
        train: What is learned from.
        validation: What is scored while training goes on.
        test: What is scored once, at the end; None where the data have no such side.
        in_channels: Of the inputs.
        out_channels: Of the targets; one a class.
        fingerprint: 64 hexadecimal digits, the SHA-256 of the names and bytes of all files that are used, side by side.
        splits: The names on each side (``"train"``, ``"val"``, ``"test"``), as :func:`open_task_data` takes them again.
        notes: What a person should know, one sentence each: what was drawn, left out, or looks wrong.
        patients: Whose file each is, where that is known. Of DICOM files it is a digest.
        label_side: Which of the two are label pictures, whose colours must not be mixed; None: neither.
        classes: What each channel of a mask is, if there are several.
    """

    kind: Kind
    train: PairDataset | UnpairedDataset
    validation: PairDataset | UnpairedDataset
    test: PairDataset | UnpairedDataset | None
    in_channels: int
    out_channels: int
    fingerprint: str
    splits: dict[str, list[str]]
    notes: list[str]
    patients: Mapping[str, str] = field(default_factory=dict)
    label_side: Literal["input", "target"] | None = None
    classes: tuple[str, ...] = ()


def open_task_data(
    config: DataConfig,
    *,
    size: int,
    seed: int,
    augmentation: Variations = None,
    in_channels: int | None = None,
) -> TaskData:
    """Find the pairs, divide them into sides, and read them.

    Args:
        config: What the user named.
        size: Side of the pictures that come out.
        seed: Of drawn sides and of variations, 0 or more.
        augmentation: How to vary what is learned from, or that by the kind of data; the other sides are never varied.
        in_channels: Channels that a network takes which is there already.

    Raises:
        ConfigurationError: If the options contradict each other.
        DataError: If the data cannot be used.
    """
    if config.data is None:
        raise ConfigurationError("no data are named: give --data FOLDER.")
    dataset = open_dataset(config.data)
    channels = config.channels or in_channels or 3
    splits = {side: list(names) for side, names in dataset.sides.items()}
    if "val" not in splits:
        kept = {name: dataset.patients.get(name, name) for name in splits["train"]}
        splits |= {**split_by_patient(kept, {"train": 0.875, "val": 0.125}, seed=seed)}
    is_of_masks = isinstance(dataset, ImagesWithMasks)
    varied = variations_of(augmentation, "masks" if is_of_masks else "pairs")
    sides = {
        side: dataset.pairs(
            size, names=names, channels=channels, augmentation=varied if side == "train" else None, seed=seed
        )
        for side, names in splits.items()
    }
    return TaskData(
        kind="masks" if is_of_masks else "pairs",
        train=sides["train"],
        validation=sides["val"],
        test=sides.get("test"),
        in_channels=channels,
        out_channels=1 if is_of_masks else 3,
        fingerprint=hashlib.sha256(repr([pairs.fingerprint for pairs in sides.values()]).encode()).hexdigest(),
        splits=splits,
        notes=[],
        patients=dataset.patients,
    )


def variations_of(augmentation: Variations, kind: Kind) -> PairAugmentation | None:
    """Return how data of a kind are varied."""
    if augmentation is None or isinstance(augmentation, PairAugmentation):
        return augmentation
    return augmentation.get(kind)


def open_test_data(config: DataConfig, *, size: int, in_channels: int | None = None) -> TaskData:
    """Read data to score a task on, without drawing anything.

    The test side where the data have sides, else all of them; it is all three sides of what is returned.

    Args:
        config: What the user named.
        size: Side of the pictures that come out.
        in_channels: Channels that the network takes.

    Raises:
        ConfigurationError: If the options contradict each other.
        DataError: If the data cannot be used.
    """
    opened = open_task_data(config, size=size, seed=0, in_channels=in_channels)
    scored = opened.test or opened.validation
    return replace(opened, train=scored, validation=scored, test=scored)
