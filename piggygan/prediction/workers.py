"""Films read and made by several processes, while this one computes the network."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from piggygan.errors import DecoderCrashError
from piggygan.files.regular import shown
from piggygan.prediction.hired import Hired, WorkerEndedError
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.job import Job
from piggygan.prediction.making import Made, refused
from piggygan.prediction.running import Network, Translated
from piggygan.prediction.summary import RefusedFile

FEW = 32
"""Films for which no process is started unless somebody asks: that takes some seconds."""
MOST = 8
"""Processes that are started unless somebody asks for more: the network is slower than so many."""
_A_MOMENT = 0.5
"""Seconds after which a thread that waits for the network looks whether it still should."""


def worker_count(films: int) -> int:
    """Choose how many processes to start for so many films, where nobody has said.

    Example:
        >>> worker_count(1)
        0
    """
    if films < FEW:
        return 0
    count = getattr(os, "process_cpu_count", os.cpu_count)() or 1
    return min(count, MOST)


@dataclass
class _Canvas:
    """A film that a worker has read, and what the network will have made of it."""

    file: InputFile
    number: int
    canvas: Tensor
    output: Future[Translated] = field(default_factory=Future)


class Workers:
    """Processes, each with a thread here that talks to it and has it read one film ahead.

    Args:
        job: What is asked of each film.
        staging: Folder for what is made.
        count: How many processes.
        files: The films; asked for one at a time.
    """

    def __init__(self, job: Job, staging: Path, count: int, files: Iterator[InputFile]) -> None:
        self._job = job
        self._staging = staging
        self._files = files
        self._again: list[InputFile] = []
        self._lock = threading.Lock()
        self._events: queue.SimpleQueue[_Canvas | Made | RefusedFile | BaseException | None] = queue.SimpleQueue()
        self._is_over = False
        self._hired: set[Hired] = set()
        self._threads = [
            threading.Thread(target=self._work, name=f"worker {number}", daemon=True) for number in range(count)
        ]

    def outcomes(self, network: Network, together: int) -> Generator[Made | RefusedFile]:
        """Translate what the processes read, and give what they make of it, as it is ready.

        Args:
            network: Translates canvases, in this thread.
            together: How many at once, at most.

        Raises:
            PredictionError: If nothing more can be written.
        """
        for thread in self._threads:
            thread.start()
        try:
            yield from self._handled(network, together)
        finally:
            self._is_over = True
            with self._lock:
                for hired in self._hired:
                    hired.end()
            for thread in self._threads:
                thread.join()

    def _handled(self, network: Network, together: int) -> Iterator[Made | RefusedFile]:
        working = len(self._threads)
        waiting: list[_Canvas] = []
        while working:
            # All that has come is looked at first: what is translated together must not wait for more.
            if waiting and (len(waiting) >= together or self._events.empty()):
                batch, waiting = waiting[:together], waiting[together:]
                outputs = network([one.canvas for one in batch])
                for one, output in zip(batch, outputs, strict=True):
                    one.output.set_result(output)
                continue
            event = self._events.get()
            if isinstance(event, _Canvas):
                waiting.append(event)
            elif isinstance(event, BaseException):
                raise event
            elif event is None:
                working -= 1
            else:
                yield event

    # ------------------------------------------------------------------ in the threads

    def _next(self) -> InputFile | None:
        with self._lock:
            if self._is_over:
                return None
            return self._again.pop() if self._again else next(self._files, None)

    def _work(self) -> None:
        try:
            while (file := self._next()) is not None:
                self._with_one_process(file)
        except BaseException as error:
            self._events.put(error)
        self._events.put(None)

    def _with_one_process(self, file: InputFile) -> None:
        """Give films to a process until there are no more, or it ends; who ended it is refused, and others go again."""
        hired = Hired(self._job, self._staging)
        with self._lock:
            self._hired.add(hired)
        held: list[InputFile] = [file]
        try:
            self._talk(hired, held)
        except WorkerEndedError:
            if not self._is_over:
                self._events.put(refused(held[0], _ended(held[0])))
                with self._lock:
                    self._again += held[1:]
        finally:
            with self._lock:
                self._hired.discard(hired)
            hired.close()

    def _talk(self, hired: Hired, held: list[InputFile]) -> None:
        """Have films read and made, one read ahead of the one that is made.

        Args:
            hired: The process.
            held: Films that it has; at any moment the first is the one that it works at.
        """
        current: _Canvas | None = None
        ahead: InputFile | None = held[0]
        while ahead is not None or current is not None:
            following = None
            if ahead is not None:
                held[:] = [ahead, *([current.file] if current else [])]
                number = hired.order_film(ahead)
                found = hired.canvas()
                if isinstance(found, RefusedFile):
                    self._events.put(found)
                else:
                    following = _Canvas(ahead, number, found)
                    self._events.put(following)
            if current is not None:
                held[:] = [current.file, *([following.file] if following else [])]
                self._make(hired, current)
            current = following
            ahead = self._next() if ahead is not None or current is not None else None

    def _make(self, hired: Hired, current: _Canvas) -> None:
        while True:
            try:
                output, findings = current.output.result(timeout=_A_MOMENT)
                break
            except TimeoutError:
                if self._is_over:
                    raise WorkerEndedError from None
        if isinstance(output, Exception):
            hired.drop(current.number)
            self._events.put(refused(current.file, output))
        else:
            self._events.put(hired.make(current.number, output, findings))


def _ended(file: InputFile) -> DecoderCrashError:
    return DecoderCrashError(f"{shown(file.path)} cannot be used: the process that read it or made its files ended.")
