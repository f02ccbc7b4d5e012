"""What `piggygan train` costs over the bare loop: validation, pictures, page, checkpoints, scores and proof.

    python -m benchmarks.speed.train_job --out docs/benchmarks

Both learn the first task of a registry from the same generated facades, at the command's defaults but for the size of
it. By hand is what a person writes: read, train without checkpoints and callbacks, freeze, commit. They take turns.
Besides wall time, which other programs on the machine lengthen, the processor's time is compared.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import tyro

from benchmarks.reporting import Rows
from benchmarks.speed.measuring import attempt, run
from benchmarks.speed.options import CommonOptions
from piggygan.data.batches import batches
from piggygan.data.synthetic.facades import write_facades
from piggygan.jobs.config import LearningConfig, NetworkConfig, TrainConfig
from piggygan.jobs.data import DataConfig
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.training.learner import make_objective
from piggygan.jobs.training.preparing import prepare
from piggygan.jobs.training.run import train_task
from piggygan.training import TrainingOptions, train

TASK = "facades"
SHARES = {"train": 7, "val": 1, "test": 2}
"""Tenths of the pairs on each side, as `train` draws them."""


@dataclass(frozen=True)
class Options(CommonOptions):
    """What can be chosen on the command line."""

    size: int = 128
    """Side of the images in pixels."""
    width: int = 32
    """Channels of the networks' first level."""
    pairs: int = 60
    """Pairs on all sides together, a multiple of 10."""
    epochs: int = 20
    """Passes over the training side."""
    rounds: int = 3
    """How often both are run."""


def main(options: Options) -> None:
    """Measure and report."""
    run("train_job", options, lambda skipped: measure(options, skipped))


def measure(options: Options, skipped: list[str]) -> Rows:
    """Time both, in turns; say in ``skipped`` what cannot be run."""
    rows: Rows = []
    with attempt("train", skipped), TemporaryDirectory() as name:
        folder = Path(name)
        for seed, (side, tenths) in enumerate(SHARES.items()):
            write_facades(folder / "data" / side, options.pairs * tenths // 10, options.size, seed=seed)
        config = TrainConfig(
            DataConfig(data=folder / "data"),
            NetworkConfig(size=options.size, width=options.width),
            training=LearningConfig(
                epochs=options.epochs, device="cpu" if options.device == "cpu" else "cuda", commit_anyway=True
            ),
        )
        short = replace(config, training=replace(config.training, epochs=1))
        for number, learn in enumerate((by_hand, by_command)):  # what the first call of anything pays is no part of it
            learn(folder / f"warm-{number}", short)
        times = {"by hand": list[tuple[float, float]](), "piggygan train": list[tuple[float, float]]()}
        for number in range(options.rounds):
            for name, learn in (("by hand", by_hand), ("piggygan train", by_command)):
                times[name].append(timed(learn, folder / f"{name}-{number}", config))
        rows = [row(name, found, times["by hand"], options) for name, found in times.items()]
    return rows


def row(
    name: str, found: list[tuple[float, float]], reference: list[tuple[float, float]], options: Options
) -> dict[str, object]:
    """Set one beside the reference, round by round."""
    wall, processor = (
        [mine[column] / other[column] for mine, other in zip(found, reference, strict=True)] for column in (0, 1)
    )
    return {
        "setting": f"unet, {options.pairs} pairs of {options.size} px, {options.epochs} epochs",
        "how": name,
        "s": statistics.median(seconds for seconds, _ in found),
        "/ by hand": statistics.median(wall),
        "from": min(wall),
        "to": max(wall),
        "processor / by hand": statistics.median(processor),
        "rounds": len(found),
    }


def timed(learn: Callable[[Path, TrainConfig], None], folder: Path, config: TrainConfig) -> tuple[float, float]:
    """Return seconds on the wall and of the processor."""
    wall, processor = time.perf_counter(), time.process_time()
    learn(folder, config)
    return time.perf_counter() - wall, time.process_time() - processor


def by_command(folder: Path, config: TrainConfig) -> None:
    """Learn as the command does."""
    train_task(folder, TASK, config, progress=False)


def by_hand(folder: Path, config: TrainConfig) -> None:
    """Learn as a person writes it."""
    prepared = prepare(RunFolder.at(folder), TASK, config)
    chosen = prepared.config.training
    objective = make_objective(prepared.learner, prepared.config, prepared.data)
    loader = batches(prepared.data.train, int(chosen.batch_size or 1), seed=chosen.seed, drop_last=True)
    train(objective, loader, TrainingOptions(epochs=int(chosen.epochs or 1), seed=chosen.seed, progress=False))
    prepared.learner.freeze_task()
    prepared.registry.commit(prepared.learner.networks, TASK, image_size=prepared.config.network.size)


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
