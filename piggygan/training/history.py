"""What a training leaves behind in words: one record an epoch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from piggygan.errors import ConfigurationError


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of a training."""

    epoch: int
    """Counted from 1."""
    losses: dict[str, float]
    """Means over the epoch's steps by ``player.loss``, weighted as they were minimized."""
    learning_rate: float
    """Of this epoch."""
    seconds: float
    """Wall time of the epoch's steps, without what is called after it."""
    skipped_steps: int
    """Steps left out because a loss or gradient was not finite."""


@dataclass
class History:
    """All epochs of a training."""

    epochs: list[EpochRecord] = field(default_factory=list)

    @property
    def skipped_steps(self) -> int:
        """Steps left out in all epochs."""
        return sum(record.skipped_steps for record in self.epochs)


def open_log(path: Path) -> None:
    """Make a log file, and its folder, where they are absent; what is in it stays.

    Raises:
        ConfigurationError: If nothing can be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("a", encoding="utf-8").close()
    except OSError as error:
        raise ConfigurationError(f"log_path {path} cannot be written to: {error.strerror}.") from error


def append_record(path: Path, record: EpochRecord) -> None:
    """Add an epoch to a log file as one JSON line."""
    with path.open("a", encoding="utf-8") as log:
        log.write(json.dumps(asdict(record), allow_nan=False) + "\n")
