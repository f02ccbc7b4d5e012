"""One generator learns facades, then lungs, and forgets nothing; fine-tuning beside it does forget.

    python examples/facades_to_lungs.py --facades DIR --xrays DIR

Pairs side by side; ``images`` and ``masks``: docs/datasets.md has other forms. It goes on after any stop.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

import piggygan as pg
from piggygan.jobs import (
    DataConfig,
    LearningConfig,
    NetworkConfig,
    TrainConfig,
    compare_task,
    open_task_data,
    train_task,
    write_registry_page,
)


@dataclass(frozen=True)
class Options:
    """What can be chosen on the command line."""

    facades: Path
    """Folder of facades."""
    xrays: Path
    """Folder of chest X-rays and lung masks."""
    out: Path = Path("runs/facades_to_lungs")
    """Folder of the run: the registry, what is private of each task, and report.html."""
    size: int = 128
    """Side of the images in pixels, a multiple of 32."""
    width: int = 32
    """Channels of the U-Net's first level; pix2pix has 64."""
    epochs: int = 20
    """Passes over the facades."""
    lungs_epochs: int = 30
    """Passes over the X-rays, for the new task and for fine-tuning alike."""
    learning_rate: float = 2e-4
    """Of every training; that of pix2pix. In short ones four times as much learns more: docs/evidence.md."""
    seed: int = 0
    """Of everything random."""
    commit_anyway: bool = False
    """Commit what is not learned too: to see how it goes, in few epochs."""


def main(options: Options) -> None:
    """Learn both tasks, learn the second once more by fine-tuning, and write the page."""
    for data in (options.facades, options.xrays):  # whatever is wrong with a file is known before anything is learned
        open_task_data(DataConfig(data), size=options.size, seed=options.seed)
    network = NetworkConfig(size=options.size, width=options.width)
    chosen = {"facades": (options.facades, options.epochs), "lungs": (options.xrays, options.lungs_epochs)}
    for task, (data, epochs) in chosen.items():
        learning = LearningConfig(
            epochs=epochs,
            learning_rate=options.learning_rate,
            seed=options.seed,
            commit_anyway=options.commit_anyway,
        )
        print(train_task(options.out, task, TrainConfig(DataConfig(data), network, training=learning), tell=print))
    print(*compare_task(options.out, "lungs", ("fine-tuning",), tell=print), sep="\n")
    print(f"report: {write_registry_page(options.out)}")


if __name__ == "__main__":
    try:
        main(tyro.cli(Options, description=__doc__))
    except pg.errors.TrainingInterruptedError:  # which has said what was saved, and has its own exit code
        raise
    except (pg.PiggyganError, OSError) as error:  # OSError: such as an --out that cannot be written
        sys.exit(f"error: {' '.join(str(error).split())}")
