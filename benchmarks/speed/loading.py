"""What importing, loading, committing and verifying take.

    python -m benchmarks.speed.loading --out docs/benchmarks

Loading one task from a registry, which reads, checks and builds all that the task draws on, is set against putting a
state dict of the same generator into it. The files were read before: this is not the disk's speed. Commits are timed
once each. All but imports is processor time. The tasks are made up as in ``growth.py``: each but the last draws on the
base task alone, the last one on all, and mixes of them what the default lets it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import tyro
from safetensors.torch import load_file, save_file
from torch import Tensor

import piggygan as pg
from benchmarks.reporting import Rows
from benchmarks.speed.growth import bytes_in
from benchmarks.speed.measuring import attempt, run
from benchmarks.speed.options import CommonOptions
from benchmarks.speed.pairing import Timing, Work, paired
from benchmarks.speed.subjects import Setting, make_generator, model_with_frozen

IMPORTS = {"import torch": "import torch", "import torch, piggygan": "import torch, piggygan"}
"""What fresh processes run."""
MIB = 2**20
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Options(CommonOptions):
    """What can be chosen on the command line."""

    tasks: tuple[int, ...] = (2, 20)
    """Sizes of the registries that are loaded from."""


def main(options: Options) -> None:
    """Measure imports and every network and report."""
    run("loading", options, lambda skipped: measure(options, skipped))


def measure(options: Options, skipped: list[str]) -> Rows:
    """Time everything; say in ``skipped`` what cannot be run."""
    rows = _rows("fresh processes", importing(options.seconds))
    for network in options.networks:
        setting = options.setting(network)
        with attempt(str(setting), skipped), TemporaryDirectory() as folder:
            rows += load_and_commit(setting, options, Path(folder))
    return rows


def importing(seconds: float) -> dict[str, Timing]:
    """Time fresh processes that import and end."""

    def start(code: str) -> Work:
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    works = {name: start(code) for name, code in IMPORTS.items()}
    return paired(works, reference=next(iter(works)), device=CPU, seconds=seconds, warm_up=1)


def load_and_commit(setting: Setting, options: Options, folder: Path) -> Rows:
    """Fill registries, and time what is done with them."""
    registries: dict[int, pg.TaskRegistry] = {}
    commits: Rows = []
    for number in options.tasks:
        model = model_with_frozen(setting, number - 1)
        registry = pg.TaskRegistry(folder / f"registry{number}")
        taken = [_committing(registry, model, task) for task in model.tasks]
        model.add_task("new", init="normal")
        model.freeze_task("new")
        taken.append(_committing(registry, model, "new"))
        commits.append(_row(str(setting), f"commit task {number}", taken[-1] * 1e3))
        commits.append(_row(str(setting), f"commit tasks 1 to {number}", sum(taken) * 1e3))
        registries[number] = registry
    state = {name: tensor.cpu().contiguous() for name, tensor in model.fold_task("new").state_dict().items()}
    del model
    works = _plain_loads(state, setting, folder)
    works["task 1 as an ordinary network"] = _plain_from_registry(registry, setting, "task1")
    for number, registry in registries.items():
        works[f"task {number} from a registry"] = _from_registry(registry, setting)
        works[f"task {number} as an ordinary network"] = _plain_from_registry(registry, setting, "new")
    reference, clock = next(iter(works)), time.process_time
    loads = paired(works, reference=reference, device=setting.device, seconds=options.seconds, least=3, clock=clock)
    checks: dict[str, Work] = {f"verify {number} tasks": registry.verify for number, registry in registries.items()}
    verified = paired(checks, reference=next(iter(checks)), device=CPU, seconds=0.0, least=1, warm_up=0, clock=clock)
    sizes = {f"task {number} from a registry": bytes_in(registry.folder) for number, registry in registries.items()}
    sizes |= {name: sum(tensor.nbytes for tensor in state.values()) for name in list(works)[:3]}
    return [*_rows(str(setting), loads, sizes), *commits, *_rows(str(setting), verified)]


def _plain_loads(state: dict[str, Tensor], setting: Setting, folder: Path) -> dict[str, Work]:
    """Return what others do: a file of a state dict, put into a generator that was never filled with numbers."""
    torch.save(state, folder / "state.pth")
    save_file(state, folder / "state.safetensors")

    def as_usual() -> None:
        make_generator(setting).load_state_dict(load_file(folder / "state.safetensors"))

    def into_generator(read: Callable[[], dict[str, Tensor]]) -> None:
        with torch.device("meta"):
            generator = make_generator(Setting(**{**vars(setting), "device": torch.device("meta")}))
        generator.load_state_dict(read(), assign=True)
        generator.eval().to(setting.device)

    return {
        "load_file, load_state_dict": as_usual,
        "state dict, torch.load": lambda: into_generator(lambda: torch.load(folder / "state.pth", weights_only=True)),
        "state dict, safetensors": lambda: into_generator(lambda: load_file(folder / "state.safetensors")),
    }


def _from_registry(registry: pg.TaskRegistry, setting: Setting) -> Work:
    return lambda: registry.load(["new"]).to(setting.device)


def _plain_from_registry(registry: pg.TaskRegistry, setting: Setting, task: str) -> Work:
    return lambda: registry.load_plain(task).to(setting.device)


def _committing(registry: pg.TaskRegistry, model: pg.MultiTaskGenerator, task: str) -> float:
    start = time.process_time()
    registry.commit(model, task)
    return time.process_time() - start


def _rows(setting: str, timings: dict[str, Timing], sizes: dict[str, int] | None = None) -> Rows:
    return [
        _row(setting, name, timing.milliseconds, timing, (sizes or {}).get(name)) for name, timing in timings.items()
    ]


def _row(
    setting: str, what: str, milliseconds: float, timing: Timing | None = None, size: int | None = None
) -> dict[str, Any]:
    return {
        "setting": setting,
        "what": what,
        "ms": milliseconds,
        "/ first": None if timing is None else timing.ratio,
        "from": None if timing is None else timing.low,
        "to": None if timing is None else timing.high,
        "extra ms": None if timing is None else timing.difference,
        "rounds": 1 if timing is None else timing.rounds,
        "files MiB": None if size is None else size / MIB,
    }


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
