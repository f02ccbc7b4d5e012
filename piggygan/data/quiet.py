"""Keeping the parsers of other people's files quiet: their warnings quote values, names of patients too."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


class _Quiet:
    """Keeps warnings and the parsers' logs away while anybody asks for it: they quote values, names of patients too.

    Python swaps a list of the whole process for that.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._former: warnings.catch_warnings[None] | None = None
        self._logs = [logging.getLogger(name) for name in ("pydicom", "highdicom", "tifffile")]
        for log in self._logs:
            log.addHandler(logging.NullHandler())  # for loggers below it, which "disabled" does not reach
        self._logs_before = [(False, True) for _ in self._logs]

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._former = warnings.catch_warnings()
                self._former.__enter__()
                warnings.simplefilter("ignore")
                self._logs_before = [(log.disabled, log.propagate) for log in self._logs]
                for log in self._logs:
                    log.disabled, log.propagate = True, False

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._former is not None:
                self._former.__exit__(None, None, None)
                for log, before in zip(self._logs, self._logs_before, strict=True):
                    log.disabled, log.propagate = before


_quiet = _Quiet()


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep what Pillow, pydicom, highdicom and tifffile warn of quiet: what matters in a file piggygan checks itself.

    Several threads may be inside at once; what others warn of meanwhile is lost, so keep the block short.
    """
    with _quiet:
        yield
