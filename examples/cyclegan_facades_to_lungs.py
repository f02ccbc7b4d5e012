"""Two generators learn facades, then lungs, without a single pair, in both directions, and forget nothing.

    python examples/cyclegan_facades_to_lungs.py --facades DIR --xrays DIR

CycleGAN on pairs of facades and of films that are taken apart for learning: only scores know what belongs together.
``forward`` makes labels of photos and masks of films, ``backward`` photos of labels and films of masks; both are in one
registry. Folders are as for ``examples/facades_to_lungs.py``. A run that was stopped or killed goes on with the same
command, to the same bytes.
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
    out: Path = Path("runs/cyclegan_facades_to_lungs")
    """Folder of the run: the registry, what is private of each task, and report.html."""
    size: int = 128
    """Side of the images in pixels, a multiple of 4."""
    net: str = "resnet_6blocks"
    """CycleGAN has resnet_9blocks for images of 256 pixels, resnet_6blocks for 128."""
    width: int = 32
    """Channels of the generators at full size; CycleGAN has 64."""
    epochs: int = 20
    """Passes over the facades."""
    lungs_epochs: int = 60
    """Passes over the X-rays."""
    seed: int = 0
    """Of everything random."""
    commit_anyway: bool = False
    """Commit what is not learned too: to see how it goes, in few epochs."""


def main(options: Options) -> None:
    """Learn both tasks in both directions, and write the page."""
    for data in (options.facades, options.xrays):  # whatever is wrong with a file is known before anything is learned
        open_task_data(DataConfig(data), size=options.size, seed=options.seed)
    network = NetworkConfig(options.net, options.size, options.width)
    chosen = {"facades": (options.facades, options.epochs), "lungs": (options.xrays, options.lungs_epochs)}
    for task, (data, epochs) in chosen.items():
        learning = LearningConfig("cyclegan", epochs, seed=options.seed, commit_anyway=options.commit_anyway)
        print(train_task(options.out, task, TrainConfig(DataConfig(data), network, training=learning), tell=print))
    print(f"report: {write_registry_page(options.out)}")


if __name__ == "__main__":
    try:
        main(tyro.cli(Options, description=__doc__))
    except pg.errors.TrainingInterruptedError:  # which has said what was saved, and has its own exit code
        raise
    except (pg.PiggyganError, OSError) as error:  # OSError: such as an --out that cannot be written
        sys.exit(f"error: {' '.join(str(error).split())}")
