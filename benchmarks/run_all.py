"""Run all benchmarks, each in a process of its own, and write their tables into one page.

    python benchmarks/run_all.py --device cuda

Under ten minutes on one GPU. One that fails does not stop the others. Whatever JSON is in the folder, from other
machines too, becomes a section of its ``README.md``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import tyro
from reporting import markdown
from subjects import Network, Precision

FOLDER = Path(__file__).resolve().parent
WITHOUT_PRECISION = ("floor", "loading")
HEAD = """# Benchmarks

Written by `python benchmarks/run_all.py`; each section is what `python benchmarks/NAME.py` with its `--device` and
`--dtype` measured on the machine it names. Times are medians. A ratio is the median over rounds in which the contenders
take turns, with its quartiles (from, to). The scripts say at their head what exactly is compared.
"""


@dataclass(frozen=True)
class Options:
    """What can be chosen on the command line."""

    device: str = "cpu"
    """Where to run: cpu or cuda."""
    dtypes: tuple[Precision, ...] = ()
    """Precisions; none: fp32, and on an accelerator bf16 too."""
    scripts: tuple[str, ...] = (
        "floor",
        "training_step",
        "cyclegan_step",
        "inference",
        "loading",
        "memory",
        "growth",
    )
    """Which benchmarks."""
    networks: tuple[Network, ...] = ("unet", "resnet")
    """Which generators."""
    size: int = 256
    """Side of the images in pixels."""
    width: int = 64
    """Channels of the generators' first level."""
    seconds: float = 4.0
    """How long to measure each setting; on a CPU take more."""
    out: Path = Path("docs/benchmarks")
    """Folder for the JSON and the page."""


def main(options: Options) -> int:
    """Run everything and return how many of the benchmarks failed."""
    options.out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for script, dtype in jobs(options):
        start = time.perf_counter()
        done = subprocess.run(_command(script, dtype, options), check=False)
        print(f"{script} {dtype}: {time.perf_counter() - start:.0f} s", flush=True)
        if done.returncode != 0:
            failed += 1
            print(f"not run: {script} {dtype} ended with {done.returncode}", flush=True)
    write_page(options.out)
    return failed


def jobs(options: Options) -> list[tuple[str, Precision]]:
    """Say which benchmarks are run in which precision."""
    dtypes = options.dtypes or (("fp32",) if options.device == "cpu" else ("fp32", "bf16"))
    return [
        (script, dtype)
        for script in options.scripts
        for dtype in (("fp32",) if script in WITHOUT_PRECISION else dtypes)
    ]


def write_page(folder: Path) -> None:
    """Make one page of all results in a folder."""
    sections = [markdown(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))]
    (folder / "README.md").write_text("\n".join([HEAD, *sections]), encoding="utf-8")


def _command(script: str, dtype: Precision, options: Options) -> list[str]:
    given = {
        "--device": options.device,
        "--dtype": dtype,
        "--size": str(options.size),
        "--width": str(options.width),
        "--seconds": str(options.seconds),
        "--out": str(options.out),
    }
    flags = [word for pair in given.items() for word in pair]
    return [sys.executable, str(FOLDER / f"{script}.py"), *flags, "--networks", *options.networks]


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)) > 0)
