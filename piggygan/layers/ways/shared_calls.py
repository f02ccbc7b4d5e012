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


class Step:
    """One training step: what it counts on, and what its calls share until it is over.

    Args:
        calls: How often it calls each generator.
    """

    def __init__(self, calls: int) -> None:
        self.calls = calls
        self.shares = True
        """Whether anything is kept for another call."""
        self._shared: dict[Hashable, tuple[Any, Origin]] = {}

    def share(self, key: Hashable, make: Callable[[], Shared], made_of: Sources = ()) -> Shared:
        """Return what another call of this step made under the same key, or make it.

        Args:
            key: Names what is shared.
            make: Makes it.
            made_of: The tensors that it is made of; what was made before one of them moved is made anew.
        """
        if not self.shares:
            return make()
        kept = self._shared.get(key)
        if kept is None or not kept[1].is_of(made_of):
            kept = self._shared[key] = make(), origin(made_of)
        made: Shared = kept[0]
        return made

    def end(self) -> None:
        """Let go of what was shared; who outlives the step is alone."""
        self.calls, self.shares = 1, False
        self._shared.clear()


_ALONE = Step(1)
_ALONE.end()
# Of a thread, and in it of a coroutine: two that take turns are in two steps.
_step: ContextVar[Step] = ContextVar("piggygan_step", default=_ALONE)


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
    step = Step(calls)
    former = _step.set(step)
    try:
        yield
    finally:
        step.end()
        _step.reset(former)


def current_step() -> Step:
    """Return the step that the block around says; outside of any, one of a single call that shares nothing."""
    return _ALONE if torch.compiler.is_compiling() else _step.get()  # a compiled graph knows no context variables
