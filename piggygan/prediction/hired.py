"""Hired: a worker process as the process that started it sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, cast

from torch import Tensor

from piggygan.errors import PredictionError
from piggygan.files.strict_json import decode
from piggygan.prediction.findings import Finding
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.job import Job
from piggygan.prediction.journal import FilmRecord
from piggygan.prediction.making import Made
from piggygan.prediction.summary import RefusedFile
from piggygan.prediction.worker import receive, send


class WorkerEndedError(Exception):
    """A worker ended while it was to answer."""


class Hired:
    """A process that reads films and makes their files.

    Args:
        job: What is asked of each film.
        staging: Folder for what is made.
    """

    def __init__(self, job: Job, staging: Path) -> None:
        self._process = subprocess.Popen(  # our own module
            [sys.executable, "-m", "piggygan.prediction.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},  # the network's threads are in the other process
        )
        self._is_ready = False
        self._films = 0
        self._say({"job": job.as_dict(), "staging": os.fsencode(staging.absolute()).hex()})

    def order_film(self, file: InputFile) -> int:
        """Let a film be read; its canvas is to be received.

        Returns:
            Its number, for :meth:`make`.
        """
        self._films += 1
        path = os.fsencode(file.path).hex()  # half a letter is no JSON that everybody reads alike
        order = {"path": path, "name": file.name, "may_be_dicom": file.may_be_dicom}
        self._say({"what": "read", "film": self._films, **order})
        return self._films

    def canvas(self) -> Tensor | RefusedFile:
        """Receive the film that was ordered."""
        self._wait_until_ready()
        answer = self._hear()
        if "refused" in answer:
            return decode(RefusedFile, answer["refused"], "the answer")
        try:
            return receive(answer["shape"], self._answers).expand(answer["channels"], -1, -1)
        except (EOFError, OSError):
            raise WorkerEndedError from None

    def _wait_until_ready(self) -> None:
        if self._is_ready:
            return
        try:
            self._hear()
        except WorkerEndedError:
            raise PredictionError("a process that reads films could not be started: workers=0 does without.") from None
        self._is_ready = True

    def make(self, film: int, output: Tensor, findings: Iterable[Finding] = ()) -> Made | RefusedFile:
        """Let the files of a film be made.

        Raises:
            PredictionError: If nothing more can be written.
            WorkerEndedError: If the process ended.
        """
        order = {"what": "make", "film": film, "shape": list(output.shape)}
        self._say({**order, "findings": [asdict(finding) for finding in findings]}, output)
        answer = self._hear()
        if "stop" in answer:
            raise PredictionError(answer["stop"])
        if "refused" in answer:
            return decode(RefusedFile, answer["refused"], "the answer")
        return Made(decode(FilmRecord, answer["made"]["record"], "the answer"), answer["made"]["staged"])

    def drop(self, film: int) -> None:
        """Let a film be forgotten of which the network made nothing."""
        self._say({"what": "drop", "film": film})

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()

    def close(self) -> None:
        """Wait for its end."""
        self.end()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # what was not sent any more
        self._process.wait()

    @property
    def _answers(self) -> BinaryIO:
        if self._process.stdout is None:
            raise WorkerEndedError
        return cast(BinaryIO, self._process.stdout)

    def _say(self, order: dict[str, Any], numbers: Tensor | None = None) -> None:
        pipe = self._process.stdin
        try:
            if pipe is None:
                raise WorkerEndedError
            pipe.write(json.dumps(order).encode("ascii") + b"\n")
            if numbers is not None:
                send(numbers, cast(BinaryIO, pipe))
            pipe.flush()
        except OSError:
            if self._is_ready:
                raise WorkerEndedError from None
            # One that never was ready is noticed when its first answer is waited for.

    def _hear(self) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = json.loads(self._answers.readline() or b"null")
        except (OSError, ValueError):
            raise WorkerEndedError from None
        if answer is None:
            raise WorkerEndedError
        return answer
