"""The pairs of each task: a part to learn from, one to choose by, and one that is read when all is done."""

from __future__ import annotations

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.evidence.preset import Setting, Source, TaskSetting
from piggygan.data import PairAugmentation, PairBatch, PairDataset
from piggygan.data.batches import collate_pairs
from piggygan.data.splits import read_splits, side_of
from piggygan.data.synthetic.facades import write_facades
from piggygan.data.synthetic.xrays import write_xrays

SAME_SOURCE_LETTERS = 7
"""Films whose names share so many first letters are taken to be of one patient or publication."""
FILM_VARIATIONS = PairAugmentation(zoom=(0.85, 1.15), rotation_degrees=8.0, contrast=0.2, brightness=0.2)


@dataclass(frozen=True)
class Folders:
    """Where the pictures are; see ``forgetting.py``."""

    facades: Path
    windows: Path
    xrays: Path


@dataclass(frozen=True)
class Names:
    """The three sides of a task, by the names of the files."""

    learned: tuple[str, ...]
    validated: tuple[str, ...]
    tested: tuple[str, ...]


class TaskData:
    """One task's pairs.

    Args:
        task: Which pairs, and how many of them.
        setting: Size of the images, and how many are kept back.
        folders: Where they are.
        seed: Chooses the films where only some are learned from, and their variations.
    """

    def __init__(self, task: TaskSetting, setting: Setting, folders: Folders, seed: int) -> None:
        self._task = task
        self._size = setting.size
        self._folders = folders
        self._seed = seed
        training, tested = _sides(task.source, folders)
        letters = SAME_SOURCE_LETTERS if task.source == "xrays" else None
        validated = kept_back(training, min(round(len(training) * setting.validation), setting.most_validated), letters)
        learned = [name for name in training if name not in set(validated)]
        if task.films is not None:
            learned = sorted(random.Random(seed).sample(learned, task.films))  # noqa: S311
        self.names = Names(tuple(learned), tuple(validated), tuple(tested))

    def learned(self) -> PairDataset:
        """Return the pairs to learn from, varied anew each epoch."""
        varied = FILM_VARIATIONS if self._task.source == "xrays" else PairAugmentation.pix2pix()
        return self._dataset(self.names.learned, "train", varied)

    def whole(self) -> PairBatch:
        """Return the pairs to learn from without variations, all in one batch."""
        dataset = self._dataset(self.names.learned, "train", None)
        return collate_pairs([dataset[index] for index in range(len(dataset))])

    def validated(self) -> PairDataset:
        """Return the pairs that learning curves and choices are made with."""
        return self._dataset(self.names.validated, "train", None)

    def tested(self) -> PairDataset:
        """Return the pairs that are read once, when a cell has been learned."""
        return self._dataset(self.names.tested, "test", None)

    def _dataset(self, names: Sequence[str], side: str, augmentation: PairAugmentation | None) -> PairDataset:
        if self._task.source == "xrays":
            folder = self._folders.xrays
            return PairDataset.with_masks(
                folder / "images", folder / "masks", self._size, names=names, augmentation=augmentation, seed=self._seed
            )
        folder = self._folders.facades if self._task.source == "facades" else self._folders.windows
        return PairDataset.side_by_side(
            folder / "train" if side == "train" else _test_folder(folder),
            self._size,
            input_side="right" if self._task.kind == "photo" else "left",
            names=names,
            augmentation=augmentation,
            seed=self._seed,
        )


def kept_back(names: Sequence[str], count: int, letters: int | None) -> list[str]:
    """Choose at most so many names, the same on every machine; names that share their first letters stay together.

    Args:
        names: To choose from.
        count: Most names that are chosen.
        letters: How many first letters tell a group; None: each name is a group.

    Returns:
        The names chosen, sorted.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[name[:letters] if letters else name].append(name)
    chosen: list[str] = []
    for group in sorted(groups, key=lambda group: hashlib.sha256(group.encode()).digest()):
        if len(chosen) + len(groups[group]) <= count:
            chosen += groups[group]
    return sorted(chosen)


def generate(folders: Folders, size: int) -> None:
    """Write small generated data where there are none, for the preset ``smoke``."""
    if not folders.facades.exists():
        write_facades(folders.facades / "train", 24, size, seed=0)
        write_facades(folders.facades / "test", 6, size, seed=1)
    if not folders.xrays.exists():
        names = [image.name for image, _ in write_xrays(folders.xrays, 26, size, seed=0)]
        sides = {"train": names[:20], "test": names[20:]}
        (folders.xrays / "splits.json").write_text(json.dumps(sides), encoding="utf-8")


def _sides(source: Source, folders: Folders) -> tuple[list[str], list[str]]:
    if source == "xrays":
        path = folders.xrays / "splits.json"
        splits = read_splits(path)
        return sorted(side_of(splits, "train", path)), sorted(side_of(splits, "test", path))
    folder = folders.facades if source == "facades" else folders.windows
    return _files_in(folder / "train"), _files_in(_test_folder(folder))


def _test_folder(folder: Path) -> Path:
    """The published facades call it ``val``, and the windows ``test``."""
    return folder / "test" if (folder / "test").is_dir() else folder / "val"


def _files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix in (".jpg", ".png"))
