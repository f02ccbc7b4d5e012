"""The pairs of each task: a part to learn from, one to choose by, and one that is read when all is done."""

from __future__ import annotations

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch.utils.data import ConcatDataset

from benchmarks.evidence.preset import Preset
from benchmarks.evidence.sources import Folders, sides_of, test_folder
from piggygan.data import Pair, PairAugmentation, PairBatch, PairDataset
from piggygan.data.batches import collate_pairs
from piggygan.data.synthetic.facades import write_facades
from piggygan.data.synthetic.xrays import write_xrays
from piggygan.errors import DatasetError

FILM_VARIATIONS = {
    "films": PairAugmentation(zoom=(0.85, 1.15), rotation_degrees=8.0, contrast=0.2, brightness=0.2),
    "wide": PairAugmentation(zoom=(0.7, 1.4), shift=0.1, rotation_degrees=15.0, contrast=0.3, brightness=0.3),
}


@dataclass(frozen=True)
class Names:
    """The three sides of a task, by the names of the files."""

    learned: tuple[str, ...]
    validated: tuple[str, ...]
    tested: tuple[str, ...]
    """None where the preset is scored on the validation side."""


class TaskData:
    """One task's pairs.

    Args:
        preset: The experiment: size of the images, how many are kept back, and where the task's are.
        task: Which of its tasks.
        folders: Where the sources are.
        seed: Chooses the films where only some are learned from, and their variations.

    Raises:
        DatasetError: If a folder is missing, a patient is on two sides, or there are fewer pairs than are asked for.
    """

    def __init__(self, preset: Preset, task: str, folders: Folders, seed: int) -> None:
        self._task = preset.tasks[task]
        self._setting = setting = preset.setting
        self._source = source = preset.sources[self._task.source]
        self._folder = folders[self._task.source]
        self._seed = seed
        sides = sides_of(self._task.source, source, self._folder)
        most = min(round(len(sides.train) * setting.validation), setting.most_validated)
        validated = kept_back(sides.train, most, source.together_letters or source.patient_letters)
        learned = [name for name in sides.train if name not in set(validated)]
        tested = sides.test if setting.scored == "test" else ()
        films = self._task.films or len(learned)
        for what, there, needed in (
            ("to learn from", len(learned), max(films, setting.batch_size)),
            ("to validate with", len(validated), 1),
            ("to test", len(tested), 1 if setting.scored == "test" else 0),
        ):
            if there < needed:
                raise DatasetError(
                    f"task {task!r} needs {needed} pairs {what}, and {self._folder} has {there}: give it more, or "
                    "ask for fewer in the preset."
                )
        if self._task.films is not None:
            drawn = random.Random(f"{seed}, draw {self._task.draw}" if self._task.draw else seed)  # noqa: S311
            learned = sorted(drawn.sample(learned, films))
        self.names = Names(tuple(learned), tuple(validated), tuple(tested))

    def learned(self) -> PairDataset:
        """Return the pairs to learn from, varied anew each epoch."""
        is_masks = self._source.form == "masks"
        varied = FILM_VARIATIONS[self._task.variations] if is_masks else PairAugmentation.pix2pix()
        return self._dataset(self.names.learned, "train", varied)

    def whole(self) -> PairBatch:
        """Return the pairs to learn from without variations, all in one batch."""
        dataset = self._dataset(self.names.learned, "train", None)
        return collate_pairs([dataset[index] for index in range(len(dataset))])

    def validated(self) -> PairDataset:
        """Return the pairs that learning curves and choices are made with."""
        return self._dataset(self.names.validated, "train", None)

    def scored(self) -> PairDataset:
        """Return the pairs that are read once, when a cell has been learned: of the side that the preset names."""
        if self._setting.scored == "validation":
            return self.validated()
        return self._dataset(self.names.tested, "test", None)

    def _dataset(self, names: Sequence[str], side: str, augmentation: PairAugmentation | None) -> PairDataset:
        folder, size = self._folder, self._setting.size
        if self._source.form == "masks":
            masks = folder / self._source.masks
            return PairDataset.with_masks(
                folder / "images", masks, size, names=names, augmentation=augmentation, seed=self._seed
            )
        return PairDataset.side_by_side(
            folder / "train" if side == "train" else test_folder(folder),
            size,
            input_side="right" if self._task.kind == "photo" else "left",
            names=names,
            augmentation=augmentation,
            seed=self._seed,
        )


class PooledPairs(ConcatDataset[Pair]):
    """The pairs of several data sets as one.

    Args:
        parts: The data sets.
    """

    def __init__(self, parts: Sequence[PairDataset]) -> None:
        super().__init__(parts)
        self._parts = parts

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose variations the next pairs get."""
        for part in self._parts:
            part.set_epoch(epoch)


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


def generate(data: Path, size: int) -> None:
    """Write small generated ``facades`` and ``xrays`` into a folder where there are none, for the preset ``smoke``."""
    facades, xrays = data / "facades", data / "xrays"
    if not facades.exists():
        write_facades(facades / "train", 24, size, seed=0)
        write_facades(facades / "test", 6, size, seed=1)
    if not xrays.exists():
        names = [image.name for image, _ in write_xrays(xrays, 26, size, seed=0)]
        sides = {"train": names[:20], "test": names[20:]}
        (xrays / "splits.json").write_text(json.dumps(sides), encoding="utf-8")
