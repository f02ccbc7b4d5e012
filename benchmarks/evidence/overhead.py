"""What each way of learning task after task stores, for 1, 2, 3 ... tasks. Nothing is trained.

    python -m benchmarks.evidence.overhead --tasks 10 --out docs/benchmarks

Parameters count what was learned, a bit of a mask as a 32nd of one; megabytes count running statistics and replayed
examples too (20 pairs a task). The generator is the U-Net; at the defaults it is that of pix2pix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro

import piggygan as pg
from benchmarks.evidence.methods import METHODS
from benchmarks.evidence.stored_sizes import Size, size_of
from benchmarks.reporting import Rows, describe_machine, report
from piggygan.data import PairBatch
from piggygan.training import Batch

EXAMPLES = 20
ALIKE = ("-step-", "-x", "-from-", "-related")
"""In the names of methods that store as much as one without."""


@dataclass(frozen=True)
class Options:
    """What can be chosen on the command line."""

    methods: tuple[str, ...] = tuple(name for name in METHODS if not any(part in name for part in ALIKE))
    """Which methods; those left out store as much as one of these."""
    tasks: int = 4
    """How many tasks."""
    size: int = 256
    """Side of the images in pixels."""
    width: int = 64
    """Channels of the generator's first level."""
    depth: int = 8
    """How often the generator halves an image."""
    out: Path | None = None
    """Folder for the JSON."""


def main(options: Options) -> None:
    """Count, and report."""
    rows = [row for method in options.methods for row in measure(method, options)]
    report("overhead", rows, machine=describe_machine(torch.device("cpu")), skipped=[], out=options.out)


def measure(method: str, options: Options) -> Rows:
    """Begin and finish task after task, and count what is stored; nothing is learned in between."""
    generator = pg.UNetGenerator(depth=options.depth, width=options.width, norm="batch")
    network = sum(parameter.numel() for parameter in generator.parameters())
    contender = METHODS[method](generator, "task1")
    rows: Rows = []
    total = Size(0, 0)
    for number in range(1, options.tasks + 1):
        task = f"task{number}"
        if number > 1:
            contender.begin(task)
        contender.finish(task)
        contender.remember(task, _blank_pairs(options.size))
        size = size_of(contender.stored(task))
        former = Size(0, 0) if contender.stores_all else total
        total = Size(former.parameters + size.parameters, former.bytes + size.bytes)
        rows.append(_row(method, number, size, total, network))
    return rows


def _blank_pairs(size: int) -> Callable[[], Batch]:
    return lambda: PairBatch(torch.zeros(EXAMPLES, 3, size, size), torch.zeros(EXAMPLES, 3, size, size), [])


def _row(method: str, task: int, size: Size, total: Size, separate: int) -> dict[str, Any]:
    return {
        "method": method,
        "tasks": task,
        "parameters of the last": size.parameters,
        "/ a network": size.parameters / separate,
        "parameters in all": total.parameters,
        "/ separate": total.parameters / (task * separate),
        "MB in all": total.bytes / 1e6,
    }


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
