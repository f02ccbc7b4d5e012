"""The progress bar of a training."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from rich.console import Console

from piggygan.progress import progress_bar


class TrainingProgress:
    """A bar with the mean losses so far and the time left, on the terminal's error channel.

    Args:
        epochs: Of the training.
        steps: Of an epoch; None where nobody knows.
        visible: Show it, if there is a terminal.
        console: Where to show it.
    """

    def __init__(self, epochs: int, steps: int | None, visible: bool, console: Console | None = None) -> None:
        self._epochs = epochs
        self._progress = progress_bar(visible, console)
        self._task = self._progress.add_task("", total=steps and steps * epochs, note="")

    def __enter__(self) -> TrainingProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def start_at(self, steps: int) -> None:
        """Count steps that an interrupted training has taken before."""
        self._progress.update(self._task, completed=steps)

    def start_epoch(self, epoch: int) -> None:
        """Name the epoch, counted from 1."""
        self._progress.update(self._task, description=f"epoch {epoch}/{self._epochs}")

    def advance(self, losses: Mapping[str, float]) -> None:
        """Count a step."""
        if not self._progress.disable:
            text = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
            self._progress.update(self._task, advance=1, note=text)
