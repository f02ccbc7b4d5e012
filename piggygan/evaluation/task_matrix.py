"""What learning later tasks did to the earlier ones: the matrix of scores, and the numbers drawn from it.

``R[i, j]`` is the score on task j after learning task i, tasks counted in the order they were learned. Below,
T is the last task after which anything was scored; so the numbers can also be read half-way.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from piggygan.errors import ConfigurationError, TaskNotFoundError


class TaskMatrix:
    """Scores on every task after learning every task; a score that was never taken is unknown (None).

    Args:
        tasks: Names, in the order of learning.
        higher_is_better: Whether a higher score is better: for all tasks, or for each by name (a Dice of one
            task and an L1 error of another).

    Raises:
        ConfigurationError: If there is no task, or one twice, or a task without a direction.
        TaskNotFoundError: If a direction is given for a task that is not there.

    Example:
        >>> matrix = TaskMatrix(["facades", "lungs"])
        >>> matrix.record(after="facades", on="facades", score=0.75)
        >>> matrix.record(after="lungs", on="facades", score=0.5)
        >>> matrix.record(after="lungs", on="lungs", score=0.9)
        >>> matrix.average(), matrix.backward_transfer(), matrix.forgetting()
        (0.7, -0.25, 0.25)
    """

    def __init__(self, tasks: Sequence[str], higher_is_better: bool | Mapping[str, bool] = True) -> None:
        self._tasks = tuple(tasks)
        if not self._tasks or len(set(self._tasks)) != len(self._tasks):
            raise ConfigurationError(f"tasks are {list(self._tasks)}: give at least one, and each once")
        self._position = {task: position for position, task in enumerate(self._tasks)}
        self._higher_is_better = self._direction_of_each(higher_is_better)
        self._scores: list[list[float | None]] = [[None] * len(self._tasks) for _ in self._tasks]

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks, in the order of learning."""
        return self._tasks

    @property
    def higher_is_better(self) -> dict[str, bool]:
        """Whether a higher score is better, for each task. A copy."""
        return dict(self._higher_is_better)

    @property
    def rows(self) -> tuple[tuple[float | None, ...], ...]:
        """The matrix R: a row for each task learned, a column for each task scored; None is unknown."""
        return tuple(tuple(row) for row in self._scores)

    def record(self, *, after: str, on: str, score: float) -> None:
        """Write down the score on a task after learning a task; a score taken again replaces the former.

        Args:
            after: The task that was learned last when the score was taken.
            on: The task whose data were scored.
            score: Any finite number.

        Raises:
            TaskNotFoundError: If there is no such task.
            ConfigurationError: If the score is not a finite number.
        """
        row, column = self._find(after), self._find(on)
        if not math.isfinite(score):
            raise ConfigurationError(
                f"the score on task {on!r} after {after!r} is {score}: only finite numbers are kept, leave it unknown"
            )
        self._scores[row][column] = float(score)

    def score(self, *, after: str, on: str) -> float | None:
        """Look up a score; None if it is unknown.

        Raises:
            TaskNotFoundError: If there is no such task.
        """
        return self._scores[self._find(after)][self._find(on)]

    def average(self) -> float | None:
        """Average the final scores: the mean over ``j <= T`` of ``R[T, j]``, as far as known.

        Returns:
            The mean in the scores' own unit; None if nothing is known.

        Raises:
            ConfigurationError: If higher is better for some tasks and lower for others: such a mean says nothing.
        """
        self._check_one_direction()
        return self._average_after(self._last_row())

    def average_incremental(self) -> float | None:
        """Average the averages after every task: the mean over ``i <= T`` of the mean over ``j <= i`` of ``R[i, j]``.

        The average incremental quality of CLoG (Zhang et al. 2024). Its average final quality is :meth:`average`, its
        forgetting rate :meth:`backward_transfer` with the sign turned.

        Returns:
            The mean in the scores' own unit, over the tasks after which anything is known; None if nothing is.

        Raises:
            ConfigurationError: If higher is better for some tasks and lower for others: such a mean says nothing.

        Example:
            >>> matrix = TaskMatrix(["facades", "lungs"])
            >>> matrix.record(after="facades", on="facades", score=0.5)
            >>> matrix.record(after="lungs", on="facades", score=0.25)
            >>> matrix.record(after="lungs", on="lungs", score=0.75)
            >>> matrix.average_incremental()
            0.5
        """
        self._check_one_direction()
        known = [mean for row in range(len(self._tasks)) if (mean := self._average_after(row)) is not None]
        return fmean(known) if known else None

    def backward_transfer(self) -> float | None:
        """Average what later learning gave to the earlier tasks; below zero is forgetting.

        The mean over ``j < T`` of ``R[T, j] - R[j, j]`` (Lopez-Paz and Ranzato, NIPS 2017), with the sign
        turned for tasks where lower is better. Tasks where one of the two is unknown are left out.

        Returns:
            The mean in the scores' own unit; None if it is known for no task.
        """
        return _mean(self.backward_transfer_by_task())

    def backward_transfer_by_task(self) -> dict[str, float]:
        """Give ``R[T, j] - R[j, j]`` for each earlier task j where both are known, better counted above zero."""
        return self._changes(lambda task: self.score(after=task, on=task))

    def forgetting(self) -> float | None:
        """Average how far the earlier tasks fell from their best; above zero is forgetting.

        The mean over ``j < T`` of ``max over i < T of R[i, j]``, minus ``R[T, j]`` (Chaudhry et al., ECCV 2018),
        with the sign turned for tasks where lower is better. Tasks where either is unknown are left out.

        Returns:
            The mean in the scores' own unit; None if it is known for no task.
        """
        return _mean(self.forgetting_by_task())

    def forgetting_by_task(self) -> dict[str, float]:
        """Give, for each earlier task, its best score before the last task minus its final one, worse above zero."""
        changes = self._changes(self._best_before_last)
        return {task: 0.0 - change for task, change in changes.items()}  # 0.0 - 0.0 is 0.0, and -(0.0) is not

    def as_dict(self) -> dict[str, Any]:
        """Give the matrix as plain lists and dicts, for JSON; :meth:`from_dict` is the way back."""
        return {
            "tasks": list(self._tasks),
            "higher_is_better": dict(self._higher_is_better),
            "scores": [list(row) for row in self._scores],
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> TaskMatrix:
        """Build a matrix from what :meth:`as_dict` gave.

        Raises:
            ConfigurationError: If an entry is missing, or the scores are not one row and column a task.
            TaskNotFoundError: If a direction is given for a task that is not there.
        """
        missing = {"tasks", "higher_is_better", "scores"} - set(stored)
        if missing:
            raise ConfigurationError(f"a stored task matrix lacks {sorted(missing)}")
        matrix = cls(stored["tasks"], stored["higher_is_better"])
        rows = stored["scores"]
        side = len(matrix.tasks)
        if len(rows) != side or any(len(row) != side for row in rows):
            raise ConfigurationError(
                f"a stored task matrix has rows of {[len(row) for row in rows]} scores, but {side} tasks"
            )
        for after, row in zip(matrix.tasks, rows, strict=True):
            for on, score in zip(matrix.tasks, row, strict=True):
                if score is not None:
                    matrix.record(after=after, on=on, score=score)
        return matrix

    def _find(self, task: str) -> int:
        if task not in self._position:
            close = difflib.get_close_matches(task, self._tasks)
            hint = f"did you mean {close}?" if close else f"there are {list(self._tasks)}"
            raise TaskNotFoundError(f"the task matrix has no task {task!r}: {hint}")
        return self._position[task]

    def _direction_of_each(self, higher_is_better: bool | Mapping[str, bool]) -> dict[str, bool]:
        if isinstance(higher_is_better, bool):
            return dict.fromkeys(self._tasks, higher_is_better)
        for task in higher_is_better:
            self._find(task)
        undecided = [task for task in self._tasks if task not in higher_is_better]
        if undecided:
            raise ConfigurationError(f"`higher_is_better` says nothing of {undecided}: name every task")
        return {task: bool(higher_is_better[task]) for task in self._tasks}

    def _check_one_direction(self) -> None:
        if len(set(self._higher_is_better.values())) > 1:
            raise ConfigurationError(
                "higher is better for some tasks and lower for others: their mean says nothing, read `rows` instead"
            )

    def _average_after(self, row: int) -> float | None:
        known = [score for score in self._scores[row][: row + 1] if score is not None]
        return fmean(known) if known else None

    def _last_row(self) -> int:
        """Find T: the last task after which anything was scored, the first one if nothing was."""
        scored = [row for row, scores in enumerate(self._scores) if any(score is not None for score in scores)]
        return scored[-1] if scored else 0

    def _best_before_last(self, task: str) -> float | None:
        column = self._find(task)
        known = [row[column] for row in self._scores[: self._last_row()]]
        scores = [score for score in known if score is not None]
        return (max if self._higher_is_better[task] else min)(scores, default=None)

    def _changes(self, reference: Callable[[str], float | None]) -> dict[str, float]:
        """Compare the final score of each earlier task with a reference; better counts above zero."""
        last = self._last_row()
        changes = {}
        for task, final in zip(self._tasks[:last], self._scores[last], strict=False):
            before = reference(task)
            if final is not None and before is not None:
                changes[task] = final - before if self._higher_is_better[task] else before - final
        return changes


def _mean(values: Mapping[str, float]) -> float | None:
    return fmean(values.values()) if values else None
