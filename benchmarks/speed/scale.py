"""How a registry of very many tasks grows, and how often a cache of few tasks is hit: what docs/scale.md computes with.

    python -m benchmarks.speed.scale --out docs/benchmarks

The cache is the one of the model, asked for one task a request. How often a task is asked for falls as Zipf's law has
it: the r-th in proportion to r to the power of minus ``--exponent``. The registry is generated: the record of one real
commit under other names.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sized
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import tyro

import piggygan as pg
from benchmarks.reporting import Rows
from benchmarks.speed.measuring import run
from benchmarks.speed.options import CommonOptions
from benchmarks.speed.registry_size import filled
from piggygan.layers.kernel_cache import KernelCache
from piggygan.registry.manifest import manifest_from_bytes, manifest_to_bytes
from piggygan.registry.sealing import FILE_NAME

DAY = 86_400
"""Seconds."""
LISTS: dict[str, Callable[[pg.TaskRegistry], Sized]] = {
    "names": lambda registry: registry.tasks,
    "records": lambda registry: registry.records,
}
"""What a new process may list."""


@dataclass(frozen=True)
class Options(CommonOptions):
    """What can be chosen on the command line; most of what is common has no meaning here."""

    tasks: tuple[int, ...] = (50, 1000)
    """Tasks that are asked for."""
    held: tuple[int, ...] = (5, 10, 50)
    """Tasks that a cache has room for; the default bound of 1 GiB holds five U-Nets of width 64."""
    exponent: float = 1.0
    """Of Zipf's law."""
    requests: int = 20_000
    """For one picture each."""
    call_ms: float = 270.0
    """Of one picture through a cached U-Net-256 (docs/serving.md)."""
    composing_ms: float = 153.0
    """What a picture of a task costs more that is not in the cache: a first call takes 423 ms (docs/performance.md)."""
    records: tuple[int, ...] = (100, 1000, 10_000)
    """Tasks of generated registries."""
    films: int = 1_000_000
    """A day."""
    film_s: float = 0.32
    """Processor seconds of a film through a U-Net-256, from its file to its mask (docs/serving.md)."""
    film_bytes: int = 2500 * 2500 * 2
    """Of a film, uncompressed (docs/predicting.md)."""
    network_mb: float = 217.695348
    """Of a U-Net-256 (docs/benchmarks, overhead)."""
    share: float = 0.26
    """Of a network that a later task stores (docs/features.md)."""
    step_s: float = 0.184
    """Of a training step of a later task, batch 1, two threads (docs/performance.md)."""


def main(options: Options) -> None:
    """Simulate, measure and report."""
    run("scale", options, lambda _: [*day_rows(options), *cache_rows(options), *registry_rows(options)])


def day_rows(options: Options) -> Rows:
    """Multiply what was measured."""
    tasks = max(options.tasks)
    stored = options.network_mb * (1 + (tasks - 1) * options.share) / 1e3
    return [
        _row(f"{options.films:,} films a day", "cores busy all day", options.films * options.film_s / DAY),
        _row(f"{options.films:,} films a day", "TB read a day", options.films * options.film_bytes / 1e12),
        _row(f"{options.films:,} films a day", "MB read a second", options.films * options.film_bytes / 1e6 / DAY),
        _row(f"{tasks:,} tasks", "GB stored", stored),
        _row(f"{tasks:,} tasks", "GB stored in int8, about", stored / 4),
        _row(f"{tasks:,} tasks", "days to learn, 10,000 steps each", tasks * 10_000 * options.step_s / DAY),
    ]


def cache_rows(options: Options) -> Rows:
    """Ask caches of several sizes for tasks."""
    rows: Rows = []
    for tasks in options.tasks:
        asked = zipf(tasks, options.exponent, options.requests)
        for held in options.held:
            if held >= tasks:
                continue
            hits = hit_rate(asked, held)
            speed = options.call_ms / (options.call_ms + (1 - hits) * options.composing_ms)
            name = f"a cache of {held} for {tasks} tasks"
            rows += [_row(name, "hits", hits), _row(name, "pictures a second / one task's", speed)]
    return rows


def zipf(tasks: int, exponent: float, requests: int) -> list[int]:
    """Draw which task each request asks for, always the same."""
    weights = np.arange(1, tasks + 1, dtype=float) ** -exponent
    drawn = np.random.default_rng(0).choice(tasks, size=requests, p=weights / weights.sum())
    return [int(task) for task in drawn]


def hit_rate(asked: list[int], held: int) -> float:
    """Say which share of requests, after as many as the cache has room for, finds its task in it."""
    cache, hits = KernelCache(max_bytes=held), 0
    for place, task in enumerate(asked):
        hits += place >= held and task in cache
        cache.get(task, lambda: torch.zeros(1, dtype=torch.uint8))
    return hits / (len(asked) - held)


def registry_rows(options: Options) -> Rows:
    """Generate registries, and list them as a new process does."""
    rows: Rows = []
    with TemporaryDirectory() as folder:
        small = filled(Path(folder) / "small", 2).folder
        for count in options.records:
            generated = shutil.copytree(small, Path(folder) / str(count))
            size = write_records(generated / FILE_NAME, count)
            name = f"a registry of {count} tasks"
            rows.append(_row(name, "manifest, MB", size / 1e6))
            for what, read in LISTS.items():
                rows.append(_row(name, f"processor seconds to list {what}", _taken(generated, read, count)))
    return rows


def _taken(folder: Path, read: Callable[[pg.TaskRegistry], Sized], count: int) -> float:
    """Return the processor seconds of a list, the median of three."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        if len(read(pg.TaskRegistry(folder))) != count:
            raise RuntimeError("the generated registry is not listed whole")
        taken.append(time.process_time() - began)
    return median(taken)


def _row(what: str, figure: str, value: float) -> dict[str, Any]:
    return {"what": what, "figure": figure, "value": value}


def write_records(path: Path, count: int) -> int:
    """Fill a manifest of two tasks up with copies of the second; return its bytes."""
    manifest = manifest_from_bytes(path.read_bytes())
    base, second = manifest.tasks
    more = tuple(replace(second, name=f"task{number}") for number in range(2, count + 1))
    data = manifest_to_bytes(replace(manifest, tasks=(base, *more)))
    path.write_bytes(data)
    return len(data)


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
