"""Sets the same tasks at other learning rates side by side: which rate suits each method, by the validation side."""

from __future__ import annotations

from typing import Any

from benchmarks.evidence.findings import REFERENCE, Measure, Results, Run, Tasks

PIX2PIX = 2e-4


def rate_rows(results: Results, tasks: Tasks) -> list[dict[str, Any]]:
    """Lay out one row a task and method: the last validated score at every rate, over the seeds that all rates have.

    Args:
        results: All cells.
        tasks: An order; all orders of the same tasks at other rates are set beside it.

    Returns:
        Rows in the order of the tasks. The first task, learned alike by all, has one row.
    """
    orders = {rates(results, order): order for order in results.orders() if like(results, order, tasks)}
    runs = {rate: results.runs(order) for rate, order in sorted(orders.items())}
    found = []
    for place in range(len(tasks)):
        for method in runs[rates(results, tasks)] if len(runs) > 1 else ():
            by_rate = {rate: {run.seed: run for run in own.get(method, [])} for rate, own in runs.items()}
            seeds = set.intersection(*({*own} for own in by_rate.values()))
            if seeds and (place or method == REFERENCE):
                found.append(
                    {
                        "task": tasks[place],
                        "method": method,
                        "seeds": len(seeds),
                        **{
                            " / ".join(f"{one:g}" for one in dict.fromkeys(rate)): validated(own, seeds, place)
                            for rate, own in by_rate.items()
                        },
                    }
                )
    return found


def validated(runs: dict[int, Run], seeds: set[int], place: int) -> str:
    """Write the last reading of the validation side at a place of the order, over some seeds."""
    return Measure(tuple(runs[seed].cells[place]["curve"][-1]["score"] for seed in sorted(seeds))).shown()


def rates(results: Results, order: Tasks) -> tuple[float, ...]:
    """Return the learning rate of every task; cells older than the setting have the default."""
    return tuple(float(results.task(task).get("learning_rate", PIX2PIX)) for task in order)


def like(results: Results, one: Tasks, other: Tasks) -> bool:
    """Say whether two orders are the same tasks but for the learning rate."""

    def rest(order: Tasks) -> list[dict[str, Any]]:
        return [{**results.task(task), "learning_rate": None} for task in order]

    return rest(one) == rest(other)
