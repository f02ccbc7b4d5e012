"""Where pairs come from: folders of two forms, named in a preset, and their sides of whole patients."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from piggygan.data.splits import read_splits, side_of
from piggygan.errors import DatasetError

Form = Literal["side-by-side", "masks"]
FORMS: tuple[Form, ...] = ("side-by-side", "masks")
Folders = Mapping[str, Path]
"""Where the folder of each source is."""


@dataclass(frozen=True)
class Source:
    """A folder of pairs, and how it is read."""

    folder: str
    """Where it is, seen from ``--data``; ``--folders`` may say another place."""
    form: Form
    """``side-by-side``: ``train`` and ``test`` (or ``val``) of pictures with both halves; ``masks``: ``images``, masks
    of the same names, and a ``splits.json``."""
    masks: str = "masks"
    """Which folder of masks; one set of films may have several."""
    patient_letters: int | None = None
    """Files whose names share so many first letters are of one patient; None: no two are."""
    together_letters: int | None = None
    """Files whose names share so many first letters are validated with, or learned from, together: where patients can
    only be guessed. None: those of one patient."""

    def patient(self, name: str) -> str:
        """Return what stands for a file's patient."""
        return name[: self.patient_letters]


@dataclass(frozen=True)
class Sides:
    """The files of a source, by name."""

    train: tuple[str, ...]
    test: tuple[str, ...]


def sides_of(name: str, source: Source, folder: Path) -> Sides:
    """List the two sides of a source.

    Args:
        name: The source's name, for messages.
        source: How it is read.
        folder: Where it is.

    Raises:
        DatasetError: If the folder or a part of it is missing, or a patient is on both sides.
    """
    parts = ("images", source.masks) if source.form == "masks" else ("train",)
    for part in parts:
        if not (folder / part).is_dir():
            raise DatasetError(f"source {name!r} needs the folder {folder / part}, and there is none.")
    if source.form == "masks":
        path = folder / "splits.json"
        splits = read_splits(path)
        sides = Sides(tuple(sorted(side_of(splits, "train", path))), tuple(sorted(side_of(splits, "test", path))))
    else:
        sides = Sides(_pictures_in(folder / "train"), _pictures_in(test_folder(folder)))
    _check_patients(name, source, sides)
    return sides


def test_folder(folder: Path) -> Path:
    """Return the test side of side-by-side pairs: the published facades call it ``val``, others ``test``."""
    return folder / "test" if (folder / "test").is_dir() else folder / "val"


def located(
    sources: Mapping[str, Source], needed: Collection[str], data: Path | None, folders: Folders
) -> dict[str, Path]:
    """Say where each source is that is needed.

    Args:
        sources: All of a preset, by name.
        needed: Which of them.
        data: Folder that holds them all; None: each must be in ``folders``.
        folders: Where single ones are instead.

    Raises:
        DatasetError: If a folder is missing or not said, or ``folders`` names a source that there is not.
    """
    if strangers := sorted(set(folders) - set(sources)):
        raise DatasetError(
            f"--folders names {', '.join(strangers)}; the preset's sources are {', '.join(sorted(sources))}."
        )
    found = {name: data / sources[name].folder for name in needed} if data is not None else {}
    found |= {name: folder for name, folder in folders.items() if name in needed}
    if unsaid := sorted(set(needed) - set(found)):
        raise DatasetError(
            f"the preset needs {', '.join(unsaid)}: say where with --data DIR (it holds "
            f"{', '.join(sources[name].folder for name in unsaid)}), or --folders "
            f"{' '.join(f'{name} DIR' for name in unsaid)}."
        )
    if missing := sorted(name for name, folder in found.items() if not folder.is_dir()):
        raise DatasetError(
            f"there is no folder {', '.join(str(found[name]) for name in missing)} for {', '.join(missing)}: "
            "correct --data, --folders or the preset's [sources]."
        )
    return found


def _check_patients(name: str, source: Source, sides: Sides) -> None:
    if source.patient_letters is None:
        return
    learned = {source.patient(file): file for file in sides.train}
    for file in sides.test:
        if (patient := source.patient(file)) in learned:
            raise DatasetError(
                f"source {name!r} has films of patient {patient!r} on two sides: {learned[patient]} to learn from and "
                f"{file} to test: keep both on one."
            )


def _pictures_in(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        return ()
    return tuple(sorted(path.name for path in folder.iterdir() if path.suffix in (".jpg", ".png")))
