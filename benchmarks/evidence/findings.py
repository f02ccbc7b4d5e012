"""What the cells' JSONs say together: each method's way through an order, and the claims with their intervals."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

from benchmarks.evidence.cell_run import FORMAT
from benchmarks.evidence.methods import FROM_SCRATCH
from benchmarks.evidence.preset import ALONE
from piggygan.errors import ConfigurationError
from piggygan.evaluation.intervals import crossed_interval
from piggygan.evaluation.task_matrix import TaskMatrix

Result = Mapping[str, Any]
Tasks = tuple[str, ...]
REFERENCE = FROM_SCRATCH[0]


@dataclass(frozen=True)
class Run:
    """One method's way through an order, from one seed.

    Attributes:
        method: Its name.
        tasks: In the order of learning.
        seed: Of everything random.
        cells: What was found after each task.
    """

    method: str
    tasks: Tasks
    seed: int
    cells: tuple[Result, ...]

    @property
    def matrix(self) -> TaskMatrix:
        """Headline scores on each task after each task."""
        matrix = TaskMatrix(self.tasks)
        for after, task in enumerate(self.tasks):
            for earlier in self.tasks[: after + 1]:
                matrix.record(after=task, on=earlier, score=self.tested(after, earlier)["scores"]["headline"])
        return matrix

    def tested(self, after: int, task: str) -> Result:
        """Return what was found on a task's scored side after the task at a place of the order.

        A network of its own is not touched by later tasks, so what was found once holds ever after.
        """
        place = self.tasks.index(task) if self.method in FROM_SCRATCH else after
        cell = self.cells[place]
        found: Result = cell[_setting_of(cell)["scored"]][task]
        return found

    def final(self, task: str) -> Result:
        """Return what was found on a task at the end."""
        return self.tested(len(self.tasks) - 1, task)

    def changed_outputs(self) -> list[str]:
        """List the earlier tasks whose outputs at the end are not byte for byte what they were once learned."""
        return [
            task
            for place, task in enumerate(self.tasks[:-1])
            if self.tested(place, task)["sha256"] != self.final(task)["sha256"]
        ]

    def stored(self, measure: str) -> int:
        """Count what is stored for all tasks together, ``parameters`` or ``bytes``."""
        if self.cells[-1]["stores_all"]:
            return int(self.cells[-1]["stored"][measure])
        return sum(int(cell["stored"][measure]) for cell in self.cells)


class Results:
    """All cells of a folder.

    Args:
        cells: Their contents.

    Raises:
        ConfigurationError: If cells were made with different settings, and so cannot be compared.
    """

    def __init__(self, cells: Iterable[Result]) -> None:
        self._cells: dict[str, Result] = {cell["learned"][-1]: cell for cell in cells}
        if len({json.dumps(_setting_of(cell), sort_keys=True) for cell in self._cells.values()}) > 1:
            raise ConfigurationError("these cells were made with different settings: keep each setting in its folder.")

    @classmethod
    def read(cls, folder: Path) -> Results:
        """Read ``cells/*.json`` of a folder, whichever machines they came from.

        Raises:
            ConfigurationError: If there is none, or one is of another format.
        """
        cells = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / "cells").glob("*.json"))]
        if not cells or any(cell.get("format") != FORMAT for cell in cells):
            raise ConfigurationError(f"{folder} has no cells of format {FORMAT}: run some first.")
        return cls(cells)

    def __len__(self) -> int:
        return len(self._cells)

    @property
    def setting(self) -> Result:
        """What all cells have in common."""
        found: Result = next(iter(self._cells.values()))["setting"]
        return found

    @property
    def machines(self) -> list[str]:
        """The devices that cells were run on."""
        return sorted({"{device}, torch {torch}".format(**cell["machine"]) for cell in self._cells.values()})

    def orders(self) -> list[Tasks]:
        """List every order that some method went through, also half-way, longest last."""
        found = {tuple(cell["tasks"]) for cell in self._cells.values() if cell["cell"]["order"] != ALONE}
        return sorted(found, key=lambda tasks: (len(tasks), tasks))

    def task(self, name: str) -> Result:
        """Return a task's setting; an empty one before any cell has met it."""
        return next((cell["tasks"][name] for cell in self._cells.values() if name in cell["tasks"]), {})

    def kind(self, task: str) -> str:
        """Say what a task's targets are; ``unknown`` before any cell has met it."""
        return str(self.task(task).get("kind", "unknown"))

    def runs(self, tasks: Tasks) -> dict[str, list[Run]]:
        """Return the whole runs through an order, by method, seed after seed."""
        found: dict[str, list[Run]] = {}
        for cell in self._cells.values():
            if cell["cell"]["order"] != ALONE and tuple(cell["tasks"]) == tasks:
                chain = [self._cells.get(name) for name in cell["learned"]]
                self._add(found, cell["cell"]["method"], tasks, cell["cell"]["seed"], chain)
        seeds = sorted({cell["cell"]["seed"] for cell in self._cells.values()})
        for method in FROM_SCRATCH:
            for seed in seeds:
                names = [f"{REFERENCE}.{ALONE}.{tasks[0]}.{seed}", *(f"{method}.{ALONE}.{t}.{seed}" for t in tasks[1:])]
                self._add(found, method, tasks, seed, [self._cells.get(name) for name in names])
        return {method: sorted(found[method], key=lambda run: run.seed) for method in found}

    def _add(
        self, found: dict[str, list[Run]], method: str, tasks: Tasks, seed: int, cells: Sequence[Result | None]
    ) -> None:
        whole = tuple(cell for cell in cells if cell is not None)
        if len(whole) == len(tasks):
            found.setdefault(method, []).append(Run(method, tasks, seed, whole))


def _setting_of(cell: Result) -> Result:
    """Return a cell's setting; what an older one does not say was the default."""
    return {"scored": "test", "norm": "batch", "max_bank": 1.25, **cell["setting"]}


@dataclass(frozen=True)
class Measure:
    """A number of several seeds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        return fmean(self.values)

    def shown(self, digits: int = 3) -> str:
        """Write the mean, and the standard deviation where there are several seeds."""
        spread = f" ± {stdev(self.values):.{digits}f}" if len(self.values) > 1 else ""
        return f"{self.mean:.{digits}f}{spread}"


def summary(runs: Sequence[Run], reference: Sequence[Run]) -> dict[str, Measure]:
    """Put one method's seeds together.

    CLoG's three measures (Zhang et al. 2024) are among them, with ``R[i, j]`` the score on task j after task i of T:
    ``incremental`` is the average incremental quality, the mean over i of the mean over j <= i of ``R[i, j]``;
    ``average`` the average final quality, the mean over j of ``R[T, j]``; and minus ``backward transfer`` the
    forgetting rate, the mean over j < T of ``R[j, j] - R[T, j]``. ``forgetting`` is Chaudhry's, from the best score.
    The signs are those of scores where higher is better; CLoG's are of FID, where lower is.

    Args:
        runs: Of one method through one order.
        reference: Of separate networks through the same order; transfer is counted from those of the same seed.

    Returns:
        Measures by name; those of transfer are left out where the reference has no such seed.
    """
    separate = {run.seed: run for run in reference}
    last = [run.matrix for run in runs]
    found: dict[str, list[float | None]] = {
        "average": [matrix.average() for matrix in last],
        "incremental": [matrix.average_incremental() for matrix in last],
        "backward transfer": [matrix.backward_transfer() for matrix in last],
        "forgetting": [matrix.forgetting() for matrix in last],
        "forward transfer": [transfer(run, separate[run.seed]) for run in runs if run.seed in separate],
        "validated": [fmean(cell["curve"][-1]["score"] for cell in run.cells[1:]) for run in runs],
        "learning curve": [fmean(area(cell) for cell in run.cells[1:]) for run in runs],
        "parameters": [run.stored("parameters") for run in runs],
        "bytes": [run.stored("bytes") for run in runs],
        "seconds a task": [fmean(cell["processor_seconds"] for cell in run.cells[1:]) for run in runs],
        "peak bytes": [max(cell["peak_bytes"] for cell in run.cells[1:]) for run in runs],
        "milliseconds": [fmean(run.final(task)["milliseconds"] for task in run.tasks) for run in runs],
    }
    measures = {name: tuple(float(v) for v in values if v is not None) for name, values in found.items()}
    return {name: Measure(values) for name, values in measures.items() if values}


def transfer(run: Run, separate: Run) -> float:
    """Average over the later tasks what was gained, right after learning, over a network from scratch (same budget)."""
    pairs = [(run.tested(place, task), separate.final(task)) for place, task in enumerate(run.tasks) if place]
    return fmean(mine["scores"]["headline"] - theirs["scores"]["headline"] for mine, theirs in pairs)


def area(cell: Result) -> float:
    """Average a learning curve over its readings, which are evenly spaced: the area under it."""
    return fmean(reading["score"] for reading in cell["curve"])


@dataclass(frozen=True)
class Claim:
    """A difference with its interval.

    Attributes:
        task: Whose test side.
        better: The method that is claimed to be better, ``worse`` the other.
        worse: See there.
        seeds: How many seeds both were run from.
        difference: Mean over seeds and images.
        low: Lower end of the 95 % interval.
        high: Upper end.
    """

    task: str
    better: str
    worse: str
    seeds: int
    difference: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.difference:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def compare(one: Sequence[Run], other: Sequence[Run], task: str) -> Claim | None:
    """Compare two methods on a task at the end of an order, image by image and seed by seed.

    The interval is that of a bootstrap that draws seeds and, within all seeds alike, images (2000 times).

    Returns:
        The claim; None if the two have no seed in common.
    """
    others = {run.seed: run for run in other}
    shared = [(run, others[run.seed]) for run in one if run.seed in others]
    if not shared:
        return None
    differences = np.array(
        [np.subtract(mine.final(task)["by_image"], theirs.final(task)["by_image"]) for mine, theirs in shared]
    )
    low, high = crossed_interval(differences)
    return Claim(task, one[0].method, other[0].method, len(shared), float(differences.mean()), low, high)


def claims(results: Results, tasks: Tasks, better: str = "ours") -> list[Claim]:
    """Compare one method with every other on each task of an order."""
    runs = results.runs(tasks)
    found = [
        compare(runs[better], other, task)
        for method, other in runs.items()
        for task in tasks
        if better in runs and method != better
    ]
    return [claim for claim in found if claim is not None]
