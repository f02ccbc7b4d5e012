"""Keeping the parsers of other people's files quiet: their warnings quote values, names of patients too."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


class _Quiet:
    """Keeps warnings and pydicom's log away while anybody asks for it: both quote values, names of patients too.

    Python swaps a list of the whole process for that.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._former: warnings.catch_warnings[None] | None = None
        self._log = logging.getLogger("pydicom")
        self._log.addHandler(logging.NullHandler())  # for loggers below it, which "disabled" does not reach
        self._log_before = False, True

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._former = warnings.catch_warnings()
                self._former.__enter__()
                warnings.simplefilter("ignore")
                self._log_before = self._log.disabled, self._log.propagate
                self._log.disabled, self._log.propagate = True, False

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._former is not None:
                self._former.__exit__(None, None, None)
                self._log.disabled, self._log.propagate = self._log_before


_quiet = _Quiet()


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep the warnings of Pillow and pydicom quiet: what matters in a file is checked by piggygan itself.

    Several threads may be inside at once; what others warn of meanwhile is lost, so keep the block short.
    """
    with _quiet:
        yield
