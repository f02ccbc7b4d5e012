"""How a command that takes hours ends: at a signal, whenever it comes, with its own code and one line."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import NoReturn

from piggygan.cli.commands import show_error, show_warning
from piggygan.errors import TrainingInterruptedError

_ENDING = (signal.SIGTERM, signal.SIGINT)


def until_ended(job: Callable[[], int]) -> int:
    """Do a job that can be gone on with; print what piggygan warns of meanwhile, a line each.

    Args:
        job: Returns its exit code.

    Returns:
        That, or 128 and the number of the signal that ended it.
    """
    with _warnings_shown(), _ended_by_signals() as ended:
        try:
            return job()
        except TrainingInterruptedError as error:  # which has said what was saved
            return error.exit_code
        except _Ended as end:
            ended.close()
            show_error(f"{end.signal.name} asked for the end: start the same again to go on.")
            return 128 + end.signal


class _Ended(BaseException):
    """A signal asked for the end while no training could hear it: while data are read, say."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number)


@contextmanager
def _ended_by_signals() -> Iterator[ExitStack]:
    """Let signals end what is done inside; those that are ignored, as in a shell's background, stay so."""
    with ExitStack() as former:
        if threading.current_thread() is threading.main_thread():
            for number in _ENDING:
                if (handler := signal.getsignal(number)) is not signal.SIG_IGN:
                    signal.signal(number, _end)
                    former.callback(signal.signal, number, handler)
        yield former


def _end(number: int, _: FrameType | None) -> NoReturn:
    raise _Ended(number)


@contextmanager
def _warnings_shown() -> Iterator[None]:
    """Print what piggygan warns of, a line each."""
    handler = _Showing(logging.WARNING)
    logger = logging.getLogger("piggygan")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Showing(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        show_warning(record.getMessage())
