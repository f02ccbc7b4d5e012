"""What a training leaves behind in words: one record an epoch."""

from __future__ import annotations

import errno
import json
import logging
import math
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TextIO

from piggygan.errors import ConfigurationError
from piggygan.files.durable import write_durably

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of a training.

    Example:
        >>> record = EpochRecord(1, {"generator.l1": 0.25}, learning_rate=2e-4, seconds=12.5, skipped_steps=0)
        >>> record.losses["generator.l1"]
        0.25
    """

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
    """All epochs of a training.

    Example:
        >>> history = History([EpochRecord(1, {"generator.l1": 0.25}, 2e-4, 12.5, skipped_steps=1)])
        >>> history.skipped_steps, history.epochs[-1].losses
        (1, {'generator.l1': 0.25})
    """

    epochs: list[EpochRecord] = field(default_factory=list)

    @property
    def skipped_steps(self) -> int:
        """Steps left out in all epochs."""
        return sum(record.skipped_steps for record in self.epochs)


def open_log(path: Path) -> None:
    """Make a log file, and its folder, where they are absent; what is in it stays.

    Raises:
        ConfigurationError: If nothing can be written there, or it is no regular file: a pipe would wait for a reader.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _opened(path).close()
    except OSError as error:
        raise ConfigurationError(f"log_path {path} cannot be written to: {error.strerror}.") from error


def append_record(path: Path, record: EpochRecord) -> None:
    """Add an epoch to a log file as one JSON line; that it cannot be written any more ends no training."""
    try:
        with _opened(path) as log:
            log.write(json.dumps(asdict(record), allow_nan=False) + "\n")
    except OSError as error:
        _LOG.warning("epoch %d is not in %s: %s. The training goes on.", record.epoch, path, error.strerror)


def rewind_log(path: Path, epochs: int) -> None:
    """Take out of a log file's end what a killed training noted and a checkpoint does not know.

    Args:
        path: The file, which may be absent.
        epochs: How many are finished; a last line that was cut off goes as well. Lines that no training wrote stay.
    """
    if not path.is_file():
        return
    lines = path.read_bytes().splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n"):
        lines.pop()
    while lines and _epoch_of(lines[-1]) > epochs:
        lines.pop()
    write_durably(path, b"".join(lines))


def _opened(path: Path) -> TextIO:
    if not path.is_file() and os.path.lexists(path.resolve()):
        raise OSError(errno.EINVAL, "it is not a regular file")
    # O_NONBLOCK: should it be a pipe by now, opening it would wait for a reader.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o666)
    return os.fdopen(descriptor, "a", encoding="utf-8")


def _epoch_of(line: bytes) -> float:
    try:
        return float(json.loads(line)["epoch"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return -math.inf
