"""Whether a registry of many tasks is as quick to list, and one task of it as quick to load, as one of few.

    python -m benchmarks.speed.registry_size --out docs/benchmarks

Every task draws on the base task alone, so that what loading one of them reads is the same in both. Listing is what a
new process does: the manifest is read and checked. The network is small: what is measured is what the number costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import tyro

import piggygan as pg
from benchmarks.reporting import Rows
from benchmarks.speed.measuring import run
from benchmarks.speed.options import CommonOptions
from benchmarks.speed.pairing import Work, paired

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Options(CommonOptions):
    """What can be chosen on the command line; ``device``, ``dtype`` and ``networks`` have no meaning here."""

    tasks: tuple[int, ...] = (2, 200)
    """Tasks in the registries, the base task included."""


def main(options: Options) -> None:
    """Fill the registries, measure and report."""
    run("registry_size", options, lambda _: measure(options))


def measure(options: Options) -> Rows:
    """Time listing and loading in a registry of each size."""
    with TemporaryDirectory() as folder:
        registries = {f"{count} tasks": filled(Path(folder) / str(count), count) for count in options.tasks}
        manifests = {name: (registry.folder / "registry.json").stat().st_size for name, registry in registries.items()}
        rows: Rows = []
        for what, works in (
            ("list names", _naming(registries)),
            ("list", _listing(registries)),
            ("load task 2", _loading(registries)),
        ):
            timings = paired(works, reference=next(iter(works)), device=CPU, seconds=options.seconds)
            for name, timing in timings.items():
                rows.append(
                    {
                        "registry": name,
                        "what": what,
                        "ms": timing.milliseconds,
                        "/ first": timing.ratio,
                        "from": timing.low,
                        "to": timing.high,
                        "rounds": timing.rounds,
                        "manifest KiB": manifests[name] / 1024,
                    }
                )
    return rows


def filled(folder: Path, tasks: int) -> pg.TaskRegistry:
    """Make a registry of so many tasks."""
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=8), "task1")
    model.freeze_task("task1")
    registry = pg.TaskRegistry(folder)
    registry.commit(model, "task1", scores={"dice": 0.9})
    for number in range(2, tasks + 1):
        task = f"task{number}"
        model.add_task(task, draws_on=["task1"], init="normal")
        model.freeze_task(task)
        registry.commit(model, task, scores={"dice": 0.9})
        model.remove_task(task)
    return registry


def _naming(registries: dict[str, pg.TaskRegistry]) -> dict[str, Work]:
    def naming(folder: Path) -> Work:
        return lambda: pg.TaskRegistry(folder).tasks

    return {name: naming(registry.folder) for name, registry in registries.items()}


def _listing(registries: dict[str, pg.TaskRegistry]) -> dict[str, Work]:
    def listing(folder: Path) -> Work:
        return lambda: pg.TaskRegistry(folder).records

    return {name: listing(registry.folder) for name, registry in registries.items()}


def _loading(registries: dict[str, pg.TaskRegistry]) -> dict[str, Work]:
    def loading(folder: Path) -> Work:
        return lambda: pg.TaskRegistry(folder).load(["task2"])

    return {name: loading(registry.folder) for name, registry in registries.items()}


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
