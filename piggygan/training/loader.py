"""The batches of an epoch, in a way that can be repeated."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from piggygan.errors import DatasetError
from piggygan.training.objectives.protocol import Batch
from piggygan.training.processes import Processes
from piggygan.training.random_states import random_state, restore_random_state, seeded_random_state

T = TypeVar("T")


@runtime_checkable
class _KnowsEpoch(Protocol):
    def set_epoch(self, epoch: int) -> None: ...


class Loader:
    """Gives an epoch's batches, on the device.

    What is drawn from the global random states while a batch is made (an order, variations) depends on the seed and
    the epoch alone, not on what the networks draw in between. An epoch can so be begun anew and wound forward.

    Args:
        batches: What the caller gave.
        processes: Where it runs.
        seed: Of the random numbers.

    Raises:
        DatasetError: If there are no batches.
    """

    def __init__(self, batches: Iterable[Batch], processes: Processes, seed: int) -> None:
        self.count = count_batches(batches)
        self._processes = processes
        self._seed = seed
        self._batches: Any = batches
        parts: list[Any] = [batches]
        if isinstance(batches, DataLoader):
            parts += [batches.dataset, batches.sampler, batches.batch_sampler]
            self._batches = processes.prepare_loader(batches)
            self.count = _count_shared(self._batches, self.count, processes.count)
            parts.append(self._batches)
        self._told = [part for part in parts if isinstance(part, _KnowsEpoch)]
        self._generators = _generators(parts)
        self._begun_with = self._generator_states()
        self._stream = random_state()

    def epoch(self, epoch: int, done: int = 0) -> Iterator[Batch]:
        """Give the batches of an epoch, counted from 0, but the first ones that are done already."""
        for part in self._told:
            part.set_epoch(epoch)
        self._begun_with = self._generator_states()
        self._stream = seeded_random_state(self._seed, self._processes.index, epoch)
        batches = self._apart(lambda: iter(self._batches))
        for number in itertools.count():
            try:
                batch = self._apart(lambda: next(batches))
            except StopIteration:
                return
            if number >= done:
                yield self._processes.to_device(batch)

    def state(self, *, is_within_epoch: bool) -> list[Tensor]:
        """Return the states that the loader's own generators had at this epoch's start, or have before the next."""
        return self._begun_with if is_within_epoch else self._generator_states()

    def check_state(self, state: list[Tensor]) -> None:
        """Try what :meth:`state` gave, on generators that nobody uses.

        Raises:
            ValueError: If there is another number of generators.
            RuntimeError, TypeError: If something is not the state of a generator.
        """
        for generator, value in zip(self._generators, state, strict=True):
            torch.Generator(generator.device).set_state(value)

    def load_state(self, state: list[Tensor]) -> None:
        """Put back what :meth:`state` gave, before the epoch is begun."""
        for generator, value in zip(self._generators, state, strict=True):
            generator.set_state(value)

    def _generator_states(self) -> list[Tensor]:
        return [generator.get_state() for generator in self._generators]

    def _apart(self, act: Callable[[], T]) -> T:
        """Do something with the loader's random states in place of the networks'."""
        networks = random_state()
        restore_random_state(self._stream)
        try:
            return act()
        finally:
            self._stream = random_state()
            restore_random_state(networks)


def count_batches(batches: Iterable[Batch]) -> int | None:
    """Say how many batches an epoch has; None where nobody knows.

    Raises:
        DatasetError: If there are none.
    """
    try:
        count = len(batches)  # type: ignore[arg-type]
    except TypeError:  # a stream of unknown length
        return None
    if count == 0:
        raise DatasetError(
            "there are no batches to learn from: is the data set empty, or smaller than one batch with drop_last?"
        )
    return count


def _count_shared(shared: Any, count: int | None, processes: int) -> int | None:
    """Say how many batches each of several processes has of a loader's; None where nobody knows.

    Raises:
        DatasetError: If there are none for some.
    """
    own = len(shared) if count is not None else None
    if own == 0:
        raise DatasetError(
            f"there are {count} batches, and {processes} processes to share them: take smaller batches, or fewer "
            f"processes."
        )
    return own


def _generators(parts: Iterable[Any]) -> list[torch.Generator]:
    """Find the generators that loaders and samplers were given, by their convention of an attribute."""
    found = [getattr(part, "generator", None) for part in parts]
    unique = {id(generator): generator for generator in found if isinstance(generator, torch.Generator)}
    return list(unique.values())
