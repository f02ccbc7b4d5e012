"""What the measuring rod says: quality, price and differences, one row a method and one column a task.

Each row of a table has all of its seeds in every column: what was run from fewer is left empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, median
from typing import Any

from benchmarks.evidence.findings import Result, Results, Run, Tasks, compare

FINE_TUNING = "fine-tuning"
NEARLY = 0.98
"""Share of its quality at which a task counts as learned."""


def quality_rows(results: Results, seeds: Tasks) -> list[dict[str, Any]]:
    """Lay out what every method scores on each task, best mean first; a mean is of the tasks that all methods have.

    Args:
        results: All cells.
        seeds: As they are written, such as ``("0", "1")``; with several the single ones follow the mean.
    """
    found = _runs(results, seeds)
    methods = {method: None for runs in found.values() for method in runs}
    whole = [task for task, runs in found.items() if len(runs) == len(methods)]
    rows: list[tuple[float, dict[str, Any]]] = []
    for method in methods:
        scores = {task: [quality(run.cells[-1]) for run in runs.get(method, [])] for task, runs in found.items()}
        mean = fmean(fmean(scores[task]) for task in whole) if whole else 0.0
        row = {"method": method, **{task: _shown(values) for task, values in scores.items()}}
        if len(whole) > 1:
            row[f"mean of {len(whole)}"] = f"{mean:.4f}"
        rows.append((mean, row))
    return [row for _, row in sorted(rows, key=lambda pair: pair[0], reverse=True)]


def price_rows(results: Results, seeds: Tasks) -> list[dict[str, Any]]:
    """Lay out what one task of every method stores and takes, fewest parameters first; the mean over its tasks.

    A step is in processor time, relative to one of fine-tuning on the same task from the same seed: the median.
    """
    found = _runs(results, seeds)
    rows: list[tuple[float, dict[str, Any]]] = []
    for method in {method: None for runs in found.values() for method in runs}:
        cells = {task: [run.cells[-1] for run in runs[method]] for task, runs in found.items() if method in runs}
        every = [cell for own in cells.values() for cell in own]
        first = [run.cells[0] for runs in found.values() for run in runs.get(method, [])]
        share = fmean(
            cell["stored"]["parameters"] / base["stored"]["parameters"] for cell, base in zip(every, first, strict=True)
        )
        steps = [
            _step(own) / _step(other.cells[-1])
            for task, runs in found.items()
            for own, other in zip(cells.get(task, []), runs.get(FINE_TUNING, []), strict=False)
        ]
        row = {
            "method": method,
            "tasks": len(cells),
            "share of parameters": f"{share:.3f}",
            "MB": f"{fmean(cell['stored']['bytes'] for cell in every) / 1e6:.1f}",
            "step / fine-tuning": f"{median(steps):.2f}" if steps else None,
            "98 % of the quality after": f"{fmean(_learned_after(cell) for cell in every):.0%} of the steps",
        }
        rows.append((share, row))
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


def difference_rows(results: Results, names: Tasks) -> list[dict[str, Any]]:
    """Lay out what one method scores more than each other one, with 95 % intervals over images and seeds.

    Args:
        results: All cells.
        names: The method, then seeds.
    """
    mine, *seeds = names
    found = _runs(results, tuple(seeds))
    methods = {method: None for runs in found.values() for method in runs if method != mine}
    rows = []
    for other in methods:
        row: dict[str, Any] = {f"{mine} minus": other}
        for task, runs in found.items():
            claim = compare(runs.get(mine, []), runs.get(other, []), task)
            row[task] = None if claim is None else str(claim)
        rows.append(row)
    return rows


def quality(cell: Result) -> float:
    """Return a cell's score on its own task: the last reading of its curve, for photos the mean of the last half.

    Photos are learned by a discriminator, and their score goes up and down from reading to reading.
    """
    curve = [reading["score"] for reading in cell["curve"]]
    kind = cell["tasks"][cell["cell"]["task"]]["kind"]
    return fmean(curve[len(curve) // 2 :]) if kind == "photo" else float(curve[-1])


def _runs(results: Results, seeds: Iterable[str]) -> dict[str, dict[str, list[Run]]]:
    """Return the runs by last task and method, of the methods that have every seed there."""
    wanted = {int(seed) for seed in seeds}
    found: dict[str, dict[str, list[Run]]] = {}
    for tasks in results.orders():
        by_method = {
            method: [run for run in runs if run.seed in wanted] for method, runs in results.runs(tasks).items()
        }
        found[tasks[-1]] = {method: runs for method, runs in by_method.items() if {r.seed for r in runs} == wanted}
    return {task: runs for task, runs in found.items() if runs}


def _shown(values: Sequence[float]) -> str | None:
    if not values:
        return None
    single = f" ({', '.join(f'{value:.4f}' for value in values)})" if len(values) > 1 else ""
    return f"{fmean(values):.4f}{single}"


def _step(cell: Result) -> float:
    return float(cell["processor_seconds"]) / float(cell["steps"])


def _learned_after(cell: Result) -> float:
    """Return the share of the steps after which a reading was first nearly the quality."""
    curve = cell["curve"]
    first = next((reading for reading in curve if reading["score"] >= NEARLY * quality(cell)), curve[-1])
    return float(first["step"]) / float(curve[-1]["step"])
