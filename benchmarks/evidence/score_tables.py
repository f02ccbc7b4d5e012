"""Lays what methods found on an order of tasks out as tables: scores, costs, photos, differences."""

from __future__ import annotations

from statistics import fmean
from typing import Any

from benchmarks.evidence.findings import REFERENCE, Measure, Results, Tasks, claims, summary


def score_rows(results: Results, tasks: Tasks) -> list[dict[str, Any]]:
    """Lay out what every method scores and forgets, one row a method; best average first."""
    runs = results.runs(tasks)
    found: list[tuple[float, dict[str, Any]]] = []
    for method, own in runs.items():
        measures = summary(own, runs.get(REFERENCE, []))
        changed = {task for run in own for task in run.changed_outputs()}
        scores = {task: Measure(tuple(run.final(task)["scores"]["headline"] for run in own)) for task in tasks}
        row = {
            "method": method,
            "seeds": len(own),
            **{task: scores[task].shown() for task in tasks},
            "average": measures["average"].shown(),
            "incremental": measures["incremental"].shown(),
            "backward transfer": measures["backward transfer"].shown(),
            "forgetting": measures["forgetting"].shown(),
            "earlier outputs": f"{len(changed)} of {len(tasks) - 1} changed" if changed else "same bytes",
            "forward transfer": measures["forward transfer"].shown() if "forward transfer" in measures else None,
            "validated": measures["validated"].shown(),
            "learning curve": measures["learning curve"].shown(),
        }
        found.append((measures["average"].mean, row))
    return [row for _, row in sorted(found, key=lambda pair: pair[0], reverse=True)]


def chain_rows(results: Results, tasks: Tasks) -> list[dict[str, Any]]:
    """Lay out what every method scores on each task at the end of an order, and what it stores; best mean first."""
    found: list[tuple[float, dict[str, Any]]] = []
    runs = results.runs(tasks)
    seeds = max((len(own) for own in runs.values()), default=0)
    for method, own in runs.items():
        if len(own) < seeds:  # rows of other numbers of seeds do not compare
            continue
        scores = {task: Measure(tuple(run.final(task)["scores"]["headline"] for run in own)) for task in tasks}
        average = fmean(measure.mean for measure in scores.values())
        changed = {task for run in own for task in run.changed_outputs()}
        whole = sum(int(own[0].cells[0]["stored"]["parameters"]) for _ in tasks)
        row = {
            "method": method,
            **{task: measure.shown() for task, measure in scores.items()},
            "mean": f"{average:.3f}",
            "stored / separate": f"{fmean(run.stored('parameters') for run in own) / whole:.3f}",
            "earlier outputs": f"{len(changed)} of {len(tasks) - 1} changed" if changed else "same bytes",
        }
        found.append((average, row))
    return [row for _, row in sorted(found, key=lambda pair: pair[0], reverse=True)]


def cost_rows(results: Results, tasks: Tasks) -> list[dict[str, Any]]:
    """Lay out what every method stores for all tasks, and what learning and running one takes; least stored first."""
    found: list[tuple[float, dict[str, Any]]] = []
    for method, own in results.runs(tasks).items():
        measures = summary(own, [])
        parameters = measures["parameters"].mean
        whole = len(tasks) * own[0].cells[0]["stored"]["parameters"]
        row = {
            "method": method,
            "seeds": len(own),
            "parameters": f"{parameters:,.0f}",
            "/ separate": f"{parameters / whole:.3f}",
            "MB": f"{measures['bytes'].mean / 1e6:.1f}",
            "s a task": f"{measures['seconds a task'].mean:.0f}",
            "peak MiB": f"{measures['peak bytes'].mean / 2**20:.0f}",
            "ms an image": f"{measures['milliseconds'].mean:.1f}",
        }
        found.append((parameters, row))
    return [row for _, row in sorted(found, key=lambda pair: pair[0])]


def photo_rows(results: Results, tasks: Tasks) -> list[dict[str, Any]]:
    """Lay out every score of photos at the end of an order, one row a method and task; nearest distribution first."""
    found: list[tuple[float, dict[str, Any]]] = []
    runs = results.runs(tasks)
    for task in (task for task in tasks if results.kind(task) == "photo"):
        for method, own in runs.items():
            scores = [run.final(task)["scores"] for run in own]
            measures = {
                name: Measure(tuple(score[name] for score in scores)) for name in scores[0] if name != "headline"
            }
            shown = {name: measure.shown(4) for name, measure in measures.items()}
            rank = next((measure.mean for name, measure in measures.items() if name.startswith("fid")), 0.0)
            found.append((rank, {"method": method, "seeds": len(own), "task": task, **shown}))
    return [row for _, row in sorted(found, key=lambda pair: pair[0])]


def claim_rows(results: Results, tasks: Tasks) -> list[dict[str, Any]]:
    """Lay out what ours is better by than every other method, with 95 % intervals, one row a method."""
    found: dict[str, dict[str, Any]] = {}
    for claim in claims(results, tasks):
        row = found.setdefault(claim.worse, {"ours minus": claim.worse, "seeds": claim.seeds})
        row[claim.task] = str(claim)
    return list(found.values())
