"""What a training leaves behind in words: one record an epoch."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

from piggygan.durable import write_durably
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


def rewind_log(path: Path, epochs: int) -> None:
    """Take out of a log file's end what a killed training noted and a checkpoint does not know.

    Args:
        path: The file, which may be absent.
        epochs: How many are finished; a last line that was cut off goes as well.
    """
    if not path.is_file():
        return
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    while lines and _epoch_of(lines[-1]) > epochs:
        lines.pop()
    write_durably(path, "".join(lines).encode())


def _epoch_of(line: str) -> float:
    try:
        return float(json.loads(line)["epoch"])
    except (ValueError, KeyError, TypeError):
        return math.inf
