"""From what a user names to the sides that a task learns from and is scored on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from piggygan.data.arrangement import Direction, LabelSide, Wishes
from piggygan.data.decoded import SkippedFile
from piggygan.data.mask_reader import Foreground
from piggygan.data.masks import named_classes
from piggygan.data.pairs import PairDataset
from piggygan.data.task_sides import learned_sides, scored_side
from piggygan.data.unpaired import UnpairedDataset
from piggygan.jobs.source import TEST, TRAIN, Form, Kind, Source, Variations
from piggygan.networks.checks import check_share

NAMED = ("data", "inputs", "targets", "images", "masks", "side_a", "side_b")
"""Options that name folders of data."""
MAX_SKIPPED = 0.05
"""Largest share of files that may be left out, where nothing else is said."""


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
    foreground: Foreground | None = None
    """Which of a mask's two values is looked for: white (what is not 0) or black. By default white; masks that look
    inverted are refused until it is said."""
    channels: int | None = None
    """Channels that the inputs are read with: 1 grey, 3 colour, or as many as the files have. By default 3, or as many
    as the files have if these are more."""
    target_channels: int | None = None
    """Likewise of targets that are pictures. By default 1 if all of them are grey, else as for inputs."""
    max_skipped: float | None = None
    """Largest share of files that may be left out because they are broken or lack their partner. By default 0.05."""

    def __post_init__(self) -> None:
        if self.max_skipped is not None:
            check_share(max_skipped=self.max_skipped)


@dataclass(frozen=True)
class TaskData:
    """The sides of a task.

    Attributes:
        kind: What is scored: ``"pairs"`` of pictures, images with ``"masks"``, or two ``"unpaired"`` sides.
        train: What is learned from; pairs may have been unpaired for it on purpose.
        validation: What is scored while training goes on.
        test: What is scored once, at the end; None where the data have no such side.
        in_channels: Of the inputs.
        out_channels: Of the targets; one a class.
        fingerprint: 64 hexadecimal digits, the SHA-256 of the names and bytes of all files that are used, side by side.
        splits: The names on each side (``"train"``, ``"val"``, ``"test"``), as :func:`open_task_data` takes them again.
        notes: What a person should know, one sentence each: what was drawn, left out, or looks wrong.
        patients: Whose file each is, where that is known. Of DICOM files it is a digest.
        label_side: Which of the two are label pictures, whose colours are not mixed; None: neither.
        classes: What each channel of a mask is, if there are several.
        incomplete: What lacks its partner, of data to score a task on.
        targets_are_masks: Whether targets that nobody paired look like masks.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data.synthetic import write_xrays
        >>> with TemporaryDirectory() as folder:
        ...     films = write_xrays(folder, 10, 32, seed=0)
        ...     data = open_task_data(DataConfig(data=Path(folder)), size=32, seed=0)
        >>> data.kind, data.in_channels, data.out_channels
        ('masks', 3, 1)
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
    label_side: LabelSide | None = None
    classes: tuple[str, ...] = ()
    incomplete: tuple[SkippedFile, ...] = ()
    targets_are_masks: bool = False

    @property
    def form(self) -> Form:
        """What is learned from; that can be less than what is scored by."""
        is_apart = self.is_unpaired and (self.kind == "masks" or self.targets_are_masks)
        return "masks apart" if is_apart else self.kind

    @property
    def is_unpaired(self) -> bool:
        """Whether what is learned from is unpaired, so that two networks learn it, there and back."""
        return isinstance(self.train, UnpairedDataset)


def open_task_data(
    config: DataConfig,
    *,
    size: int,
    seed: int,
    augmentation: Variations = None,
    in_channels: int | None = None,
    unpaired: bool = False,
) -> TaskData:
    """Find the pairs, divide them into sides, and read them.

    Sides are, in this order: those of ``config.splits``; those drawn by ``config.split``; the folders train, val and
    test, or the ``splits.json``, that the data come with; else they are drawn. A validation side is drawn from the
    training side where there is none. What was drawn is in ``splits``; write it with
    :func:`~piggygan.data.splits.write_splits`, and name that file the next time: files that are added later would be
    drawn otherwise.

    Args:
        config: What the user named.
        size: Side of the pictures that come out.
        seed: Of drawn sides and of variations, 0 or more.
        augmentation: How to vary what is learned from, or that for each form; other sides are never varied.
        in_channels: Channels that a network takes which is there already.
        unpaired: Take pairs apart for learning, as if nobody had paired them; scores still know what belongs together.

    Raises:
        ConfigurationError: If the options contradict each other.
        DataError: If the data cannot be used.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data.synthetic import write_xrays
        >>> with TemporaryDirectory() as folder:
        ...     films = write_xrays(folder, 10, 32, seed=0)
        ...     config = DataConfig(images=Path(folder, "images"), masks=Path(folder, "masks"))
        ...     data = open_task_data(config, size=32, seed=0)
        >>> {side: len(names) for side, names in data.splits.items()}
        {'train': 7, 'val': 1, 'test': 2}
    """
    source = Source.opened(named_folders(config), MAX_SKIPPED if config.max_skipped is None else config.max_skipped)
    splits, notes = learned_sides(source.dataset, source.patients, config.splits, config.split, config.split_by, seed)
    data = _read(
        config,
        source,
        splits,
        notes,
        size=size,
        seed=seed,
        augmentation=augmentation,
        in_channels=in_channels,
        apart=unpaired,
    )
    return _unpaired(data, seed) if unpaired else data


def _unpaired(data: TaskData, seed: int) -> TaskData:
    """Learn from the pictures of pairs without their pairs, which are scored by."""
    if not isinstance(data.train, PairDataset):
        return data
    note = (
        f"The {len(data.train)} pairs to learn from are taken apart: with each input comes the target of another. Only "
        f"scores know what belongs together."
    )
    return replace(data, train=UnpairedDataset(data.train, data.train, seed=seed), notes=[*data.notes, note])


def open_test_data(
    config: DataConfig, *, size: int, in_channels: int | None = None, max_skipped: float = MAX_SKIPPED
) -> TaskData:
    """Read data to score a task on, without drawing anything.

    It is the test side of ``config.splits`` or of the data, the validation side if there is no other, and all of the
    data if they have no sides. It is all three sides of what is returned.

    Args:
        config: What the user named.
        size: Side of the pictures that come out.
        in_channels: Channels that the network takes.
        max_skipped: Largest share of the files that may lack their partner, or be unusable.

    Raises:
        ConfigurationError: If the options contradict each other.
        DataError: If the data cannot be used.
    """
    config = replace(config, foreground=config.foreground or ("white" if not config.classes else None))
    source = Source.opened(named_folders(config), max_skipped)
    names, notes = scored_side(source.dataset, config.splits)
    lost = {one.name: one for one in source.dataset.incomplete}
    sides = {TEST: [name for name in names if name not in lost]}
    data = _read(config, source, sides, notes, size=size, seed=0, in_channels=in_channels)
    takes_all = len(names) == len(source.dataset.files)
    incomplete = source.dataset.incomplete if takes_all else tuple(lost[name] for name in names if name in lost)
    return replace(data, incomplete=incomplete)


def named_folders(config: DataConfig) -> dict[str, Path | None]:
    """Return the folders that were named, by the options that name them."""
    return {name: getattr(config, name) for name in NAMED}


def _read(
    config: DataConfig,
    source: Source,
    splits: dict[str, list[str]],
    notes: Sequence[str],
    *,
    size: int,
    seed: int,
    augmentation: Variations = None,
    in_channels: int | None,
    apart: bool = False,
) -> TaskData:
    """Read the sides; where there is but a test side, it is all three."""
    wishes = Wishes.of(
        config.direction, config.classes, config.channels, config.target_channels, in_channels, config.foreground
    )
    found = source.read(splits, wishes, size=size, seed=seed, augmentation=augmentation, apart=apart)
    sides = found.sides
    return TaskData(
        kind=source.kind,
        train=sides.get(TRAIN) or sides[TEST],
        validation=sides.get("val") or sides[TEST],
        test=sides.get(TEST),
        in_channels=found.arranged.in_channels,
        out_channels=found.arranged.out_channels,
        fingerprint=found.fingerprint,
        splits=splits,
        notes=[*source.dataset.remarks, *notes, *found.notes],
        patients=source.patients,
        label_side=found.arranged.label_side,
        classes=tuple(named_classes(config.classes)),
        targets_are_masks=found.are_masks,
    )
