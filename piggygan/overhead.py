"""What each task costs: parameters and bytes, against a whole network."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class TaskOverhead:
    """What one task stores.

    Attributes:
        task: Its name.
        filters: Numbers in filters of its own; for the base task, in all filters.
        factors: Numbers in factorization matrices.
        biases: Numbers in biases of convolutions.
        norms: Scales and shifts of normalization layers.
        statistics: Running statistics: stored, not learned.
        size: Bytes of all of it.
        share: Parameters of the task as a share of the base task's whole network.
    """

    task: str
    filters: int
    factors: int
    biases: int
    norms: int
    statistics: int
    size: int
    share: float

    @property
    def parameters(self) -> int:
        """Learned numbers in all."""
        return self.filters + self.factors + self.biases + self.norms


@dataclass(frozen=True)
class Overhead:
    """What all tasks of a generator cost, printable as a table.

    Attributes:
        tasks: One entry a task, oldest first.
    """

    tasks: tuple[TaskOverhead, ...]

    @property
    def parameters(self) -> int:
        """Learned numbers of all tasks."""
        return sum(task.parameters for task in self.tasks)

    @property
    def share_of_separate_networks(self) -> float:
        """Parameters of all tasks as a share of what one whole network a task would have."""
        return self.parameters / (len(self.tasks) * self.tasks[0].parameters)

    def __getitem__(self, task: str) -> TaskOverhead:
        return next(entry for entry in self.tasks if entry.task == task)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "tasks": [{**asdict(task), "parameters": task.parameters} for task in self.tasks],
            "parameters": self.parameters,
            "share_of_separate_networks": self.share_of_separate_networks,
        }

    def __str__(self) -> str:
        rows = [("task", "parameters", "own filters", "factors", "MB", "share")]
        rows += [
            (
                entry.task,
                f"{entry.parameters:,}",
                f"{entry.filters:,}",
                f"{entry.factors:,}",
                f"{entry.size / 1e6:.1f}",
                f"{entry.share:.1%}",
            )
            for entry in self.tasks
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = [
            "  ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        lines.append(
            f"in all {self.parameters:,} parameters, {self.share_of_separate_networks:.1%} of one network a task"
        )
        return "\n".join(lines)
