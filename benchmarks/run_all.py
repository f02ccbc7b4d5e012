"""Run all benchmarks, each in a process of its own, and write the tables of those of speed into one page.

    python -m benchmarks.run_all --quick
    python -m benchmarks.run_all --device cuda
    python -m benchmarks.run_all --facades DIR --windows DIR --xrays DIR --films DIR

``--quick`` draws its own small data and runs every benchmark in some minutes: it shows that all of them run, and no
figure of it means anything. Without it, those that need data are run where their folders are given; what is not run is
said. ``--list`` only prints the commands. One that fails does not stop the others. Whatever JSON is in ``--out``, from
other machines too, becomes a section of its ``README.md``.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import tyro

from benchmarks.evidence.task_data import generate
from benchmarks.reporting import markdown
from benchmarks.speed.subjects import Network, Precision
from piggygan.data.synthetic.facades import write_facades

ROOT = Path(__file__).resolve().parents[1]
"""Where ``python -m benchmarks...`` is run."""
HEAD = """# Benchmarks

`python -m benchmarks.run_all` wrote this page. A section `NAME_DEVICE_DTYPE` is what
`python -m benchmarks.speed.NAME --device DEVICE --dtype DTYPE` measured on the machine that it names; `overhead` is
`python -m benchmarks.evidence.overhead`. Times are medians. A ratio is the median over rounds in which the contenders
take turns, with its quartiles (from, to). The scripts say at their head what exactly is compared.
"""


@dataclass(frozen=True)
class Options:
    """What can be chosen on the command line."""

    device: str = "cpu"
    """Where to run: cpu or cuda."""
    dtypes: tuple[Precision, ...] = ()
    """Precisions; none: fp32, and on an accelerator bf16 too."""
    scripts: tuple[str, ...] = ()
    """Which benchmarks, as ``speed.floor``; none: all."""
    networks: tuple[Network, ...] = ("unet", "resnet")
    """Which generators."""
    size: int = 256
    """Side of the images in pixels."""
    width: int = 64
    """Channels of the generators' first level."""
    seconds: float = 4.0
    """How long to measure each setting; on a CPU take more."""
    facades: Path | None = None
    """Folder with ``train`` and ``val`` of side-by-side pairs."""
    windows: Path | None = None
    """The same, of facades with their windows."""
    xrays: Path | None = None
    """Folder with ``images``, ``masks`` and ``splits.json``."""
    films: Path | None = None
    """The same, of the Montgomery films, for the course report's experiment."""
    out: Path = Path("docs/benchmarks")
    """Folder for the JSON and the page."""
    runs: Path = Path("runs")
    """Folder for what the benchmarks with data leave: cells, weights, base tasks."""
    quick: bool = False
    """Everything as small as it goes, on generated data, into ``runs/quick``."""
    list: bool = False
    """Only print the commands."""


@dataclass(frozen=True)
class Benchmark:
    """One benchmark, and how it is started.

    Attributes:
        arguments: What it is given, for a precision.
        quick: What it is given beside, or instead, where all is to be quick.
        needs: Folders without which it cannot run: names of :class:`Options`.
        has_precision: Whether it is run in each precision.
    """

    arguments: Callable[[Options, Precision], list[str]]
    quick: Sequence[str] = ()
    needs: tuple[str, ...] = ()
    has_precision: bool = False


def _measured(options: Options, dtype: Precision) -> list[str]:
    """What every benchmark of speed takes."""
    return [
        *("--device", options.device, "--dtype", dtype, "--size", str(options.size), "--width", str(options.width)),
        *("--seconds", f"{options.seconds:g}", "--out", str(options.out), "--networks", *options.networks),
    ]


def _on_the_processor(options: Options, dtype: Precision) -> list[str]:
    """For what no accelerator has a part in."""
    return _measured(replace(options, device="cpu"), dtype)


def _counted(options: Options, _: Precision) -> list[str]:
    return ["--size", str(options.size), "--width", str(options.width), "--out", str(options.out)]


def _served(options: Options, _: Precision) -> list[str]:
    """A server answers for a while even where nothing is to be measured."""
    return ["--size", str(options.size), "--width", str(options.width), "--seconds", f"{max(options.seconds, 1.0):g}"]


def _learned(folder: str, *names: str) -> Callable[[Options, Precision], list[str]]:
    """For a benchmark that is given folders under the names of ours, and leaves its results in one of ``--runs``."""

    def arguments(options: Options, _: Precision) -> list[str]:
        given = [word for name in names for word in (f"--{name}", str(getattr(options, name)))]
        return [*given, "--out", str(options.runs / folder)]

    return arguments


def _compared(options: Options, _: Precision) -> list[str]:
    """For the methods' benchmark, which is told where each source of its preset is."""
    given = [word for name in _DATA for word in (name, str(getattr(options, name)))]
    return ["--folders", *given, "--out", str(options.runs / "forgetting/small")]


def _course_report(options: Options, _: Precision) -> list[str]:
    out = str(options.runs / "course_report")
    return ["--facades", str(options.facades), "--lungs", str(options.films), "--out", out]


_DATA = ("facades", "windows", "xrays")
_TINY = ("--size", "32", "--width", "4")
BENCHMARKS: dict[str, Benchmark] = {
    "speed.floor": Benchmark(_measured),
    "speed.same_bits": Benchmark(_measured),
    "speed.training_step": Benchmark(_measured, ["--batches", "1"], has_precision=True),
    "speed.cyclegan_step": Benchmark(_measured, has_precision=True),
    "speed.ablation": Benchmark(_measured, ["--batches", "1"], has_precision=True),
    "speed.inference": Benchmark(_measured, ["--tasks", "3"], has_precision=True),
    "speed.loading": Benchmark(_measured, ["--tasks", "2"]),
    "speed.memory": Benchmark(_measured, ["--batches", "1"], has_precision=True),
    "speed.growth": Benchmark(_measured, ["--tasks", "2", "3"], has_precision=True),
    "speed.input_side": Benchmark(
        _measured, ["--batches", "1", "--workers", "0", "--steps", "2", "--epochs", "1"], has_precision=True
    ),
    "speed.reading": Benchmark(_on_the_processor, ["--sides", "128", "--films", "1"]),
    "speed.registry_size": Benchmark(_on_the_processor, ["--tasks", "2", "3"]),
    "speed.scale": Benchmark(
        _on_the_processor, ["--tasks", "20", "--held", "5", "--requests", "200", "--records", "3"]
    ),
    "speed.train_job": Benchmark(_on_the_processor, ["--pairs", "20", "--epochs", "1", "--rounds", "1"]),
    "speed.serving": Benchmark(_served, ["--turns", "1", "--clients", "2", "--depth", "5", "--film", "64"]),
    "evidence.overhead": Benchmark(_counted, ["--tasks", "2", "--depth", "5"]),
    "evidence.forgetting": Benchmark(
        lambda options, dtype: ["--preset", "small", *_compared(options, dtype)],
        ["--preset", "smoke"],
        needs=_DATA,
    ),
    "evidence.starts": Benchmark(
        _compared,
        ["--preset", "smoke", "--order", "labels-lungs", "--pairs", "4"],
        needs=_DATA,
    ),
    "evidence.stored_precision": Benchmark(
        lambda options, dtype: ["--preset", "small", *_compared(options, dtype)],
        ["--preset", "smoke", "--cells", "ours.labels-lungs.*"],
        needs=_DATA,
    ),
    "evidence.across_sites": Benchmark(
        lambda options, dtype: ["--preset", "small", "--order", "labels-lungs", *_compared(options, dtype)],
        ["--preset", "smoke"],
        needs=_DATA,
    ),
    "evidence.new_task": Benchmark(
        _learned("new_task", "facades", "xrays"),
        [*_TINY, "--epochs", "1", "--lungs-epochs", "1"],
        needs=("facades", "xrays"),
    ),
    "evidence.course_report": Benchmark(
        _course_report, [*_TINY, "--facades-epochs", "1", "--epochs", "1"], needs=("facades", "films")
    ),
}
"""All of them, in the order in which they are run: the three after ``forgetting`` look at what it has learned."""


def main(options: Options) -> int:
    """Run everything and return how many of the benchmarks failed."""
    if options.quick:
        options = quick(options)
    commands, left_out = jobs(options)
    for line in left_out:
        print(f"not run: {line}", flush=True)
    if options.list:
        for words in commands:
            print(shlex.join(["python", *words[1:]]))
        return 0
    if options.quick:
        draw(options)
    options.out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for words in commands:
        start = time.perf_counter()
        done = subprocess.run(words, check=False, cwd=ROOT)
        print(f"{words[2]}: {time.perf_counter() - start:.0f} s", flush=True)
        if done.returncode != 0:
            failed += 1
            print(f"not run: {shlex.join(words[1:])} ended with {done.returncode}", flush=True)
    write_page(options.out)
    return failed


def quick(options: Options) -> Options:
    """Return options under which everything is as small as it goes."""
    folder = options.runs / "quick"
    data = folder / "data"
    return replace(
        options,
        networks=("unet",),
        size=32,
        width=4,
        seconds=0.0,
        facades=data / "facades",
        windows=data / "facades",
        xrays=data / "xrays",
        films=data / "xrays",
        out=folder,
        runs=folder,
    )


def draw(options: Options) -> None:
    """Write the small data of ``--quick`` where they are not there yet."""
    if options.facades is None or options.windows is None or options.xrays is None:
        raise ValueError("only the options that quick() returns say where data are drawn")
    if not options.facades.exists():
        write_facades(options.facades / "train", 24, options.size, seed=0)
        write_facades(options.facades / "val", 6, options.size, seed=1)
    generate(options.facades.parent, options.size)


def jobs(options: Options) -> tuple[list[list[str]], list[str]]:
    """Return the commands to run, and a line for each benchmark that cannot be run, which says why."""
    names = options.scripts or tuple(BENCHMARKS)
    if strangers := [name for name in names if name not in BENCHMARKS]:
        sys.exit(f"error: there is no benchmark {', '.join(strangers)}: there are {', '.join(BENCHMARKS)}.")
    everywhere = replace(
        options,
        out=options.out.resolve(),
        runs=options.runs.resolve(),
        **{name: path.resolve() for name in (*_DATA, "films") if (path := getattr(options, name)) is not None},
    )
    dtypes = options.dtypes or (("fp32",) if options.device == "cpu" else ("fp32", "bf16"))
    commands, left_out = [], []
    for name in names:
        benchmark = BENCHMARKS[name]
        if missing := [f"--{folder} DIR" for folder in benchmark.needs if getattr(options, folder) is None]:
            left_out.append(f"{name} needs {' '.join(missing)}")
            continue
        for dtype in dtypes if benchmark.has_precision else ("fp32",):
            given = [*benchmark.arguments(everywhere, dtype), *(benchmark.quick if options.quick else ())]
            commands.append([sys.executable, "-m", f"benchmarks.{name}", *given])
    return commands, left_out


def write_page(folder: Path) -> None:
    """Make one page of all results in a folder."""
    sections = [markdown(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))]
    (folder / "README.md").write_text("\n".join([HEAD, *sections]), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)) > 0)
