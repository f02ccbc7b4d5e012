"""What a task of ours loses when its factors and own filters are stored in fewer bits, without a step of training more.

    python -m benchmarks.evidence.stored_precision --preset rod --data DIR --out runs/rod --cells 'ours*'

Takes cells of ``forgetting`` that are done, with their weights, rounds them, and scores the validation side again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import tyro
from safetensors.torch import load_file
from torch import Tensor

from benchmarks.evidence.cell_run import Place, network_of, restored, translate
from benchmarks.evidence.forgetting import chosen_cells
from benchmarks.evidence.preset import Cell, Preset, read_preset
from benchmarks.evidence.quality import score
from benchmarks.evidence.sources import Folders, located
from benchmarks.evidence.task_data import TaskData
from benchmarks.reporting import markdown_table, table
from piggygan.files.precision import PRECISIONS, Precision, rounded, shortened


@dataclass(frozen=True)
class Options:
    """What can be chosen on the command line."""

    preset: str = "rod"
    """The preset that the cells are of."""
    data: Path | None = None
    """Folder that holds the preset's sources."""
    folders: dict[str, Path] = field(default_factory=dict)
    """Where single sources are instead, as ``--folders NAME DIR NAME DIR``."""
    out: Path = Path("runs/rod")
    """Folder with the cells and their weights."""
    cells: str = "ours*"
    """Only cells whose name matches, with ``*`` and ``?``."""


def main(options: Options) -> None:
    """Score every cell that is done, at every precision."""
    preset, place = read_preset(options.preset), Place(options.out)
    cells = [
        cell
        for cell in chosen_cells(preset, options.cells)
        if cell.method.startswith("ours") and place.weights(cell).exists() and preset.before(cell)
    ]
    tasks = {step.task for cell in cells for step in [*preset.before(cell), cell]}
    folders = located(preset.sources, preset.needed(tasks), options.data, options.folders)
    rows = []
    for cell in cells:
        rows.append(measured(cell, preset, folders, place))
        print(table([rows[-1]]), flush=True)
        (options.out / "stored_precision.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(markdown_table(rows))


def measured(cell: Cell, preset: Preset, folders: Folders, place: Place) -> dict[str, str | int | float | None]:
    """Return a cell's scores by precision, and the bytes that it stores."""
    before = preset.before(cell)
    data = {step.task: TaskData(preset, step.task, folders, cell.seed) for step in [*before, cell]}
    contender = restored(cell, preset, place, data)
    contender.meet(cell.task, data[cell.task].whole)
    contender.begin(cell.task)
    learned, kind = load_file(place.weights(cell)), preset.tasks[cell.task].kind
    whole = sum(tensor.nbytes for tensor in load_file(place.weights(before[0])).values())
    row: dict[str, str | int | float | None] = {"cell": cell.name}
    for precision in (None, *PRECISIONS):
        tensors = learned if precision is None else _rounded(learned, precision)
        contender.restore(cell.task, tensors)
        outputs, targets = translate(network_of(contender, cell.task, kind), data[cell.task].validated())
        name = precision or "float32"
        row[name] = round(score(kind, outputs, targets).scores["headline"], 4)
        row[f"{name} bytes / network"] = round(_bytes(shortened(tensors, precision)) / whole, 4)
    return row


def _rounded(tensors: Mapping[str, Tensor], precision: Precision) -> dict[str, Tensor]:
    parts = ("factors", "unconstrained")
    return {name: rounded(t, precision) if name.endswith(parts) else t for name, t in tensors.items()}


def _bytes(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors.values())


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
