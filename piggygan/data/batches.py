"""Batches of pairs in an order that depends on the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from piggygan.data.pairs import Pair, PairDataset
from piggygan.data.seeds import seeded_generator
from piggygan.data.unpaired import UnpairedDataset
from piggygan.errors import ConfigurationError

WORKER_SECONDS = 300
"""How long a worker process may take for a batch before it counts as lost."""


class PairBatch(NamedTuple):
    """Several pairs.

    Attributes:
        input: ``(batch, channels, size, size)`` in [-1, 1].
        target: ``(batch, channels, size, size)`` in [-1, 1].
        name: One name a pair.

    Example:
        >>> from piggygan.data import Pair
        >>> pairs = [Pair(torch.zeros(3, 8, 8), torch.ones(1, 8, 8), name) for name in ("a", "b")]
        >>> batch = collate_pairs(pairs)
        >>> batch.input.shape, batch.name
        (torch.Size([2, 3, 8, 8]), ['a', 'b'])
    """

    input: Tensor
    target: Tensor
    name: list[str]


class EpochSampler(Sampler[int]):
    """The order of a data set's items in one epoch, a function of ``(seed, epoch)`` only.

    :meth:`set_epoch` moves the data set to the same epoch, so that order and variations cannot get apart;
    accelerate calls it by itself.

    Args:
        dataset: Whose items.
        seed: Of the permutations, 0 or more.
        shuffle: False: always the data set's own order.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data import PairDataset
        >>> from piggygan.data.synthetic import write_facades
        >>> with TemporaryDirectory() as folder:
        ...     paths = write_facades(folder, 4, 32, seed=0)
        ...     order = EpochSampler(PairDataset.side_by_side(folder, 32), seed=1)
        ...     order.set_epoch(0)
        ...     first = list(order)
        ...     order.set_epoch(1)
        ...     second = list(order)
        ...     order.set_epoch(0)
        ...     first == list(order), first == second, sorted(second)
        (True, False, [0, 1, 2, 3])
    """

    def __init__(self, dataset: PairDataset | UnpairedDataset, *, seed: int = 0, shuffle: bool = True) -> None:
        if seed < 0:
            raise ConfigurationError(f"seed is {seed}; it must be at least 0.")
        self._dataset = dataset
        self._seed = seed
        self._shuffle = shuffle
        self._epoch = 0

    @property
    def fingerprint(self) -> str:
        """What the orders depend on."""
        return f"seed {self._seed}, {'shuffled' if self._shuffle else 'in order'}"

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next pass over the data, 0 or more."""
        self._dataset.set_epoch(epoch)
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._dataset)

    def __iter__(self) -> Iterator[int]:
        if not self._shuffle:
            return iter(range(len(self)))
        order = torch.randperm(len(self), generator=seeded_generator(self._seed, self._epoch), device="cpu")
        return iter(order.tolist())


def collate_pairs(pairs: Sequence[Pair]) -> PairBatch:
    """Stack pairs to a batch.

    Example:
        >>> from piggygan.data import Pair
        >>> pair = Pair(torch.zeros(3, 8, 8), torch.ones(1, 8, 8), "film")
        >>> collate_pairs([pair, pair, pair]).target.shape
        torch.Size([3, 1, 8, 8])
    """
    return PairBatch(
        torch.stack([pair.input for pair in pairs]),
        torch.stack([pair.target for pair in pairs]),
        [pair.name for pair in pairs],
    )


def batches(
    dataset: PairDataset | UnpairedDataset,
    batch_size: int = 1,
    *,
    seed: int = 0,
    shuffle: bool = True,
    workers: int = 0,
    drop_last: bool = False,
) -> DataLoader[Pair]:
    """Give the batches of a data set, the same for the same seed and epoch whatever the number of workers.

    Call ``loader.sampler.set_epoch(epoch)`` before each epoch; it moves the data set too. (accelerate's ``prepare``
    keeps that up by itself.) The random state of the program is neither read nor moved.

    Args:
        dataset: The pairs, or two sides that nobody paired.
        batch_size: Pairs a batch, 1 or more.
        seed: Of the order, 0 or more.
        shuffle: Whether each epoch has its own order.
        workers: Processes that prepare batches; 0 prepares them in this one, which suits data that is in memory.
        drop_last: Whether to leave out a last batch that is smaller.

    Returns:
        A loader of :class:`PairBatch`.

    Raises:
        ConfigurationError: If an argument is outside its range, or ``drop_last`` would leave nothing.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data import PairDataset
        >>> from piggygan.data.synthetic import write_facades
        >>> with TemporaryDirectory() as folder:
        ...     paths = write_facades(folder, 3, 32, seed=0)
        ...     for batch in batches(PairDataset.side_by_side(folder, 32), 2, seed=0):
        ...         print(batch.input.shape[0], batch.target.shape[1:])
        2 torch.Size([3, 32, 32])
        1 torch.Size([3, 32, 32])
    """
    if batch_size < 1:
        raise ConfigurationError(f"batch_size is {batch_size}; it must be at least 1.")
    if workers < 0:
        raise ConfigurationError(f"workers is {workers}; it must be at least 0.")
    if drop_last and batch_size > len(dataset):
        raise ConfigurationError(
            f"batch_size is {batch_size}, and there are {len(dataset)} pairs to learn from; a last batch that is "
            f"smaller is left out, so nothing remains: take a batch size of at most {len(dataset)}."
        )
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=EpochSampler(dataset, seed=seed, shuffle=shuffle),
        num_workers=workers,
        timeout=WORKER_SECONDS if workers else 0,
        drop_last=drop_last,
        collate_fn=collate_pairs,
        # Without one of its own, a loader draws a number from the program's random state each epoch.
        generator=torch.Generator().manual_seed(seed),
    )
