"""What running a frozen task costs, against a plain forward of the same generator.

    python -m benchmarks.speed.inference --out docs/benchmarks

A frozen task's kernels are composed at its first call and cached; a folded task is an ordinary generator. Switching is
the time of calls that alternate between two cached tasks beyond that of the same calls sorted by task. A mixed batch
has one image for each of 8 tasks and is set against the same 8 calls one by one, all kernels cached: the cache's bound
is raised for that from its default, which a U-Net's 8 tasks are over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import tyro

import piggygan as pg
from benchmarks.reporting import Rows
from benchmarks.speed.measuring import attempt, run
from benchmarks.speed.options import CommonOptions
from benchmarks.speed.pairing import Timing, Work, paired
from benchmarks.speed.subjects import Setting, folded, make_generator, model_with_frozen

CACHE_BYTES = 4 * 2**30
"""Room for the composed kernels of 8 U-Nets; the whole process stays under 8 GiB."""
MIB = 2**20


@dataclass(frozen=True)
class Options(CommonOptions):
    """What can be chosen on the command line."""

    tasks: int = 8
    """Tasks in the mixed batch, one image each."""


def main(options: Options) -> None:
    """Measure every network and report."""
    run("inference", options, lambda skipped: measure(options, skipped))


def measure(options: Options, skipped: list[str]) -> Rows:
    """Time every comparison on every network; say in ``skipped`` what cannot be run."""
    rows: Rows = []
    for network in options.networks:
        setting = options.setting(network)
        with torch.inference_mode(), attempt(str(setting), skipped):
            model = model_with_frozen(setting, options.tasks).eval()
            model.kernel_cache.max_bytes = CACHE_BYTES
            for compare in (against_plain, switching, mixed):
                with attempt(f"{compare.__name__} on {setting}", skipped):
                    rows += compare(model, setting, options.seconds)
    return rows


def against_plain(model: pg.MultiTaskGenerator, setting: Setting, seconds: float) -> Rows:
    """Time a folded task, a frozen one and its first call against a plain generator."""
    images, task = setting.images(), model.tasks[1]
    plain, ordinary = make_generator(setting).eval(), folded(model, task)

    def cached_call() -> None:
        model(images, task=task)

    def first_call() -> None:
        model.kernel_cache.max_bytes = 0  # drops everything
        model.kernel_cache.max_bytes = CACHE_BYTES
        model(images, task=task)

    contenders: dict[str, Work] = {
        "plain generator": lambda: plain(images),
        "folded task": lambda: ordinary(images),
        "frozen task, cached": cached_call,
    }
    rows = _timed(model, setting, contenders, seconds)
    # Apart from the others: composing leaves other things in the processor's caches than a call does.
    first: dict[str, Work] = {"frozen task, cached": cached_call, "frozen task, first call": first_call}
    return rows + _timed(model, setting, first, seconds)[1:]


def switching(model: pg.MultiTaskGenerator, setting: Setting, seconds: float) -> Rows:
    """Time four calls with four switches of task against the same calls with two."""
    images = setting.images()
    one, other = model.tasks[1:3]

    def calls(*tasks: str) -> Work:
        return lambda: [model(images, task=task) for task in tasks]

    # All calls before end with the other task, so that the first call is a switch too.
    contenders = {
        "4 calls, 2 switches": calls(one, one, other, other),
        "4 calls, 4 switches": calls(one, other, one, other),
    }
    rows = _timed(model, setting, contenders, seconds)
    switch = rows[1]["extra ms"] / 2
    return [*rows, {**dict.fromkeys(rows[1]), "setting": str(setting), "what": "one switch", "ms": switch}]


def mixed(model: pg.MultiTaskGenerator, setting: Setting, seconds: float) -> Rows:
    """Time a batch with one image for each task against the same images one by one."""
    tasks = list(model.tasks)
    images = torch.cat([setting.images() for _ in tasks])
    contenders: dict[str, Work] = {
        f"{len(tasks)} tasks one by one": lambda: [
            model(images[place : place + 1], task=task) for place, task in enumerate(tasks)
        ],
        f"{len(tasks)} tasks in one batch": lambda: model(images, task=tasks),
    }
    return _timed(model, setting, contenders, seconds)


def _timed(model: pg.MultiTaskGenerator, setting: Setting, contenders: dict[str, Work], seconds: float) -> Rows:
    """Time contenders against the first of them."""
    reference = next(iter(contenders))
    works = {name: _in_precision(work, setting) for name, work in contenders.items()}
    timings = paired(works, reference=reference, device=setting.device, seconds=seconds)
    return [_row(model, setting, name, reference, timing) for name, timing in timings.items()]


def _in_precision(work: Work, setting: Setting) -> Work:
    def call() -> None:
        with setting.autocast():  # anew each time: it keeps the weights that it cast as long as it lasts
            work()

    return call


def _row(model: pg.MultiTaskGenerator, setting: Setting, what: str, against: str, timing: Timing) -> dict[str, Any]:
    return {
        "setting": str(setting),
        "what": what,
        "ms": timing.milliseconds,
        "against": against,
        "ratio": timing.ratio,
        "from": timing.low,
        "to": timing.high,
        "extra ms": timing.difference,
        "rounds": timing.rounds,
        "cached MiB": model.kernel_cache.bytes / MIB,
    }


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
