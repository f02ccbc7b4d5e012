"""What is seen of a task while it is learned: scores and pictures of the validation side, warnings, the page."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from piggygan.files.durable import write_durably
from piggygan.jobs.evaluating.scoring import headline, score_side
from piggygan.jobs.pages.pictures import draw_pairs
from piggygan.jobs.training.preparing import Prepared
from piggygan.training.history import EpochRecord

DRAWING = 0.01
"""Largest share of the time that pictures and the page take; a look that comes sooner only scores."""


class Looks:
    """Looks at the validation side every few epochs, and after the last.

    Args:
        prepared: What is learned.
        after: Called when pictures were drawn and there is more to learn, to refresh a page.
    """

    def __init__(self, prepared: Prepared, after: Callable[[], None]) -> None:
        self._prepared = prepared
        self._after = after
        self._epochs = int(prepared.config.training.epochs or 1)
        self._every = int(prepared.config.training.validate_every or 1)
        self._drawn_at, self._drawing_took = time.monotonic(), 0.0

    def __call__(self, record: EpochRecord) -> float | None:
        """Look, if it is time; return the score if the best epoch is to be kept."""
        if record.epoch % self._every and record.epoch != self._epochs:
            return None
        prepared = self._prepared
        batch_size = int(prepared.config.training.batch_size or 1)
        scored = score_side(prepared.learner, prepared.data, prepared.data.validation, batch_size)
        line = {"epoch": record.epoch, "learning_rate": record.learning_rate, "scores": scored.scores}
        _add_line(prepared.files.validation, line, record.epoch)
        if record.epoch == self._epochs or time.monotonic() - self._drawn_at >= self._drawing_took / DRAWING:
            started = time.monotonic()
            self._draw(record.epoch)
            if record.epoch != self._epochs:  # of the end there is a page when it is committed
                self._after()
            self._drawn_at = time.monotonic()
            self._drawing_took = self._drawn_at - started
        return headline(prepared.data.kind, scored.scores) if prepared.config.training.keep == "best" else None

    def _draw(self, epoch: int) -> None:
        prepared = self._prepared
        by = {f"after {epoch} epochs": prepared.learner}
        draw_pairs(prepared.files.sample(epoch), prepared.data.kind, prepared.data.validation, by)


def validated(prepared: Prepared, epoch: int) -> dict[str, float]:
    """Return what the validation side scores after an epoch, whose networks these are; a look has said it already."""
    for line in lines_of(prepared.files.validation):
        if line.get("epoch") == epoch and isinstance(line.get("scores"), dict):
            return dict(line["scores"])
    batch_size = int(prepared.config.training.batch_size or 1)
    return score_side(prepared.learner, prepared.data, prepared.data.validation, batch_size).scores


@contextmanager
def warnings_kept(path: Path) -> Iterator[None]:
    """Keep what piggygan warns of in a file, one JSON line each."""
    handler = _Keeping(path)
    logger = logging.getLogger("piggygan")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def keep_warning(path: Path, text: str) -> None:
    """Add what a person should know of a training, unless that was the last that was said.

    Raises:
        OSError: If the system refused.
    """
    if [line.get("text") for line in lines_of(path)][-1:] == [text]:
        return
    line = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "text": text}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines; a last one that was cut off, and a file that is absent, have nothing to say."""
    found = []
    for line in path.read_bytes().splitlines() if path.is_file() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found


class _Keeping(logging.Handler):
    def __init__(self, path: Path) -> None:
        super().__init__(logging.WARNING)
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        try:
            keep_warning(self._path, record.getMessage())
        except OSError:  # a full disk ends the training where its checkpoints are written, not here
            self.handleError(record)


def _add_line(path: Path, line: dict[str, Any], epoch: int) -> None:
    """Add a line, and take out what a training that was killed had noted of this epoch and of later ones."""
    kept = [entry for entry in lines_of(path) if isinstance(entry.get("epoch"), int) and entry["epoch"] < epoch]
    write_durably(path, "".join(json.dumps(entry) + "\n" for entry in [*kept, line]).encode())
