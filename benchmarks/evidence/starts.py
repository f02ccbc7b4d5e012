"""What each network of the forgetting benchmark knows of every other task: how well it would do as a start.

    python -m benchmarks.evidence.starts --data DIR --out runs/forgetting/small

The networks are those of the cells ``separate.alone.*`` in ``--out``, which have to be there with their weights; the
pairs are some of those that a task is learned from. Neither the validation side nor the test side is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tyro
from safetensors.torch import load_file

import piggygan as pg
from benchmarks.evidence.cell_run import Place
from benchmarks.evidence.preset import ALONE, Cell, Preset, read_preset
from benchmarks.evidence.sources import Folders, located
from benchmarks.evidence.task_data import TaskData
from benchmarks.reporting import markdown_table
from piggygan.data import batches


@dataclass(frozen=True)
class Options:
    """What can be chosen on the command line."""

    out: Path
    """Folder of the forgetting benchmark's results."""
    data: Path | None = None
    """As for ``forgetting.py``."""
    folders: dict[str, Path] = field(default_factory=dict)
    """As for ``forgetting.py``."""
    preset: str = "small"
    """As for ``forgetting.py``."""
    order: str = "four-8e-4"
    """Whose tasks are compared."""
    seed: int = 0
    """Of the cells."""
    pairs: int = 40
    """How many pairs of each task are looked at."""


def main(options: Options) -> None:
    """Print one row a task to be learned, one column a network to start from."""
    preset = read_preset(options.preset)
    tasks = preset.orders[options.order]
    folders = located(preset.sources, preset.needed(tasks), options.data, options.folders)
    print(markdown_table(rows(preset, tasks, folders, Place(options.out), options)))


def rows(
    preset: Preset, tasks: Sequence[str], folders: Folders, place: Place, options: Options
) -> list[dict[str, Any]]:
    """Compare every task with the networks of all others."""
    models = {task: network_of(preset, place, task, options.seed) for task in tasks}
    found = []
    for task in tasks:
        learned = TaskData(preset, task, folders, options.seed).learned()
        some = list(batches(learned, options.pairs, seed=options.seed))[:1]
        knows = {start: pg.relatedness(models[start], some)[start] for start in tasks if start != task}
        found.append({"to learn": task, **{start: None if start == task else f"{knows[start]:.3f}" for start in tasks}})
    return found


def network_of(preset: Preset, place: Place, task: str, seed: int) -> pg.MultiTaskGenerator:
    """Load the network that learned a task alone, frozen."""
    setting = preset.setting
    generator = pg.UNetGenerator(depth=setting.depth, width=setting.width, norm=setting.norm, dropout=True)
    generator.load_state_dict(load_file(place.weights(Cell("separate", ALONE, task, seed))))
    model = pg.MultiTaskGenerator(generator, base_task=task)
    model.freeze_task(task)
    return model


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
