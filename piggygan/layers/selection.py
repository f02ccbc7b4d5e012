"""Which task the layers of one model compute with, kept apart for each thread and each coroutine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch

from piggygan.errors import TaskNotChosenError


@dataclass(eq=False, slots=True)
class _Choice:
    """A selection's task inside a ``with`` block, and what was chosen around it."""

    selection: Selection
    task: str
    outer: _Choice | None
    is_left: bool = False


_CHOSEN: ContextVar[_Choice | None] = ContextVar("piggygan_chosen", default=None)


class Selection:
    """The active task of a model; every layer of the model holds the same selection.

    A thread or an asyncio task that selects nothing has the only task there is, so two can run two tasks of one model
    at once. Where there are several tasks, one of them has to be selected.

    Args:
        tasks: All tasks of the model.

    Example:
        >>> selection = Selection("facades")
        >>> with selection.using("lungs"):
        ...     selection.task
        'lungs'
        >>> selection.task
        'facades'
    """

    def __init__(self, *tasks: str) -> None:
        self.tasks = tasks
        self._traced: str | None = None

    @property
    def chosen(self) -> str | None:
        """The selected task; None if nobody selected one here."""
        if self._traced is not None:
            return self._traced
        choice = _CHOSEN.get()
        while choice is not None and (choice.is_left or choice.selection is not self):
            choice = choice.outer
        return None if choice is None else choice.task

    @property
    def task(self) -> str:
        """The selected task, or the only one.

        Raises:
            TaskNotChosenError: If none is selected and there are several.
        """
        chosen = self.chosen
        if chosen is not None:
            return chosen
        if len(self.tasks) != 1:
            raise TaskNotChosenError(
                f"this model has the tasks {', '.join(self.tasks)}, and none was chosen: call model(x, "
                f"task={self.tasks[-1]!r}), or use model.view({self.tasks[-1]!r}), also where activations are "
                f"recomputed in the backward pass."
            )
        return self.tasks[0]

    @property
    def task_read(self) -> str:
        """The same, for reads of an attribute that depends on the task.

        Raises:
            AttributeError: If none is selected and there are several: ``hasattr`` asks so, in loops over all modules.
        """
        try:
            return self.task
        except TaskNotChosenError as error:
            raise AttributeError(str(error)) from error

    @contextmanager
    def using(self, task: str) -> Iterator[None]:
        """Select ``task`` inside a ``with`` block; on leaving, by an error too, the former is back."""
        if torch.compiler.is_compiling():  # Dynamo cannot trace a change of context, and traces in one thread
            former, self._traced = self._traced, task
            try:
                yield
            finally:
                self._traced = former
            return
        choice = _Choice(self, task, _CHOSEN.get())
        _CHOSEN.set(choice)
        try:
            yield
        finally:
            choice.is_left = True  # generators may leave their blocks in another order than they entered
            remaining = _CHOSEN.get()
            while remaining is not None and remaining.is_left:
                remaining = remaining.outer
            _CHOSEN.set(remaining)
