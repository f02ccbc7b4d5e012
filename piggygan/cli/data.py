"""Subcommands on data sets: which there are, and whether a folder is sound."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro

from piggygan.cli.commands import DAMAGED, DONE, AsJson, show_result
from piggygan.data.checking import DatasetReport, check_dataset
from piggygan.data.datasets import DATASETS, DatasetFolder, Description, open_dataset
from piggygan.data.masks import named_classes
from piggygan.terminal.progress import progress_bar

DataFolder = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]


@dataclass(frozen=True)
class Check:
    """Read all of a folder as a training would: what is in it, and what is wrong.

    Known are the folders of `piggygan data list` as their publishers ship them, and your own: images/ with masks/,
    A/ and B/ of equal names, train/ and test/ of pairs side by side, trainA/ and trainB/, or any folder of pictures
    and DICOM films. Reported are counts, sizes,
    bits, views; files that cannot be used and why; masks of other values or another size, or that are empty; the same
    picture twice; the same patient on two sides.

    Exit code: 0, also if something is wrong; with --strict 1 then; 2 if the folder could not be checked.
    """

    folder: DataFolder
    """The data set."""
    dataset: str | None = None
    """What it is, if the names of its files do not show it; a name of `piggygan data list`."""
    classes: tuple[str, ...] = ()
    """The values of masks of several classes: 1 2 3, or lungs=150,200 heart=250."""
    workers: int | None = None
    """How many processes read at once; one a processor if not given."""
    strict: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Exit with 1 if anything is wrong."""
    json: AsJson = False

    def run(self) -> int:
        """Check, and print the report."""
        classes = tuple(named_classes(self.classes).values())
        report = _checked_with_bar(open_dataset(self.folder, self.dataset), self.workers, classes)
        show_result(str(report).splitlines(), report.as_dict(), self.json)
        return DAMAGED if self.strict and report.problems else DONE


@dataclass(frozen=True)
class List:
    """List the data sets that piggygan knows: where one gets them, on which terms, how much there is."""

    json: AsJson = False

    def run(self) -> int:
        """Print a paragraph a set."""
        known = {name: kind.description for name, kind in DATASETS.items() if kind.description is not None}
        lines = [line for name, one in known.items() for line in (*_described(name, one), "")]
        show_result(lines[:-1], {name: asdict(one) for name, one in known.items()}, self.json)
        return DONE


def _described(name: str, known: Description) -> list[str]:
    return [
        f"{name}: {known.title}, {known.pairs} pairs",
        f"  from   {known.source}",
        f"  terms  {known.terms}",
        f"  cite   {known.citation}",
    ]


def _checked_with_bar(
    dataset: DatasetFolder, workers: int | None, classes: tuple[tuple[int, ...], ...]
) -> DatasetReport:
    """Check with a bar on the terminal's error channel."""
    with progress_bar(transient=True) as progress:
        task = progress.add_task("reading", total=len(dataset.files), note="")
        return check_dataset(dataset, workers=workers, advance=lambda: progress.advance(task), classes=classes)
