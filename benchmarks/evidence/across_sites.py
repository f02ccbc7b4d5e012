"""Each task of a chain on every site's films: what a site's films need is seen there.

    python -m benchmarks.evidence.across_sites --data DIR --out runs/hospitals --order chain --methods ours separate

    python -m benchmarks.evidence.across_sites --out docs/benchmarks/hospitals --fill docs/evidence-sites.md

Takes cells of ``forgetting`` that are done, with their weights. A row is a task as its method left it at the end of the
order, a column the scored side of another task; masks of the same kind are compared, whatever they show.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tyro
from safetensors.torch import load_file

from benchmarks.evidence.baselines.contender import Contender
from benchmarks.evidence.cell_run import Place, network_of, restored, translate
from benchmarks.evidence.evidence_page import fill_marks
from benchmarks.evidence.methods import FROM_SCRATCH
from benchmarks.evidence.preset import Cell, Preset, read_preset
from benchmarks.evidence.quality import score
from benchmarks.evidence.sources import Folders, located
from benchmarks.evidence.task_data import TaskData
from benchmarks.reporting import markdown_table
from piggygan.errors import ConfigurationError


@dataclass(frozen=True)
class Options:
    """What can be chosen on the command line."""

    out: Path
    """Folder of the forgetting benchmark's results."""
    preset: str = "hospitals"
    """As for ``forgetting.py``."""
    data: Path | None = None
    """As for ``forgetting.py``."""
    folders: dict[str, Path] = field(default_factory=dict)
    """As for ``forgetting.py``."""
    order: str = "chain"
    """Whose tasks are compared."""
    methods: tuple[str, ...] = ("ours", "separate")
    """Whose networks."""
    seed: int = 0
    """Of the cells."""
    fill: Path | None = None
    """Only write this page's tables ``<!-- across: METHOD TASK TASK -->`` anew, of what was found before."""


def main(options: Options) -> None:
    """Print a table a method, and write ``across_sites.json``."""
    file = options.out / "across_sites.json"
    if options.fill:
        if not file.exists():
            raise ConfigurationError(f"there is no {file}: run the command without --fill first.")
        found = json.loads(file.read_text(encoding="utf-8"))
        fill_marks(options.fill, {"across": functools.partial(chosen, found)})
        return
    preset, place = read_preset(options.preset), Place(options.out)
    if options.order not in preset.orders:
        raise ConfigurationError(f"there is no order {options.order!r}: there are {', '.join(preset.orders)}.")
    masks = [task for task in preset.orders[options.order] if preset.tasks[task].kind == "mask"]
    chains = {method: preset.chain(method, options.order, options.seed) for method in options.methods}
    if open_cells := [cell.name for chain in chains.values() for cell in chain if not place.weights(cell).exists()]:
        raise ConfigurationError(f"these cells are not done, or their weights are elsewhere: {', '.join(open_cells)}.")
    folders = located(preset.sources, preset.needed(preset.orders[options.order]), options.data, options.folders)
    found = {method: rows(preset, chain, masks, folders, place) for method, chain in chains.items()}
    for method, table in found.items():
        print(f"\n{method}\n{markdown_table(table)}")
    file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def chosen(found: Mapping[str, list[dict[str, str]]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return a method's rows and columns of some tasks; the first name is the method's.

    Raises:
        ConfigurationError: If one of them was not compared.
    """
    method, *tasks = names
    rows = {row["task"]: row for row in found.get(method, [])}
    if missing := [task for task in tasks if task not in rows]:
        raise ConfigurationError(f"{method} was not compared on {', '.join(missing)}: mend the mark, or compare them.")
    return [{"task": task} | {f"on {site}": rows[task][f"on {site}"] for site in tasks} for task in tasks]


def rows(preset: Preset, chain: list[Cell], masks: list[str], folders: Folders, place: Place) -> list[dict[str, Any]]:
    """Score every task of masks on every other's scored side: Dice, the mean over its films."""
    data = {cell.task: TaskData(preset, cell.task, folders, cell.seed) for cell in chain}
    sides = {task: data[task].scored() for task in masks}
    table = []
    for cell in chain:
        if cell.task not in masks:
            continue
        last = cell if cell.method in FROM_SCRATCH else chain[-1]
        contender = restored(last, preset, place, data)
        _ended(contender, last, preset, place, data)
        network = network_of(contender, cell.task, "mask")
        scores = {task: score("mask", *translate(network, side)).scores["headline"] for task, side in sides.items()}
        table.append({"task": cell.task, **{f"on {task}": f"{value:.3f}" for task, value in scores.items()}})
    return table


def _ended(contender: Contender, cell: Cell, preset: Preset, place: Place, data: dict[str, TaskData]) -> None:
    """Give a contender that stands before a cell what came of the cell."""
    if preset.before(cell) or cell.method != FROM_SCRATCH[0]:
        contender.meet(cell.task, data[cell.task].whole)
        contender.begin(cell.task)
    contender.restore(cell.task, load_file(place.weights(cell)))
    contender.finish(cell.task)


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
