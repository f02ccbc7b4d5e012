"""The progress bar of a prediction."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class PredictionProgress:
    """A bar with the files done and the time left, on the terminal's error channel.

    Args:
        files: How many there are.
        visible: Show it, if there is a terminal.
        console: Where to show it.
    """

    def __init__(self, files: int, visible: bool, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[refused]}"),
            console=console,
            disable=not (visible and console.is_terminal),
        )
        self._task = self._progress.add_task("", total=files, refused="")

    def __enter__(self) -> PredictionProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def advance(self, refused: int) -> None:
        """Count a file, and say how many were refused so far."""
        self._progress.update(self._task, advance=1, refused=f"{refused} refused" if refused else "")
