"""What a GPU is asked first, by one command, in under ten minutes.

    python -m benchmarks.first_look
    python -m benchmarks.first_look --device cpu --minutes 9 --size 32 --width 4 --seconds 0

First the promises: the contract tests on the device, for at most a third of the time, and whether a frozen task gives
the same bytes there. Then steps, peak memory and computing in every precision, the U-Net before the ResNet, and the
CycleGAN step. Each part is a process of its own. When the time is over, the part under way is ended, and it and those
after it are named. ``--out`` gets ``contracts_DEVICE_fp32.json`` and, for each network, a folder with the JSON of its
parts and their page; what is worth keeping goes from there into ``docs/benchmarks``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro

from benchmarks import run_all
from benchmarks.reporting import Rows, describe_machine, report
from benchmarks.speed.options import CommonOptions
from benchmarks.speed.subjects import Network

SCRIPTS = ("speed.same_bits", "speed.training_step", "speed.memory", "speed.inference")
_TO_END = 20.0
"""Seconds in which a part that is told to end may write what it has."""


@dataclass(frozen=True)
class Options:
    """What can be chosen on the command line."""

    device: str = "cuda"
    """Where to run: cuda or cpu."""
    minutes: float = 9.0
    """How long all of it may take."""
    networks: tuple[Network, ...] = ("unet", "resnet")
    """Which generators."""
    size: int = 256
    """Side of the images in pixels."""
    width: int = 64
    """Channels of the generators' first level."""
    seconds: float = 1.0
    """How long to measure each setting."""
    tests: tuple[Path, ...] = (Path("tests/contracts"),)
    """Tests that are run on the device first."""
    out: Path = Path("runs/first_look")
    """Folder for the JSON and the pages."""


def main(options: Options) -> int:
    """Run what there is time for; return how many parts have no result."""
    if missing := CommonOptions(device=options.device).missing_device():
        sys.exit(f"error: {missing}.")
    out, over = options.out.resolve(), time.monotonic() + 60 * options.minutes
    out.mkdir(parents=True, exist_ok=True)
    lacking = int(not _contracts(options, out, 20 * options.minutes))
    for words in parts(options, out):
        problem = run_within(words, over - time.monotonic())
        if problem:
            lacking += 1
            print(f"not run: {' '.join(words[2:])}: {problem}", flush=True)
    for network in options.networks:
        if (out / network).is_dir():
            run_all.write_page(out / network)
    print(f"{60 * options.minutes - (over - time.monotonic()):.0f} s; in {options.out}", flush=True)
    return lacking


def parts(options: Options, out: Path) -> Iterator[list[str]]:
    """Give the commands, those first that tell most."""
    for scripts, networks in ((SCRIPTS, options.networks), (("speed.cyclegan_step",), options.networks[-1:])):
        for network in networks:
            chosen = run_all.Options(
                device=options.device,
                scripts=scripts,
                networks=(network,),
                size=options.size,
                width=options.width,
                seconds=options.seconds,
                out=out / network,
            )
            yield from run_all.jobs(chosen)[0]


def run_within(words: Sequence[str], seconds: float) -> str:
    """Run a command, and end it when its time is over; return what is wrong, or nothing."""
    if seconds <= 0:
        return "no time was left"
    with subprocess.Popen(words, cwd=run_all.ROOT, start_new_session=True) as process:
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # pytest then writes what it has
            try:
                process.wait(_TO_END)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
            return f"it was ended after {seconds:.0f} s"
        return "" if code == 0 else f"it ended with {code}"


def _contracts(options: Options, out: Path, seconds: float) -> bool:
    """Run the tests on the device, and report how many passed."""
    results = out / "contracts.xml"
    results.unlink(missing_ok=True)
    given = ["--device", options.device, f"--junitxml={results}", "-p", "no:cacheprovider", "-q", "--tb=line"]
    problem = run_within([sys.executable, "-m", "pytest", *given, *map(str, options.tests)], seconds)
    if not results.is_file():
        print(f"not run: the tests of {', '.join(map(str, options.tests))}: {problem}", flush=True)
        return False
    rows, failed = counted(results)
    machine = describe_machine(torch.device(options.device))
    said = [*([f"the rest: {problem}"] if "after" in problem else []), *failed]
    report(f"contracts_{options.device}_fp32", rows, machine=machine, skipped=said, out=out)
    return True


def counted(results: Path) -> tuple[Rows, list[str]]:
    """Count the results of tests, which pytest wrote, by file; name those that failed."""
    files: dict[str, dict[str, int]] = {}
    failed = []
    for case in ElementTree.parse(results).getroot().iter("testcase"):  # noqa: S314  # our own process wrote it
        kinds = {part.tag for part in case}
        kind = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        name = case.get("classname", "")
        files.setdefault(name, {"passed": 0, "failed": 0, "skipped": 0})[kind] += 1
        if kind == "failed":
            failed.append(f"failed: {name}::{case.get('name')}")
    return [{"tests": name, **counts} for name, counts in sorted(files.items())], failed


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)) > 0)
