"""The sides of a task, as its data set, a list or nobody gives them; what is missing is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path

from piggygan.data.datasets.folder import DatasetFolder
from piggygan.data.datasets.own import SideBySide, UnpairedFolders
from piggygan.data.datasets.sides import plain_name, side_called
from piggygan.data.drawing import BY_NAME, SHARES, Drawing, check_patients, given_sides, parse_shares
from piggygan.data.splits import read_splits
from piggygan.errors import DatasetError
from piggygan.files.regular import shown

Draw = Callable[[Sequence[str], Mapping[str, str]], tuple[dict[str, list[str]], str]]


def learned_sides(
    dataset: DatasetFolder,
    patients: Mapping[str, str],
    splits: Path | None = None,
    split: str | None = None,
    split_by: str | None = None,
    seed: int = 0,
) -> tuple[dict[str, list[str]], list[str]]:
    """Take or draw the sides that a task is learned and scored on.

    Args:
        dataset: Whose pairs.
        patients: Whose file each is, where that is known.
        splits: A ``splits.json``, which wins over everything else.
        split: Shares to draw sides by, whatever sides the data have.
        split_by: What stays together, see :class:`~piggygan.data.drawing.Drawing`.
        seed: Of what is drawn.

    Returns:
        The names of each side (``"train"``, ``"val"``, and ``"test"`` if there is one), and what was done, in words.

    Raises:
        ConfigurationError: If an argument is outside its range.
        DatasetError: If there is no training side, or a patient is on two sides, or there are too few to draw from.
    """
    drawing = Drawing(parse_shares(split or SHARES), split_by, seed)
    listed, where = _listed(dataset, splits)
    everything = [files.name for files in dataset.files]
    if listed is None:
        _check_is_whole(dataset)
    if listed is None or (split is not None and splits is None):
        drawn, how = _drawn(dataset, drawing.sides, everything, patients)
        aside = f" The sides of {where} are not used." if listed else ""
        return drawn, [f"Sides were drawn {how}: {_counted(drawn)}.{aside}", *_doubts(how, split_by)]
    sides, notes = given_sides(listed, everything, where)
    if not sides.get("train"):
        raise DatasetError(f"{where} has no training side: it has {_counted(sides)}.")
    if split_by != BY_NAME:
        check_patients(patients, sides, where)
    if not sides.get("val"):
        drawn, how = _drawn(dataset, drawing.validation, sides["train"], patients)
        sides |= drawn
        notes.append(f"There is no validation side: it was drawn from the training side {how}: {_counted(sides)}.")
        notes += _doubts(how, split_by)
    if not sides.get("test"):
        notes.append(
            "There is no test side: the task is scored on the validation side alone, which is looked at as it learns."
        )
    return {side: sides[side] for side in ("train", "val", "test") if sides.get(side)}, notes


def scored_side(dataset: DatasetFolder, splits: Path | None = None) -> tuple[list[str], list[str]]:
    """Say what a task is scored on: the test side, else the validation side, or all where there are no sides.

    Args:
        dataset: Whose pairs.
        splits: A ``splits.json``, which wins over the sides of the data set.

    Returns:
        The names, and what was chosen, in words.

    Raises:
        DatasetError: If there are sides, and neither of these.
    """
    listed, where = _listed(dataset, splits)
    everything = [files.name for files in dataset.files]
    if listed is None:
        return everything, []
    sides, notes = given_sides(listed, everything, where)
    side = next((side for side in ("test", "val") if sides.get(side)), None)
    if side is None:
        raise DatasetError(f"{where} has neither a test nor a validation side: it has {_counted(sides)}.")
    remark = "the test side" if side == "test" else "the validation side, as there is no test side,"
    return sides[side], [f"Scored is {remark} of {where}: {len(sides[side])} of {len(everything)}.", *notes]


def _listed(dataset: DatasetFolder, splits: Path | None) -> tuple[Mapping[str, list[str]] | None, str]:
    """Return the sides that somebody gave, and where."""
    if splits is None:
        listed, where = dataset.sides, shown(dataset.folder)
    else:
        listed, where = read_splits(splits), shown(splits)
    known = {files.name for files in dataset.files}
    named = {
        side: [found for name in names for found in _meant(plain_name(name) if splits else name, known)]
        for side, names in listed.items()
    }
    return named or None, where


def _meant(name: str, known: Set[str]) -> list[str]:
    """Find what a list means that was written for another use of the same files.

    A list of pairs means both pictures where sides are learned unpaired; a path means the file's name.
    """
    parts = name.split("/")
    shorter = ["/".join(parts[first:]) for first in range(1, len(parts))]
    for candidates in ([name], [f"A/{name}", f"B/{name}"], *([one] for one in shorter)):
        if known >= set(candidates):
            return candidates
    return [name]


def _check_is_whole(dataset: DatasetFolder) -> None:
    """Notice the folder of one side: its neighbours are the other sides."""
    if side_called(dataset.folder.name) and SideBySide.is_in(dataset.folder.absolute().parent):
        raise DatasetError(
            f"{shown(dataset.folder)} is one side of {shown(dataset.folder.parent)}, whose others would be lost: name "
            f"that folder."
        )


def _drawn(
    dataset: DatasetFolder, draw: Draw, names: Sequence[str], patients: Mapping[str, str]
) -> tuple[dict[str, list[str]], str]:
    """Draw sides; of what nobody paired, from A and B for themselves."""
    if not isinstance(dataset, UnpairedFolders):
        return draw(names, patients)
    of_a, how = draw([name for name in names if dataset.letter_of(name) == "A"], patients)
    of_b, _ = draw([name for name in names if dataset.letter_of(name) == "B"], patients)
    return {side: of_a[side] + of_b[side] for side in of_a}, how


def _doubts(how: str, split_by: str | None) -> list[str]:
    if how != "by name" or split_by is not None:
        return []
    return [
        "Nobody said which files are of one patient, or of one source: if some are, scores are too good. Write "
        "patients.json, or draw by a regular expression."
    ]


def _counted(sides: Mapping[str, Sequence[str]]) -> str:
    order = [side for side in ("train", "val", "test") if side in sides]
    return ", ".join(f"{len(sides[side])} {side}" for side in order)
