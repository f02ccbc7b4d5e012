"""Which task the layers of one model compute with, kept apart for each thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Selection(threading.local):
    """The active task of a model; every layer of the model holds the same selection.

    A thread that selects nothing has the default, so two threads can run two tasks of one model at once.

    Example:
        >>> selection = Selection("facades")
        >>> with selection.using("lungs"):
        ...     selection.task
        'lungs'
        >>> selection.task
        'facades'
    """

    task: str

    def __init__(self, default: str) -> None:
        # threading.local runs __init__ anew in every thread that touches the object.
        self.task = default
        self._default = default

    @contextmanager
    def using(self, task: str) -> Iterator[None]:
        """Select ``task`` inside a ``with`` block; on leaving, by an error too, the former is back."""
        former, self.task = self.task, task
        try:
            yield
        finally:
            self.task = former

    def __reduce__(self) -> tuple[type[Selection], tuple[str]]:
        # A copied model selects for itself.
        return Selection, (self._default,)
