"""Writer: gives what was made its names, beside the network's work: the journal first, then the files."""

from __future__ import annotations

import os
import queue
import threading
from contextlib import suppress
from pathlib import Path

from piggygan.errors import PredictionError
from piggygan.files.durable import sync_folder
from piggygan.files.regular import make_folder, shown
from piggygan.prediction.folder import JOURNAL, PredictionFolder, unwritable
from piggygan.prediction.journal import film_line, refused_line
from piggygan.prediction.making import Made, is_of_its_name
from piggygan.prediction.summary import RefusedFile

Outcome = Made | RefusedFile

_MOST_TOGETHER = 16
"""Films that are made durable by one look at the disk, and at most so many are lost by a kill and made again."""


class Writer:
    """A thread that gives films their places, some at a time.

    Of each film the journal says what its outputs are before they have their names. So whatever is there has a record
    or is somebody else's, and is not overwritten.

    Args:
        folder: Where they go.
    """

    def __init__(self, folder: PredictionFolder) -> None:
        self._folder = folder
        self._waiting: queue.Queue[Outcome | None] = queue.Queue(_MOST_TOGETHER)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def put(self, outcome: Outcome) -> None:
        """Hand over what came of a film.

        Raises:
            PredictionError: If what was handed over before could not be written.
        """
        self._waiting.put(outcome)
        self._raise()

    def close(self) -> None:
        """Wait until all is written.

        Raises:
            PredictionError: If something could not be.
        """
        self._waiting.put(None)
        self._thread.join()
        self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        is_open = True
        while is_open:
            together = [self._waiting.get()]
            while len(together) < _MOST_TOGETHER and not self._waiting.empty():
                together.append(self._waiting.get())
            is_open = None not in together
            if self._error is None:
                try:
                    self._write([outcome for outcome in together if outcome is not None])
                except BaseException as error:
                    self._error = error

    def _write(self, outcomes: list[Outcome]) -> None:
        checked = [self._checked(outcome) for outcome in outcomes]
        lines = [film_line(one.record) if isinstance(one, Made) else refused_line(one) for one in checked]
        if not lines:
            return
        try:
            self._folder.journal.append(lines)
        except OSError as error:
            raise unwritable(self._folder.path / JOURNAL, error) from error
        folders: set[Path] = set()
        for one in checked:
            if isinstance(one, Made):
                folders |= self._placed(one)
        for folder in folders:
            try:
                sync_folder(folder)
            except OSError as error:
                raise unwritable(folder, error) from error

    def _checked(self, outcome: Outcome) -> Outcome:
        """Refuse a film of whose outputs one is there already and is not what was made now."""
        if isinstance(outcome, RefusedFile):
            return outcome
        file = outcome.record.file
        for kind, inside in file.outputs.items():
            path = self._folder.path / inside
            try:
                make_folder(path.parent)
                with suppress(FileNotFoundError):
                    path.lstat()  # which says so if it can be no name
                if self._folder.holds(inside, file.digests[kind]) is False:
                    reason = f"{shown(path)} is there and is not of this prediction, and nothing is overwritten."
                    return RefusedFile(file.source, PredictionError.__name__, reason)
            except OSError as error:
                if is_of_its_name(error):
                    reason = f"{shown(path)} cannot be an output's name: {error.strerror}."
                    return RefusedFile(file.source, PredictionError.__name__, reason)
                raise unwritable(path, error) from error
        return outcome

    def _placed(self, made: Made) -> set[Path]:
        folders = set()
        for inside, staged in made.staged.items():
            try:
                if os.path.lexists(self._folder.path / inside):  # what it would be: that was looked at
                    (self._folder.staging / staged).unlink()
                else:
                    folders.add(self._folder.place(inside, staged))
            except OSError as error:
                raise unwritable(self._folder.path / inside, error) from error
        return folders
