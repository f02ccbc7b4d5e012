r"""What is forgotten and what it costs, with ours and with everything one would do otherwise.

    python -m benchmarks.evidence.forgetting --preset smoke --out runs/forgetting/smoke
    python -m benchmarks.evidence.forgetting --preset small --data DIR --out runs/forgetting/small

A preset (``benchmarks/evidence/presets``, or a file of one's own) says tasks, orders, methods and seeds. A *cell* is
one method learning one task of one order from one seed. Each is run for itself and leaves a JSON in ``--out``; one that
is done is not run again, so the same command goes on where it was stopped. Several processes or machines may run cells
at once: copy their ``cells`` (and ``samples``) folders together. ``--table`` and ``--page`` are made from those alone.

A preset's ``[sources]`` are folders in ``--data``, or where ``--folders NAME DIR`` says. A ``side-by-side`` one has
``train`` and ``test`` (or ``val``) of pictures with both halves, photo left and labels right; one of ``masks`` has
``images``, masks of the same names, and ``splits.json``. The training side is parted into one to learn from and one for
learning curves and choices. The test side is read when a cell is done, and no choice rests on it; a preset that is
``scored`` on the validation side, such as ``rod``, never reads it. What cannot be run is refused before anything is.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import tyro
from filelock import FileLock, Timeout

import piggygan as pg
from benchmarks.evidence.cell_run import Place, run_cell
from benchmarks.evidence.distances import FeatureNetwork, exported_features, random_features
from benchmarks.evidence.evidence_page import fill_page
from benchmarks.evidence.findings import Results
from benchmarks.evidence.forgetting_page import write_forgetting_page
from benchmarks.evidence.preset import Cell, Preset, read_preset
from benchmarks.evidence.score_tables import claim_rows, cost_rows, score_rows
from benchmarks.evidence.sources import Folders, located
from benchmarks.evidence.task_data import TaskData, generate
from benchmarks.reporting import markdown_table, table
from piggygan.errors import ConfigurationError


@dataclass(frozen=True)
class Options:
    """What can be chosen on the command line."""

    preset: str = "smoke"
    """smoke, small, full, rod, or a .toml file."""
    out: Path = Path("runs/forgetting")
    """Folder for the results."""
    data: Path | None = None
    """Folder that holds the preset's sources; only ``smoke`` makes its own."""
    folders: dict[str, Path] = field(default_factory=dict)
    """Where single sources are instead, as ``--folders NAME DIR NAME DIR``."""
    cells: str = "*"
    """Only cells whose name (``--list`` shows them) matches, with ``*`` and ``?``; and what those start from."""
    minutes: float = float("inf")
    """Begin no cell after that long."""
    list: bool = False
    """Only list the cells and whether they are done."""
    table: bool = False
    """Only print what the cells in ``out`` have found, and write it as ``table.md``."""
    page: bool = False
    """Only write ``forgetting.html`` and its figures, of the cells in ``out``."""
    fill: Path | None = None
    """Only write the tables of this page anew, such as docs/evidence.md; see ``evidence_page.py``."""
    features: Path | None = None
    """A ``.pt2`` file of a network for FID and KID, such as Inception; see ``distances.py``."""


def main(options: Options) -> None:
    """Run the cells that are not done, or show them."""
    preset = read_preset(options.preset)
    place = Place(options.out)
    if not (cells := chosen_cells(preset, options.cells)):
        raise ConfigurationError(f"no cell of preset {preset.name!r} matches {options.cells!r}: --list shows them all.")
    if options.list:
        for cell in cells:
            print(f"{'done' if place.result(cell).exists() else 'open'}  {cell.name}")
        return
    if options.table or options.page or options.fill:
        results = Results.read(options.out)
        if options.fill:
            fill_page(results, options.fill)
        if options.table:
            write_table(results, options.out)
        if options.page:
            print(write_forgetting_page(results, options.out))
        return
    folders = _folders(options, preset, cells)
    check_cells(cells, preset, folders, place)
    run_all(cells, preset, folders, place, _features(options), options.minutes)


def chosen_cells(preset: Preset, pattern: str) -> list[Cell]:
    """Return the cells that match, each after those that it starts from."""
    chosen = {cell for cell in preset.cells() if fnmatch(cell.name, pattern)}
    needed = chosen | {before for cell in chosen for before in preset.before(cell)}
    return [cell for cell in preset.cells() if cell in needed]


def run_all(
    cells: Sequence[Cell],
    preset: Preset,
    folders: Folders,
    place: Place,
    features: FeatureNetwork,
    minutes: float = float("inf"),
) -> None:
    """Run what is not done: always the first cell that can be run and that no other process is at.

    Args:
        cells: In the order of importance.
        preset: The experiment.
        folders: Where the data are.
        place: Where results go.
        features: For the distances of photos.
        minutes: Begin no cell after that long.
    """
    started = time.perf_counter()
    place.make()
    while (running := _take(cells, preset, place)) is not None:
        cell, lock = running
        began = time.perf_counter()
        try:
            run_cell(cell, preset, folders, place, features)
        finally:
            lock.release()
        done = sum(place.result(cell).exists() for cell in cells)
        print(f"{done}/{len(cells)}  {cell.name}  {time.perf_counter() - began:.0f} s", flush=True)
        if time.perf_counter() - started > 60 * minutes:
            print(f"{minutes:g} minutes are over")
            return


def _take(cells: Sequence[Cell], preset: Preset, place: Place) -> tuple[Cell, FileLock] | None:
    """Find the first cell that is open, whose earlier cells are done, and lock it; None: there is none left."""
    for cell in cells:
        if place.result(cell).exists() or not all(place.result(step).exists() for step in preset.before(cell)):
            continue
        lock = FileLock(place.result(cell).with_suffix(".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        if not place.result(cell).exists():  # another process may have finished it since
            return cell, lock
        lock.release()
    return None


def write_table(results: Results, folder: Path) -> None:
    """Print each order's scores, costs and claims, and write them as Markdown."""
    sections = []
    for tasks in results.orders():
        title = f"{' then '.join(tasks)}"
        found_by_name = {
            title: score_rows(results, tasks),
            f"costs: {title}": cost_rows(results, tasks),
            f"ours and others: {title}": claim_rows(results, tasks),
        }
        for name, found in found_by_name.items():
            print(f"\n{name}\n{table(found)}")
            sections.append(f"## {name}\n\n{markdown_table(found)}")
    (folder / "table.md").write_text("\n".join(sections), encoding="utf-8")


def check_cells(cells: Sequence[Cell], preset: Preset, folders: Folders, place: Place) -> None:
    """Refuse before anything runs what would fail later.

    Raises:
        DatasetError: If a task's pairs are not there, are too few, or a patient's are on two sides.
        ConfigurationError: If a cell that is done was made with another setting.
    """
    for task, seed in {(cell.task, cell.seed): None for cell in cells}:
        data = TaskData(preset, task, folders, seed)
        for read in (data.learned, data.validated, data.scored):
            read()
    for cell in cells:
        path = place.result(cell)
        if path.exists() and not preset.made(cell, json.loads(path.read_text(encoding="utf-8"))):
            raise ConfigurationError(
                f"{path} was made with another setting than preset {preset.name!r} has: give another --out, or move "
                "that cell away."
            )


def _folders(options: Options, preset: Preset, cells: Sequence[Cell]) -> Folders:
    data = options.data
    if preset.name == "smoke" and data is None and not options.folders:
        data = options.out / "data"
        generate(data, preset.setting.size)
    return located(preset.sources, preset.needed(cell.task for cell in cells), data, options.folders)


def _features(options: Options) -> FeatureNetwork:
    return random_features() if options.features is None else exported_features(options.features)


if __name__ == "__main__":
    try:
        main(tyro.cli(Options, description=__doc__))
    except pg.PiggyganError as error:
        sys.exit(f"error: {error}")
