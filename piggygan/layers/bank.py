"""Bank: the filters of earlier tasks that a new one may mix in one convolution."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor

from piggygan.errors import TaskStateError
from piggygan.layers.base_filters import BaseFilters
from piggygan.layers.filters import join
from piggygan.layers.starts import bank_columns, every_column, remixed, selecting
from piggygan.layers.task_filters import TaskFilters

Filters = BaseFilters | TaskFilters
"""What any task stores in one convolution."""


class Bank:
    """All filters of some tasks' own, one task after another in each group of the convolution.

    Args:
        own: Each task's own filters, filters first, ``(groups * n, c_in / groups, *k)``; the oldest task first.
        groups: Groups of the convolution.

    Example:
        >>> bank = Bank({"facades": torch.zeros(8, 3, 1, 1), "lungs": torch.zeros(2, 3, 1, 1)}, groups=2)
        >>> bank.width, bank.columns["lungs"]
        (5, slice(4, 5, None))
    """

    def __init__(self, own: Mapping[str, Tensor], groups: int) -> None:
        self._own = own
        self._groups = groups
        self.columns = bank_columns({task: len(filters) // groups for task, filters in own.items()})
        """Which columns of a task's factors stand for each task's filters."""
        self.width = sum(len(filters) // groups for filters in own.values())
        """Filters of one group."""

    def rows(self) -> Float[Tensor, "groups bank numbers"]:
        """Return the filters as rows of numbers, without their history."""
        joined = join(list(self._own.values()), groups=self._groups).detach()
        return rearrange(joined, "(g n) ... -> g n (...)", g=self._groups)

    def mixtures(self, task: str, filters: Filters) -> Float[Tensor, "groups c_out bank"]:
        """Write each filter of a task as a mixture of the bank, exactly.

        Args:
            task: Its name.
            filters: What it stores.

        Raises:
            TaskStateError: If it is made of filters that are not in the bank.
        """
        made_of = (*filters.sources, *(() if filters.unconstrained is None else (task,)))
        if missing := [name for name in made_of if name not in self.columns]:
            raise TaskStateError(
                f"a task that starts from {task!r} has to draw on {', '.join(missing)} too: "
                f"add them to draws_on, or start from another task."
            )
        parts = []
        if isinstance(filters, TaskFilters) and filters.composed:
            columns = self._columns_of(filters.sources, filters.picked)
            parts.append(remixed(filters.true_factors(), columns, self.width, self._groups))
        if filters.unconstrained is not None:
            parts.append(selecting(self.columns[task], self.width, filters.unconstrained, self._groups))
        return torch.cat(parts, dim=1)

    def usefulness(self, tasks: Iterable[tuple[str, Filters]]) -> Float[Tensor, " bank"]:
        """Score each filter, in all groups together: its squared norm, times the squared factors it is used with.

        Args:
            tasks: Those that use it, all made of filters of this bank.
        """
        norms = self.rows().square().sum(2)  # (groups, bank)
        uses = torch.zeros_like(norms)
        for task, filters in tasks:
            uses += self.mixtures(task, filters).square().sum(1)
        return (norms * uses).sum(0)

    def _columns_of(self, sources: tuple[str, ...], picked: Tensor | None) -> Int[Tensor, " columns"]:
        """Say for each filter of another task's bank which column of this one it is."""
        device = next(iter(self._own.values())).device
        every = every_column((self.columns[name] for name in sources), device)
        return every if picked is None else every[picked]
