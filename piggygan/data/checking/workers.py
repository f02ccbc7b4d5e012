"""Several processes that inspect pairs; a decoder that fails takes one of them down, and the check goes on."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from piggygan.data.checking.finding import Fault, Finding
from piggygan.data.datasets.folder import DatasetFolder
from piggygan.data.folders import PairFiles
from piggygan.data.untrusted.talking import ChildEnded, end_child, read_line, spawn_child, wait_until_ready, write
from piggygan.errors import DatasetError

_SECONDS = 60.0
_MEMORY = 3 << 29  # three buffers of 64 Mpx and what the libraries take


@dataclass
class _Worker:
    """One process, started when it is first needed; used by one thread at a time."""

    child: subprocess.Popen[bytes] | None = None

    def ask(self, order: dict[str, Any]) -> Finding:
        if self.child is None:
            self.child = spawn_child("piggygan.data.checking.checking_child", str(_MEMORY), str(_SECONDS))
            try:
                wait_until_ready(self.child)
            except ChildEnded as ended:
                self.child = None
                raise DatasetError(f"The process that reads the files could not be started: {ended}.") from None
        try:
            deadline = time.monotonic() + _SECONDS
            write(self.child, json.dumps(order).encode() + b"\n", deadline)
            found = json.loads(read_line(self.child, deadline))
        except ChildEnded as ended:
            self.close()
            return Finding(order["name"], faults=(Fault("unreadable", str(ended)),))
        return Finding(**{**found, "faults": tuple(Fault(**fault) for fault in found["faults"])})

    def close(self) -> None:
        if self.child is not None:
            end_child(self.child)
            self.child = None


def inspect_all(
    dataset: DatasetFolder, workers: int, advance: Callable[[], None], classes: Sequence[Sequence[int]] = ()
) -> list[Finding]:
    """Inspect every pair of a data set.

    Args:
        dataset: The set.
        workers: How many processes work at once.
        advance: Called after each pair, from any thread.
        classes: The values of each class in masks of several.

    Returns:
        In the order of the pairs.

    Raises:
        DatasetError: If a process cannot be started.
    """
    salt = os.urandom(16).hex()
    idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
    crew = [_Worker() for _ in range(workers)]
    for worker in crew:
        idle.put(worker)

    def one(files: PairFiles) -> Finding:
        worker = idle.get()
        try:
            order = {"dataset": dataset.name, "name": files.name, "files": _paths(files), "salt": salt}
            return worker.ask({**order, "classes": classes})
        finally:
            idle.put(worker)
            advance()

    try:
        with ThreadPoolExecutor(max_workers=workers) as pool:
            return list(pool.map(one, dataset.files))
    finally:
        for worker in crew:
            worker.close()


def _paths(files: PairFiles) -> Sequence[str]:
    return [os.fsdecode(path) for path in (files.image, files.mask, *files.more_masks) if path is not None]
