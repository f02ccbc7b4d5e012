"""Memory that is missing: the n-th call of a library, from the code that is watched, finds none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

LETTING_GO = {"__exit__", "__del__", "release", "close"}
"""What gives something back takes no memory."""


@contextmanager
def failing_at(call: int, watched: tuple[str, ...]) -> Iterator[list[int]]:
    """Let the n-th call of a function in C, from code in files of such paths, find no memory.

    A profile function sees each such call before it is made, and what it raises comes out of the call. Python takes
    the function away then: one call fails and no other.

    Args:
        call: Which one; 0: none.
        watched: Parts of paths.

    Yields:
        The number of calls seen.
    """
    seen = [0]

    def profile(frame: FrameType, event: str, called: Any) -> None:
        takes_memory = event == "c_call" and not LETTING_GO & {frame.f_code.co_name, getattr(called, "__name__", "")}
        takes_memory = takes_memory and not _gives_back_a_mode(frame)
        if takes_memory and any(part in frame.f_code.co_filename for part in watched):
            seen[0] += 1
            if seen[0] == call:
                raise MemoryError

    sys.setprofile(profile)
    try:
        yield seen
    finally:
        sys.setprofile(None)


def _gives_back_a_mode(frame: FrameType) -> bool:
    """Say whether torch leaves a block such as ``no_grad``, by making what would enter another."""
    caller = frame.f_back
    return caller is not None and caller.f_code.co_name == "__exit__" and "/torch/" in caller.f_code.co_filename


def calls_of(act: Callable[[], Any], watched: tuple[str, ...]) -> int:
    """Count the calls that could fail."""
    with failing_at(0, watched) as seen:
        act()
    return seen[0]
