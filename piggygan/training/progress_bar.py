"""The progress of a training, on a terminal or in a log."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from rich.console import Console

from piggygan.terminal.progress import progress_bar


class TrainingProgress:
    """A bar with the count, the time left and, as there is room, the mean losses so far, on the error channel.

    Where there is no terminal, a line says the same every 30 seconds.

    Args:
        epochs: Of the training.
        steps: Of an epoch; None where nobody knows.
        visible: Show it.
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
        names = [name.rpartition(".")[2] for name in losses]
        briefly = names if len(set(names)) == len(names) else list(losses)  # without the player, where that is clear
        note, brief = (
            "  ".join(f"{name} {value:.3f}" for name, value in zip(shown, losses.values(), strict=True))
            for shown in (losses, briefly)
        )
        self._progress.update(self._task, advance=1, note=note, brief=brief)
