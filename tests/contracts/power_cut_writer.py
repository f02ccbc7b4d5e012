"""A program that writes on, and says in a file elsewhere what it was told is safe.

    power_cut_writer.py FOLDER LOG registry|checkpoints yes|no

The last word says whether fsync does anything. It waits a moment before and after each one, so that what a writing call
has done half way can be seen from outside.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry
from piggygan.training.checkpoints.folder import CheckpointFolder

TIMES = {"registry": 1000, "checkpoints": 100_000}


def main(folder: str, log: str, what: str, syncs: str) -> None:
    """Write until it is stopped."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    chance, fsync = random.Random(0), os.fsync

    def slow_fsync(descriptor: int) -> None:
        time.sleep(chance.uniform(0, 0.04))
        if syncs == "yes":
            fsync(descriptor)
        time.sleep(chance.uniform(0, 0.04))

    os.fsync = slow_fsync
    with Path(log).open("a", encoding="utf-8") as safe:
        write = {"registry": write_tasks, "checkpoints": write_checkpoints}[what](Path(folder) / what)
        for number in range(TIMES[what]):
            write(number)
            safe.write(f"{number}\n")
            safe.flush()


def write_tasks(folder: Path) -> Callable[[int], None]:
    """Commit one small task after the other."""
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), "task-0")
    registry = TaskRegistry(folder)

    def write(number: int) -> None:
        name = f"task-{number}"
        if number:
            model.add_task(name, draws_on=["task-0"], init="normal")
        model.freeze_task(name)
        registry.commit(model, name)

    return write


def write_checkpoints(folder: Path) -> Callable[[int], None]:
    """Save one checkpoint after the other, which deletes older ones."""
    checkpoints = CheckpointFolder(folder, keep_last=2)
    folder.mkdir(exist_ok=True)

    def write(number: int) -> None:
        tensors = {"weights": torch.full((20_000,), float(number))}
        checkpoints.save("last", (number + 1, 0), {"number": number}, tensors)

    return write


if __name__ == "__main__":
    main(*sys.argv[1:])
