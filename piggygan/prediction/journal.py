"""Journal: what came of each film, a line of JSON each, on disk before the film's outputs have their names.

A line is a record: ``begun`` (the first, once), ``run`` (each start), ``predicted``, ``refused``, ``kept`` (a film that
was refused is what it was again) and ``ended``. The last record of a film counts. A run that is killed leaves whole
lines, and after a power cut perhaps half of the last, which is dropped; a line that cannot be read costs its film,
which is made again.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from piggygan.files.strict_json import decode
from piggygan.prediction.summary import PredictedFile, PredictionRun, RefusedFile

_CHUNK = 1 << 16


@dataclass(frozen=True)
class FilmRecord:
    """What is known of a film that was predicted.

    Attributes:
        file: What came of it.
        name: What its outputs are called.
        size: Bytes of its file just before it was read.
        modified: When that was last written to, in nanoseconds; with the size, whether to look at its bytes again.
        seconds: From opening the film until its outputs were made.
    """

    file: PredictedFile
    name: str
    size: int
    modified: int
    seconds: float


class Journal:
    """A journal that is open; one process has it.

    What is kept in memory of a film is where its record stands.

    Args:
        descriptor: The file, opened for reading and appending, and locked; this object closes it.

    Attributes:
        begun: The first record, or None where there is none yet.
        dropped: How many lines could not be read.
        runs: Every start.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._predicted: dict[str, int] = {}
        self._refused: dict[str, int] = {}
        self.begun: dict[str, Any] | None = None
        self.runs: list[PredictionRun] = []
        self.dropped = 0
        self._end = 0
        self._writing = threading.Lock()
        self._read()

    def _read(self) -> None:
        offset = 0
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            for line in file:
                if not line.endswith(b"\n"):
                    os.truncate(self._descriptor, offset)
                    break
                try:
                    self._take(json.loads(line), offset)
                except (ValueError, KeyError, TypeError, RecursionError):
                    self.dropped += 1
                offset += len(line)
        self._end = offset

    def _take(self, record: dict[str, Any], offset: int) -> None:
        """Note where a record stands.

        Raises:
            ValueError, KeyError, TypeError: If it is none.
        """
        taken: dict[str, Callable[[dict[str, Any], int], None]] = {
            "begun": self._take_begun,
            "run": lambda record, _: self.runs.append(decode(PredictionRun, record["run"], "the run")),
            "predicted": self._take_predicted,
            "refused": lambda record, offset: self._refused.update({record["file"]["source"]: offset}),
            "kept": self._take_kept,
            "ended": self._take_ended,
        }
        taken[record["record"]](record, offset)

    def _take_begun(self, record: dict[str, Any], _: int) -> None:
        self.begun = self.begun or record

    def _take_predicted(self, record: dict[str, Any], offset: int) -> None:
        found = _film_record(record)
        self._predicted[found.file.source] = offset
        self._refused.pop(found.file.source, None)

    def _take_kept(self, record: dict[str, Any], _: int) -> None:
        self._refused.pop(record["source"], None)

    def _take_ended(self, record: dict[str, Any], _: int) -> None:
        last = self.runs.pop()
        self.runs.append(PredictionRun(**{**asdict(last), "ended": record["at"]}))

    # ------------------------------------------------------------------ writing

    def append(self, records: Iterable[dict[str, Any]]) -> None:
        """Write records so that they last, power loss included.

        Raises:
            OSError: If the system refused; then none of them is there.
        """
        with self._writing:
            self._append(records)

    def _append(self, records: Iterable[dict[str, Any]]) -> None:
        taken, offset, content = [], self._end, bytearray()
        for record in records:
            line = json.dumps(record).encode("ascii") + b"\n"
            taken.append((line, offset))
            offset += len(line)
            content += line
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fsync(self._descriptor)
        except OSError:
            with suppress(OSError):
                os.truncate(self._descriptor, self._end)
            raise
        self._end = offset
        for line, place in taken:
            self._take(json.loads(line), place)

    def close(self) -> None:
        """Close the file, and so free its lock."""
        os.close(self._descriptor)

    # ------------------------------------------------------------------ reading

    @property
    def predicted_count(self) -> int:
        """How many films were predicted."""
        return len(self._predicted)

    @property
    def refused_count(self) -> int:
        """How many films were refused, and not predicted since."""
        return len(self._refused)

    def was_refused(self, source: str) -> bool:
        """Say whether a film was refused, and not predicted since."""
        return source in self._refused

    def record_of(self, source: str) -> FilmRecord | None:
        """Return what is known of a film that was predicted."""
        offset = self._predicted.get(source)
        return None if offset is None else _film_record(self._at(offset))

    def names(self) -> dict[str, str]:
        """Return what the outputs of each film that was predicted are called, by its path."""
        return {source: _film_record(self._at(offset)).name for source, offset in self._predicted.items()}

    def predicted(self, order: Iterable[str]) -> Iterator[PredictedFile]:
        """Give the films that were predicted: those of an order first, one after another from the disk."""
        for offset in _ordered(self._predicted, order):
            yield _film_record(self._at(offset)).file

    def refused(self, order: Iterable[str]) -> Iterator[RefusedFile]:
        """Give the films that were refused, likewise."""
        for offset in _ordered(self._refused, order):
            yield decode(RefusedFile, self._at(offset)["file"], "the file")

    def _at(self, offset: int) -> Any:
        line = bytearray()
        while b"\n" not in line[-_CHUNK:]:
            line += os.pread(self._descriptor, _CHUNK, offset + len(line))
        return json.loads(line[: line.index(b"\n")])


def film_line(record: FilmRecord) -> dict[str, Any]:
    """Write what came of a film that was predicted as plain values."""
    return {"record": "predicted", **asdict(record)}


def refused_line(file: RefusedFile) -> dict[str, Any]:
    """Write what was wrong with a film as plain values."""
    return {"record": "refused", "at": now(), "file": asdict(file)}


def now() -> str:
    """Say what time it is, in UTC.

    Example:
        >>> now()[-6:]
        '+00:00'
    """
    return datetime.now(UTC).isoformat(timespec="seconds")


def _film_record(record: dict[str, Any]) -> FilmRecord:
    fields = {key: value for key, value in record.items() if key != "record"}
    found = decode(FilmRecord, fields, "the record")
    for inside in (found.name, *found.file.outputs.values()):
        path = PurePosixPath(inside)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError("an output is in its folder")
    return found


def _ordered(offsets: dict[str, int], order: Iterable[str]) -> Iterator[int]:
    """Give places in an order of films, and then those of other films."""
    given = set()
    for source in order:
        if source in offsets and source not in given:
            given.add(source)
            yield offsets[source]
    for source, offset in offsets.items():
        if source not in given:
            yield offset
