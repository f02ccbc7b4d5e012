"""Holds ours against separate networks task by task: how far below is it, and is that within the goal."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import Any

from benchmarks.evidence.findings import REFERENCE, Claim, Results, Tasks, compare

HELD = ("ours", "ours-related")
"""Methods that are held to the goals: as it comes, and with the start that is advised."""
DICE_BELOW = 0.01
SHARE_BELOW = 0.02
"""What ours may be below separate networks: so much Dice of a mask, such a share of every other score."""


@dataclass(frozen=True)
class Goal:
    """One later task, at the end of an order.

    Attributes:
        claim: Ours minus separate.
        separate: Mean score of separate networks, over the seeds of the claim.
        limit: What ours may be below that.
    """

    claim: Claim
    separate: float
    limit: float

    @property
    def met(self) -> str:
        """``yes`` or ``no``, and ``not sure`` where the limit lies inside the interval."""
        if self.claim.low >= -self.limit:
            return "yes"
        return "no" if self.claim.high < -self.limit else "not sure"


def goals(results: Results, tasks: Tasks, method: str = HELD[0]) -> list[Goal]:
    """Compare a method with separate networks on every task but the first, which is the same network."""
    runs = results.runs(tasks)
    own, separate = runs.get(method, []), runs.get(REFERENCE, [])
    shared = {run.seed for run in own} & {run.seed for run in separate}
    found = []
    for task in tasks[1:] if shared else ():
        claim = compare(own, separate, task)
        mean = fmean(run.final(task)["scores"]["headline"] for run in separate if run.seed in shared)
        if claim is not None:
            found.append(Goal(claim, mean, DICE_BELOW if results.kind(task) == "mask" else SHARE_BELOW * mean))
    return found


def goal_rows(results: Results, tasks: Tasks) -> list[dict[str, Any]]:
    """Lay out one row a method and task."""
    return [
        {
            "method": method,
            "task": goal.claim.task,
            "seeds": goal.claim.seeds,
            "separate": f"{goal.separate:.3f}",
            "score": f"{goal.separate + goal.claim.difference:.3f}",
            "minus separate": str(goal.claim),
            "relative": f"{goal.claim.difference / goal.separate:+.1%}",
            "may be below by": f"{goal.limit:.3f}",
            "within the goal": goal.met,
        }
        for method in HELD
        for goal in goals(results, tasks, method)
    ]
