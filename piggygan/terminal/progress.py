"""Progress of one look, on the error channel: a bar on a terminal, a line now and then where there is none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

SECONDS_BETWEEN_LINES = 30.0
"""Where there is no terminal."""
_SPEED_SECONDS = 300.0
"""Over which the time left is estimated: a step may take half a minute."""
_NARROWEST_BAR, _WIDEST_BAR = 8, 40


def progress_bar(visible: bool = True, console: Console | None = None, *, transient: bool = False) -> Progress:
    """Make a bar that counts and shows the time left, whatever the terminal's width; a note has what room is left.

    Its tasks have a description before the bar and a ``note`` after it, of items with two spaces between them, and may
    have a ``brief`` one for where that is too long. Where there is no terminal, a line says the same every 30 seconds.

    Args:
        visible: Show it.
        console: Where to show it.
        transient: Take the bar away at the end.
    """
    return _FittingProgress(visible, console or Console(stderr=True), transient)


class _FittingProgress(Progress):
    def __init__(self, visible: bool, console: Console, transient: bool) -> None:
        self._bar, self._note = BarColumn(), _NoteColumn()
        self._fixed = (
            TextColumn("{task.description}"),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        description, *counts = self._fixed
        self._shown_on = console
        can_move = console.is_terminal and not console.is_dumb_terminal
        super().__init__(
            description,
            self._bar,
            *counts,
            self._note,
            console=console,
            transient=transient,
            speed_estimate_period=_SPEED_SECONDS,
            disable=not (visible and can_move),
        )
        self._says_lines = visible and not can_move
        self._said = self.get_time()

    def make_tasks_table(self, tasks: Iterable[Task]) -> Table:
        tasks = list(tasks)
        description, count, elapsed, left = self._fixed
        for dropped in ((), (elapsed,), (elapsed, description)):  # the more, the narrower the terminal is
            fixed = [column for column in self._fixed if column not in dropped]
            widths = [max([1, *(column.render(task).cell_len for task in tasks)]) for column in fixed]
            room = self._shown_on.width - sum(widths) - len(widths) - 1  # the bar's and the note's, a space between
            if room >= _NARROWEST_BAR:
                break
        self._note.room = room - _NARROWEST_BAR
        note = max([1, *(self._note.render(task).cell_len for task in tasks)])
        self._bar.bar_width = max(1, min(_WIDEST_BAR, room - note))
        shown = (description, self._bar, count, elapsed, left, self._note)
        self.columns = tuple(column for column in shown if column not in dropped)
        return super().make_tasks_table(tasks)

    def update(self, *arguments: Any, **fields: Any) -> None:
        super().update(*arguments, **fields)
        self._say_if_it_is_time()

    def advance(self, *arguments: Any, **fields: Any) -> None:
        super().advance(*arguments, **fields)
        self._say_if_it_is_time()

    def _say_if_it_is_time(self) -> None:
        if not self._says_lines or self.get_time() - self._said < SECONDS_BETWEEN_LINES:
            return
        self._said = self.get_time()
        for task in self.tasks:
            description, count, elapsed, left = (column.render(task).plain.strip() for column in self._fixed)
            parts = (description, count, elapsed, f"{left} left" if task.total else "", task.fields["note"])
            self.console.print("  ".join(filter(None, parts)), markup=False, highlight=False, soft_wrap=True)


class _NoteColumn(ProgressColumn):
    """As many items of a note as there is room for."""

    room = 0

    def render(self, task: Task) -> Text:
        note: str = task.fields["note"]
        if len(note) <= self.room:
            return Text(note, no_wrap=True)
        items = str(task.fields.get("brief") or note).split("  ")
        while items and len("  ".join(items)) > self.room:
            items.pop()
        return Text("  ".join(items), no_wrap=True)
