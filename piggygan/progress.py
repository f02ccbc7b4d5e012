"""Progress bars of one look, on the terminal's error channel."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def progress_bar(visible: bool = True, console: Console | None = None, *, transient: bool = False) -> Progress:
    """Make a bar that counts and shows the time left; its tasks have a description before it and a ``note`` after it.

    Args:
        visible: Show it, if there is a terminal.
        console: Where to show it.
        transient: Take it away at the end.
    """
    console = console or Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        transient=transient,
        disable=not (visible and console.is_terminal),
    )
