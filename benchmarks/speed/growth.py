"""What the 2nd, 5th, 10th and 20th task cost: a step, memory, what is stored, loading.

    python -m benchmarks.speed.growth --out docs/benchmarks

With the default bound on the bank, with the tightest one, and with none. All is set against task 2. Steps are timed
in one process, where the tasks are in training side by side, each drawing on all frozen tasks before it. Peak memory
is that of the steps in a process of its own (``children.py``). Stored is what a commit adds to a registry's folder;
loading reads one task and all that it draws on.

The frozen tasks are made up: their numbers are random, and each draws on the base task alone, so that 20 of them are
made in seconds. What a later task costs depends on how many filters they add, which is as many as ever.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tyro

import piggygan as pg
from benchmarks.reporting import Rows
from benchmarks.speed.children import Peak, measure_peaks, subject_of
from benchmarks.speed.measuring import attempt, run
from benchmarks.speed.memory import MIB
from benchmarks.speed.options import CommonOptions
from benchmarks.speed.pairing import Timing, paired
from benchmarks.speed.subjects import Setting, Step, model_with_frozen, training_step
from piggygan.layers.filters import DEFAULT_MAX_BANK

BOUNDS: dict[str, float | None] = {f"{DEFAULT_MAX_BANK:g} (default)": DEFAULT_MAX_BANK, "1": 1.0, "none": None}
"""Values of ``max_bank``."""


@dataclass(frozen=True)
class Options(CommonOptions):
    """What can be chosen on the command line."""

    tasks: tuple[int, ...] = (2, 5, 10, 20)
    """Which tasks, counted from 1; all are set against the first of these."""


@dataclass(frozen=True)
class Stored:
    """What a task costs in a registry."""

    bytes: int
    load_milliseconds: float


def main(options: Options) -> None:
    """Measure every network and report."""
    run("growth", options, lambda skipped: measure(options, skipped))


def measure(options: Options, skipped: list[str]) -> Rows:
    """Measure every network under every bound; say in ``skipped`` what cannot be run."""
    with_registry = options.dtype == "fp32"
    if not with_registry:
        skipped.append("what is stored, and loading it: as in fp32, which is how tasks are stored")
    rows: Rows = []
    for network in options.networks:
        setting = options.setting(network)
        peaks = _peaks(setting, options.tasks, skipped)  # first: while nothing else is in memory
        with attempt(str(setting), skipped), TemporaryDirectory() as folder:
            model = model_with_frozen(setting, max(options.tasks) - 1)
            registry = _registry_of(model, Path(folder)) if with_registry else None
            for bound in BOUNDS:
                with attempt(f"bank bound {bound} on {setting}", skipped):
                    rows += _grow(model, setting, bound, options, registry, peaks)
    return rows


def _grow(
    model: pg.MultiTaskGenerator,
    setting: Setting,
    bound: str,
    options: Options,
    registry: pg.TaskRegistry | None,
    peaks: dict[tuple[str, int], Peak],
) -> Rows:
    """Add the tasks, time their steps, store them, and take them out again."""
    names = {number: f"task{number}-{place}" for place in [list(BOUNDS).index(bound)] for number in options.tasks}
    try:
        for number, name in names.items():
            sources = [f"task{source}" for source in range(1, number)]
            model.add_task(name, max_bank=BOUNDS[bound], draws_on=sources, init="normal")
        steps = {name: _step(model, name, setting) for name in names.values()}
        first = names[options.tasks[0]]
        timings = paired(steps, reference=first, device=setting.device, seconds=options.seconds)
        steps.clear()  # and with them the optimizers' state
        stored = {name: None if registry is None else _stored(registry, model, name) for name in names.values()}
    finally:
        for name in [name for name in names.values() if name in model.tasks]:
            model.remove_task(name)
    reference = peaks.get((bound, options.tasks[0]))
    return [
        _row(setting, bound, number, timings[name], peaks.get((bound, number)), reference, stored[name])
        for number, name in names.items()
    ]


def _step(model: pg.MultiTaskGenerator, task: str, setting: Setting) -> Step:
    model.train()
    return training_step(lambda images: model(images, task=task), model.task_parameters(task), setting)


def _peaks(setting: Setting, tasks: tuple[int, ...], skipped: list[str]) -> dict[tuple[str, int], Peak]:
    """Measure the peak of each task under each bound."""
    cases = [(bound, number) for bound in BOUNDS for number in tasks]
    subjects = [subject_of(setting, "piggygan", tasks=number, max_bank=BOUNDS[bound]) for bound, number in cases]
    found: dict[tuple[str, int], Peak] = {}
    for case, peak in zip(cases, measure_peaks(subjects), strict=True):
        if isinstance(peak, Peak):
            found[case] = peak
        else:
            skipped.append(f"memory of task {case[1]}, bank bound {case[0]}, on {setting}: {peak}")
    return found


def _registry_of(model: pg.MultiTaskGenerator, folder: Path) -> pg.TaskRegistry:
    registry = pg.TaskRegistry(folder)
    for task in model.tasks:
        registry.commit(model, task)
    return registry


def _stored(registry: pg.TaskRegistry, model: pg.MultiTaskGenerator, task: str) -> Stored:
    """Commit a task, and load it alone."""
    before = bytes_in(registry.folder)
    model.freeze_task(task)
    registry.commit(model, task)
    size = bytes_in(registry.folder) - before
    start = time.perf_counter()
    registry.load([task])
    return Stored(size, (time.perf_counter() - start) * 1e3)


def bytes_in(folder: Path) -> int:
    """Count the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _row(
    setting: Setting,
    bound: str,
    number: int,
    timing: Timing,
    peak: Peak | None,
    reference: Peak | None,
    stored: Stored | None,
) -> dict[str, Any]:
    return {
        "setting": str(setting),
        "bank bound": bound,
        "task": number,
        "step ms": timing.milliseconds,
        "/ first": timing.ratio,
        "from": timing.low,
        "to": timing.high,
        "rounds": timing.rounds,
        "peak MiB": None if peak is None else peak.whole / MIB,
        "peak / first": None if peak is None or reference is None else peak.whole / reference.whole,
        "stored MiB": None if stored is None else stored.bytes / MIB,
        "load ms": None if stored is None else stored.load_milliseconds,
    }


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
