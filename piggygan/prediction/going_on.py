"""Going on: what of a folder's predictions can be kept, and whether they are of this task at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Literal

from piggygan.errors import ImageError, PredictionError
from piggygan.files.regular import open_regular, shown
from piggygan.prediction.folder import JOURNAL, PredictionFolder, digest_of_file, unwritable
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.job import Job
from piggygan.prediction.journal import FilmRecord
from piggygan.prediction.making import refused
from piggygan.prediction.summary import PredictionRun, RefusedFile
from piggygan.terminal.about import INTENDED_USE, __version__

FORMAT = 1
_NO_MATTER = ("untrusted",)
"""Options that change nothing of what is written."""


def first_line(job: Job, network: str | None, began: str) -> dict[str, Any]:
    """Write what makes the outputs of a folder: the journal's first record."""
    return {
        "record": "begun",
        "format": FORMAT,
        "intended_use": INTENDED_USE,
        "began": began,
        "piggygan": __version__,
        "task": job.algorithm.task,
        "certificate": job.algorithm.certificate,
        "network": network,
        "kind": job.kind,
        "options": asdict(job.options),
    }


def begin(folder: PredictionFolder, line: dict[str, Any], run: PredictionRun) -> None:
    """Begin a journal, or make sure that it is of the same, and note this run.

    Args:
        folder: Holds it.
        line: What :func:`first_line` gives.
        run: This run.

    Raises:
        PredictionError: If the folder's predictions are by something else, or it cannot be written to.
    """
    journal = folder.journal
    if journal.begun is not None and (differing := _differing(journal.begun, line)):
        raise PredictionError(
            f"{shown(folder.path)} holds predictions of {', '.join(differing)}; nothing is overwritten: name another "
            f"folder."
        )
    if journal.begun is None and journal.predicted_count:
        raise PredictionError(
            f"{shown(folder.path / JOURNAL)} does not say any more what predicted; nothing is overwritten: name "
            f"another folder."
        )
    lines = [*([line] if journal.begun is None else []), {"record": "run", "run": asdict(run)}]
    try:
        journal.append(lines)
    except OSError as error:
        raise unwritable(folder.path / JOURNAL, error) from error


def _differing(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Name what was another when a folder was begun."""
    names = ("format", "piggygan", "task", "certificate", "network", "kind")
    found = [_both(name, before.get(name), now[name]) for name in names if before.get(name) != now[name]]
    former = before["options"] if isinstance(before.get("options"), dict) else {}
    return found + [
        _both(name, former.get(name), value)
        for name, value in now["options"].items()
        if name not in _NO_MATTER and former.get(name) != value
    ]


def _both(name: str, before: Any, now: Any) -> str:
    return f"{name} {before!r} (this is {now!r})"


def unfinished(files: tuple[InputFile, ...], folder: PredictionFolder) -> Iterator[InputFile | RefusedFile | None]:
    """Look at what is there of each film.

    Yields:
        For each the film, if its files have yet to be made; why that cannot be; or None, if all is there.

    Raises:
        PredictionError: If the folder cannot be written to.
    """
    for file in files:
        record = folder.journal.record_of(str(file.path))
        state = "missing" if record is None else _state(file, record, folder)
        if state == "missing":
            yield file
        elif isinstance(state, RefusedFile):
            yield state
        else:
            if folder.journal.was_refused(str(file.path)):
                folder.journal.append([{"record": "kept", "source": str(file.path)}])
            yield None


def _state(file: InputFile, record: FilmRecord, folder: PredictionFolder) -> Literal["missing", "whole"] | RefusedFile:
    """Compare a film and its outputs with what was noted of them."""
    try:
        if not _is_as_it_was(file, record):
            raise PredictionError(
                f"{shown(file.path)} has other bytes than when it was predicted (sha256 {record.file.sha256}), and "
                f"nothing is overwritten: name another folder, or give the new film another name."
            )
        found = {
            inside: folder.holds(inside, record.file.digests.get(kind, ""))
            for kind, inside in record.file.outputs.items()
        }
        if changed := [inside for inside, is_held in found.items() if is_held is False]:
            raise PredictionError(
                f"{shown(folder.path / changed[0])} is not what was written, and nothing is overwritten: take it away "
                f"to have it made again."
            )
    except (PredictionError, ImageError) as error:
        return refused(file, error)
    return "whole" if all(found.values()) else "missing"


def _is_as_it_was(file: InputFile, record: FilmRecord) -> bool:
    """Say whether a film has the bytes that were predicted; they are read only if its size or time is another."""
    with open_regular(file.path) as content:
        try:
            status = file.path.stat()
            if (status.st_size, status.st_mtime_ns) == (record.size, record.modified):
                return True
            return digest_of_file(content) == record.file.sha256
        except OSError as error:
            raise ImageError(f"{shown(file.path)} could not be read: {error.strerror or error}.") from error
