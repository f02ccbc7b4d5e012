"""What a new site with few films comes to, over several draws of them: one row a site and number of films."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.evidence.findings import Claim, Measure, Results, Run, Tasks
from piggygan.evaluation.intervals import crossed_interval

FINE_TUNING = "fine-tuning"


def few_rows(results: Results, groups: Tasks, better: str = "ours") -> list[dict[str, Any]]:
    """Lay out every method's mean score over the draws, and what one method has more than each other.

    Intervals are over draws and films. All methods of a row have the same draws, from the same seed.

    Args:
        results: All cells.
        groups: The beginnings of the last tasks' names; ``jsrt-5`` stands for ``jsrt-5-1``, ``jsrt-5-2`` and so on.
        better: The method that the others are taken from.
    """
    return [row for group in groups if (row := _row(results, group, better))]


def _row(results: Results, group: str, better: str) -> dict[str, Any]:
    by_draw = [results.runs(tasks) for tasks in results.orders() if tasks[-1].rpartition("-")[0] == group]
    methods = {method: None for runs in by_draw for method in runs}
    whole = [runs for runs in by_draw if len(runs) == len(methods)]
    if not whole or better not in methods:
        return {}
    drawn = {method: [runs[method][0] for runs in whole] for method in methods}
    last = {method: Measure(tuple(_score(run) for run in runs)) for method, runs in drawn.items()}
    row: dict[str, Any] = {"films": group, "draws": len(whole)}
    others = sorted(method for method in methods if method != better)
    row |= {method: last[method].shown() for method in (better, *others)}
    row |= {f"{better} minus {other}": str(_claim(drawn[better], drawn[other])) for other in others}
    for method in (better, FINE_TUNING):
        if method in drawn:
            before, after = _kept(drawn[method])
            row[f"the site before, {method}"] = f"{before:.3f} -> {after:.3f}"
    return row


def _score(run: Run) -> float:
    return float(run.final(run.tasks[-1])["scores"]["headline"])


def _claim(mine: Sequence[Run], theirs: Sequence[Run]) -> Claim:
    pairs = zip(mine, theirs, strict=True)
    differences = np.array(
        [np.subtract(a.final(a.tasks[-1])["by_image"], b.final(b.tasks[-1])["by_image"]) for a, b in pairs]
    )
    low, high = crossed_interval(differences)
    return Claim("the new site", mine[0].method, theirs[0].method, 1, float(differences.mean()), low, high)


def _kept(runs: Sequence[Run]) -> tuple[float, float]:
    """Return the score of the task before the last, when it was learned and at the end."""
    tasks = runs[0].tasks
    before = [run.tested(len(tasks) - 2, tasks[-2])["scores"]["headline"] for run in runs]
    return fmean(before), fmean(run.final(tasks[-2])["scores"]["headline"] for run in runs)
