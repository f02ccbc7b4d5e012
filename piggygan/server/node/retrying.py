"""Backoff: how long to wait before something that failed is tried again."""

from __future__ import annotations

import threading

FIRST, LONGEST = 1.0, 60.0


class Backoff:
    """Waits twice as long each time, up to a minute.

    Args:
        stop: Ends a wait.
        first: Seconds of the first wait.

    Example:
        >>> backoff = Backoff(threading.Event(), first=0.001)
        >>> backoff.wait(), backoff.wait()
        (0.001, 0.002)
    """

    def __init__(self, stop: threading.Event, first: float = FIRST) -> None:
        self._stop, self._first = stop, first
        self._next = first

    def wait(self) -> float:
        """Wait, and return how long that was meant to be."""
        seconds = self._next
        self._next = min(2 * seconds, LONGEST)
        self._stop.wait(seconds)
        return seconds

    def reset(self) -> None:
        """Begin anew: it worked."""
        self._next = self._first
