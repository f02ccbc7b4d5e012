"""Several calls of one training step share what is made of a task's parameters."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import torch

from piggygan.errors import ConfigurationError
from piggygan.layers.deriving import Origin, Sources, origin

Shared = TypeVar("Shared")


class _Step:
    """What the calls of one step share; None once the step is over, for those who outlive it."""

    def __init__(self, calls: int) -> None:
        self.calls = calls
        self.shared: dict[Hashable, tuple[Any, Origin]] | None = {}


# Of a thread, and in it of a coroutine: two that take turns are in two steps.
_step: ContextVar[_Step | None] = ContextVar("piggygan_step", default=None)


@contextmanager
def calls_of_one_step(calls: int) -> Iterator[None]:
    """Tell the generators called inside the ``with`` block that all calls belong to one training step.

    A cycle calls each generator three times before anything moves. Inside the block a layer of a task in training
    composes its kernel once for all of them, and what the layer costs is reckoned for as many calls. ``backward`` is
    called once, on the sum of the losses, there or later. What an optimizer moved inside is composed anew.

    Args:
        calls: How often each generator will be called.

    Raises:
        ConfigurationError: If that is less than once.
    """
    if calls < 1:
        raise ConfigurationError(f"calls is {calls}; a step calls a generator at least once.")
    step, former = _Step(calls), _step.get()
    _step.set(step)
    try:
        yield
    finally:
        step.shared = None
        _step.set(former)


def calls_in_this_step() -> int:
    """Return what the block around says; 1 without one."""
    step = _current()
    return 1 if step is None else step.calls


def shared_in_this_step(key: Hashable, make: Callable[[], Shared], made_of: Sources = ()) -> Shared:
    """Return what another call of this step made under the same key, or make it.

    Args:
        key: Names what is shared.
        make: Makes it.
        made_of: The tensors that it is made of; what was made before one of them moved is made anew.
    """
    step = _current()
    if step is None or step.shared is None:
        return make()
    kept = step.shared.get(key)
    if kept is None or not kept[1].is_of(made_of):
        kept = step.shared[key] = make(), origin(made_of)
    made: Shared = kept[0]
    return made


def _current() -> _Step | None:
    if torch.compiler.is_compiling():  # a compiled graph knows no context variables
        return None
    step = _step.get()
    return None if step is None or step.shared is None else step
