"""How many pictures a second `piggygan serve` answers, against what the network alone computes at its best batch.

    python -m benchmarks.speed.serving --seconds 20 --turns 3

A server of two tasks runs in a process of its own; clients send it one PNG after another, each over a connection that
stays open. In turns with that the same network computes the same pictures in this process, batch by batch, while the
server idles. Beside it: how long until the server answers, the first mask of a large film, latencies and memory; and
whether a batch of two tasks is faster than one task after the other. On a machine that does other things too, compare
processor seconds: wall-clock time says then who was let in how often.

    python -m benchmarks.speed.serving --turns 0 --hold 300

lets the clients send for five minutes, and says what they saw.
"""

from __future__ import annotations

import io
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import tyro
from PIL import Image

import piggygan as pg
from benchmarks.speed.server_load import get, load, metric, post, serving
from piggygan.data.synthetic import generate_xray
from piggygan.prediction import PredictionOptions
from piggygan.prediction.translator import Translator

BATCHES = (1, 2, 4, 8)
ROUNDS = 8
"""Of load in which batches may prove themselves before anything is measured."""


@dataclass(frozen=True)
class Options:
    """What can be chosen on the command line."""

    seconds: float = 10.0
    """Of each side of a turn."""
    turns: int = 3
    """Pairs of measurements."""
    hold: float = 0.0
    """Seconds of load behind them."""
    clients: int = 32
    """That send at once."""
    size: int = 256
    """Side of the pictures and of what the network is given."""
    depth: int = 8
    """Of the U-Net."""
    width: int = 64
    """Of the U-Net."""
    film: int = 2000
    """Side of the large film."""


def main(options: Options) -> None:
    """Measure, and say what was found."""
    for line in measure(options):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def measure(options: Options) -> Iterator[str]:
    """Measure everything, line by line."""
    with TemporaryDirectory() as folder:
        commit(Path(folder), options)
        translator = Translator(
            pg.TaskRegistry(folder).load(["lungs"]), "lungs", PredictionOptions(size=options.size, batch_size=8)
        )
        films = [_film(seed, options.size) for seed in range(8)]
        with serving(folder, options.clients) as server:
            seconds, used = _import_torch()
            yield (
                f"answers after {server.seconds_to_start:.2f} s and {server.used_to_start:.2f} processor seconds, of "
                f"which import torch takes {seconds:.2f} and {used:.2f}"
            )
            while metric(server.port, "tasks_ready") < 2:
                time.sleep(0.1)
            large, used = _film(99, options.film), server.processor_seconds()
            seconds = post(server.port, large)
            used = server.processor_seconds() - used
            yield (
                f"first mask of a film of {options.film} px: {seconds:.2f} s, {used:.2f} processor seconds, "
                f"{len(large) / 1e6:.1f} MB"
            )
            decided = 0.0
            for _ in range(ROUNDS):
                load(server.port, films, options.clients, options.seconds)
                before = decided
                decided = sum(metric(server.port, f"batch_sizes_{end}_total") for end in ("proved", "given_up"))
                if decided and decided == before:
                    break
            before, ratios, by_processor = server.memory(), [], []
            for turn in range(options.turns):
                alone, cost_alone = best_rate(translator, options)
                used = server.processor_seconds()
                served = load(server.port, films, options.clients, options.seconds)
                cost = (server.processor_seconds() - used) / max(1, served.statuses[200])
                ratios.append(served.rate / max(alone.values()))
                by_processor.append(cost_alone / cost)
                p50, p99 = np.percentile(served.latencies, [50, 99])
                rates = ", ".join(f"{size}: {rate:.2f}" for size, rate in alone.items())
                yield (
                    f"turn {turn + 1}: network alone ({rates}) a second; served {served.rate:.2f} a second, "
                    f"{ratios[-1]:.2f} of it; p50 {p50:.2f} s, p99 {p99:.2f} s; {dict(served.statuses)}; "
                    f"processor seconds a picture {cost_alone:.4f} and {cost:.4f}: {by_processor[-1]:.2f}"
                )
            if ratios:
                yield (
                    f"served / network alone: {statistics.median(ratios):.2f} by the clock, "
                    f"{statistics.median(by_processor):.2f} by processor seconds (medians of {options.turns})"
                )
                yield f"two tasks in one batch: {two_tasks(folder, options):.2f} of one after the other"
            if options.hold:
                seen = load(server.port, films, options.clients, options.hold)
                p50, p99 = np.percentile(seen.latencies, [50, 99])
                yield (
                    f"{options.clients} clients for {options.hold:.0f} s: {dict(seen.statuses)}, {seen.rate:.2f} a "
                    f"second; p50 {p50:.2f} s, p99 {p99:.2f} s"
                )
            yield f"memory {before / 2**20:.0f} MiB before, {server.memory() / 2**20:.0f} MiB after"
            batches = re.findall(r'piggygan_batches_total\{size="(\d+)"\} (\d+)', get(server.port, "/metrics").decode())
            yield f"batches: {dict(batches)}"


def commit(folder: Path, options: Options) -> None:
    """Commit a registry of two tasks that learned nothing: they take as long as others."""
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=options.depth, width=options.width), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", out_channels=1)
    model.freeze_task("lungs")
    for task in model.tasks:
        pg.TaskRegistry(folder).commit(model, task, image_size=options.size)


def best_rate(translator: Translator, options: Options) -> tuple[dict[int, float], float]:
    """Say how many pictures a second the network computes, by how many at once; and the least processor seconds."""
    costs = []
    canvases = [torch.rand(translator.in_channels, options.size, options.size) * 2 - 1 for _ in range(max(BATCHES))]
    rates = {}
    for size in BATCHES:
        count, began, used = 0, time.perf_counter(), time.process_time()
        while (passed := time.perf_counter() - began) < options.seconds / len(BATCHES):
            translator(canvases[:size])
            count += size
        rates[size] = count / passed
        costs.append((time.process_time() - used) / count)
    return rates, min(costs)


def two_tasks(folder: str, options: Options) -> float:
    """Say what share of the processor time of one picture after another a batch of two tasks takes."""
    model = pg.TaskRegistry(folder).load()
    pictures, tasks = torch.rand(2, 3, options.size, options.size) * 2 - 1, list(model.tasks)

    def alone() -> None:
        for picture, task in zip(pictures, tasks, strict=True):
            model(picture[None], task=task)

    def together() -> None:
        model(pictures, task=tasks)

    shares = []
    with torch.inference_mode():
        alone()
        for _ in range(5):
            used = time.process_time()
            alone()
            between = time.process_time()
            together()
            shares.append((time.process_time() - between) / (between - used))
    return statistics.median(shares)


def _film(seed: int, side: int) -> bytes:
    file = io.BytesIO()
    stored = generate_xray(np.random.default_rng(seed), side)[0]
    Image.fromarray((stored >> 4).astype(np.uint8)).save(file, format="PNG")
    return file.getvalue()


def _import_torch() -> tuple[float, float]:
    """Say how many seconds it takes, and how many of a processor."""
    code = "import time; began = time.time(); import torch; print(time.time() - began, time.process_time())"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    seconds, used = map(float, said.split())
    return seconds, used


if __name__ == "__main__":
    main(tyro.cli(Options))
