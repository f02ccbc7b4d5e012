"""Signals that ask a training to end: it does at the next step, when all is saved."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
"""From the system or a scheduler, from the keyboard, and from SLURM before the time is up."""
_LOG = logging.getLogger(__name__)


class Signals:
    """Notes the first signal that asks for the end; a second one does at once what it would have done without this.

    The former handlers are back afterwards. Whoever uses this answers a noted signal even then, by
    :class:`~piggygan.errors.TrainingInterruptedError`: only when all handlers are back can no other be noted. If an
    error leaves the block first, the signal does at once what it would have done: whoever catches the error would go
    on. Signals that are ignored stay so, and outside the main thread, where Python lets nobody handle them, all
    stay as they are.

    Example:
        >>> with Signals() as signals:
        ...     signal.raise_signal(signal.SIGTERM)
        ...     signals.received
        <Signals.SIGTERM: 15>
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        """The one that came."""
        self.is_answered = False
        """Whether somebody acts on it; what fails then is that one's to say."""
        self._former: dict[signal.Signals, signal.Handlers | int | object] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in HANDLED:
                self._take_over(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._restore()
        if self.received is not None and not self.is_answered and isinstance(error, Exception):
            _LOG.error("%s asked for the end, and nothing was saved after %r.", self.received.name, error)
            signal.raise_signal(self.received)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self.received is None:
            self.received = signal.Signals(number)
            # Often a loader's workers got it too. That they end is then no news, and must not break off a step, as
            # PyTorch's handler would; whoever waits for a worker is told all the same.
            self._take_over(signal.SIGCHLD, signal.SIG_DFL)
            return
        self._restore()
        signal.raise_signal(number)

    def _take_over(
        self, number: signal.Signals, handler: signal.Handlers | Callable[[int, FrameType | None], None]
    ) -> None:
        former = signal.getsignal(number)
        if former is not None and former is not signal.SIG_IGN:  # None: not Python's, it cannot be put back
            self._former[number] = former
            signal.signal(number, handler)

    def _restore(self) -> None:
        while self._former:
            number, former = self._former.popitem()
            signal.signal(number, former)  # type: ignore[arg-type]  # as getsignal gave it
