"""Several calls of one training step share what is made of a task's parameters."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from piggygan.errors import ConfigurationError

Shared = TypeVar("Shared")


class _Step(threading.local):
    """What the calls of this thread share at the moment; None outside of any block."""

    calls: int = 1
    shared: dict[Hashable, Any] | None = None


_step = _Step()


@contextmanager
def calls_of_one_step(calls: int) -> Iterator[None]:
    """Tell the generators called inside the ``with`` block that all calls belong to one training step.

    A cycle calls each generator three times before anything moves. Inside the block a layer of a task in training
    composes its kernel once for all of them, and what the layer costs is reckoned for as many calls. No optimizer may
    step inside; ``backward`` is called once, on the sum of the losses, there or later.

    Args:
        calls: How often each generator will be called.

    Raises:
        ConfigurationError: If that is less than once.
    """
    if calls < 1:
        raise ConfigurationError(f"calls is {calls}; a step calls a generator at least once.")
    former = _step.calls, _step.shared
    _step.calls, _step.shared = calls, {}
    try:
        yield
    finally:
        _step.calls, _step.shared = former


def calls_in_this_step() -> int:
    """Return what the block around says; 1 without one."""
    return _step.calls


def shared_in_this_step(key: Hashable, make: Callable[[], Shared]) -> Shared:
    """Return what another call of this step made under the same key, or make it."""
    if _step.shared is None:
        return make()
    if key not in _step.shared:
        _step.shared[key] = make()
    made: Shared = _step.shared[key]
    return made
