"""What share of a training's time is spent waiting for pictures.

    python -m benchmarks.speed.input_side --out docs/benchmarks

Pairs of 286 px are flipped, zoomed, rotated and cut to ``--size``; a U-Net of published size takes a fine-tuning step
on each batch. Waiting is the time until the loop has the next batch; what it costs to start worker processes at the
beginning of an epoch is left out, the first batch being taken before the clock runs. Pictures are kept decoded, or read
anew each time where the cache has no room. Memory is what the process has resident after the first and the last epoch.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import tyro

from benchmarks.reporting import Rows
from benchmarks.speed.measuring import run
from benchmarks.speed.memory import MIB
from benchmarks.speed.options import CommonOptions
from benchmarks.speed.subjects import Setting, Step, fine_tuning_step
from piggygan.data.augmentation import PairAugmentation
from piggygan.data.batches import batches
from piggygan.data.pairs import PairDataset
from piggygan.data.synthetic.facades import write_facades

CACHED = {"decoded": 2**30, "read anew": 0}


@dataclass(frozen=True)
class Options(CommonOptions):
    """What can be chosen on the command line; ``seconds`` and all networks but the U-Net have no meaning here."""

    batches: tuple[int, ...] = (1, 4)
    """Images a step."""
    workers: tuple[int, ...] = (0, 2)
    """Processes that prepare batches."""
    steps: int = 16
    """Steps an epoch."""
    epochs: int = 3
    """Epochs in each setting."""


def main(options: Options) -> None:
    """Measure every setting and report."""
    run("input_side", options, lambda _: measure(options))


def measure(options: Options) -> Rows:
    """Train on drawn facades with each kind of loading."""
    rows: Rows = []
    with TemporaryDirectory() as folder:
        write_facades(Path(folder), options.steps * max(options.batches), size=286, seed=0)
        for batch, (cached, room), workers in itertools.product(options.batches, CACHED.items(), options.workers):
            setting = options.setting("unet", batch)
            data = PairDataset.side_by_side(
                folder, options.size, augmentation=PairAugmentation(zoom=(1.0, 1.1)), cache_bytes=room
            )
            waited, stepped, resident = _train(data, setting, workers, options)
            rows.append(
                {
                    "setting": str(setting),
                    "pictures": cached,
                    "workers": workers,
                    "wait ms": 1e3 * statistics.median(waited),
                    "step ms": 1e3 * statistics.median(stepped),
                    "waiting %": 100 * sum(waited) / (sum(waited) + sum(stepped)),
                    "resident MiB": resident[-1] / MIB,
                    "grown MiB": (resident[-1] - resident[0]) / MIB,
                }
            )
    return rows


def _train(
    data: PairDataset, setting: Setting, workers: int, options: Options
) -> tuple[list[float], list[float], list[int]]:
    """Return what was waited and stepped in each turn, and the resident bytes after each epoch."""
    step: Step = fine_tuning_step(setting)
    waited: list[float] = []
    stepped: list[float] = []
    resident = []
    for epoch in range(options.epochs):
        loader = batches(data, setting.batch, workers=workers)
        loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
        given: Iterator[object] = itertools.islice(loader, options.steps)
        next(given)
        for _ in range(options.steps - 1):
            start = time.perf_counter()
            next(given)
            middle = time.perf_counter()
            step()
            waited.append(middle - start)
            stepped.append(time.perf_counter() - middle)
        resident.append(_resident())
    return waited, stepped, resident


def _resident() -> int:
    """Return how many bytes of this process are in memory now; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * 4096


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
