"""The folder that a prediction is written to: new or empty, so that nothing is overwritten."""

from __future__ import annotations

import os
from pathlib import Path

from piggygan.errors import PredictionError
from piggygan.files.durable import write_durably
from piggygan.files.regular import shown

SUMMARY = "summary.json"
"""Written last: a folder without it holds a run that did not end."""


class OutputFolder:
    """Takes outputs, each whole or not at all.

    Args:
        folder: Made if it is not there; refused if there is anything in it.

    Raises:
        PredictionError: If it is not empty, or cannot be made.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        self._made = [path for path in (self._folder, *self._folder.parents) if not os.path.lexists(path)]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            occupied = any(self._folder.iterdir())
        except OSError as error:
            raise PredictionError(f"{shown(self._folder)} cannot be written to: {error.strerror}.") from error
        if occupied:
            raise PredictionError(
                f"{shown(self._folder)} is not empty, and nothing is overwritten: name another folder, or empty it."
            )

    def write(self, inside: str, content: bytes) -> None:
        """Write one output.

        Args:
            inside: Its path inside the folder: a name made by :func:`~piggygan.prediction.inputs.list_inputs`, with
                a suffix, in a folder of its kind such as ``masks``.
            content: All of its bytes.

        Raises:
            PredictionError: If it is there already, or could not be written.
        """
        path = self._folder / inside
        try:
            path.parent.mkdir(exist_ok=True)
            if os.path.lexists(path):
                raise PredictionError(f"{shown(path)} appeared while predicting, and nothing is overwritten.")
            write_durably(path, content)
        except OSError as error:
            raise PredictionError(f"{shown(path)} could not be written: {error.strerror or error}.") from error

    def leave(self) -> None:
        """Take away what was made only to write into, if nothing was written: it can be given again then."""
        try:
            for made in self._made:
                made.rmdir()
        except OSError:  # somebody else has put something there
            return

    def write_summary(self, content: bytes) -> None:
        """Write what came of the run, which is complete then.

        Raises:
            PredictionError: As of :meth:`write`.
        """
        self.write(SUMMARY, content)
