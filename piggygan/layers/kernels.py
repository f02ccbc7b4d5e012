"""TaskKernels: what every task stores in one convolution, and the kernels that are made from it."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from einops import rearrange
from torch import Tensor, nn

from piggygan.errors import ConfigurationError, TaskStateError
from piggygan.layers.deriving import Sources, for_keeping, in_full_precision
from piggygan.layers.filters import (
    compose,
    filters_first,
    join,
    native_layout,
    pick,
    unconstrained_count,
)
from piggygan.layers.freezing import check_finite, freeze, handed_out
from piggygan.layers.kernel_cache import KernelCache
from piggygan.layers.selection import Selection
from piggygan.layers.starts import (
    Start,
    bank_columns,
    bank_limit,
    check_picked,
    empty_start,
    every_column,
    most_useful,
    normal_start,
    refitted,
    remixed,
    selecting,
    warm_start,
)
from piggygan.layers.task_filters import TaskFilters
from piggygan.layers.task_layer import TaskLayer
from piggygan.layers.task_modules import TaskModules
from piggygan.layers.tasks import check_task_name, task_not_found
from piggygan.layers.ways.choice import CostModel
from piggygan.layers.wrappable import check_convolution

Init = Literal["warm", "normal", "empty"]

FACTOR_STEP = 32.0
"""How many times farther one step of Adam moves a factor than a weight; swept in docs/decisions.md."""


class TaskKernels(TaskLayer):
    """One convolution's kernels, task by task, and the filters they are made of.

    Args:
        conv: The convolution as the base task has it; it is held, not copied.
        base_task: Name of the base task.
        selection: Says which task is active; a layer used alone makes its own.
        path: Where the layer is in its generator, for messages.
        costs: Chooses how a training step is computed; a layer used alone makes its own.
        cache: Keeps what is made of frozen tasks; a layer used alone makes its own.
    """

    kind: ClassVar[type[nn.Module]]
    """The convolution that a layer of this class holds."""
    transposed: ClassVar[bool]

    def __init__(
        self,
        conv: nn.Module,
        base_task: str = "base",
        selection: Selection | None = None,
        path: str = "this convolution",
        costs: CostModel | None = None,
        cache: KernelCache | None = None,
    ) -> None:
        super().__init__(check_task_name(base_task))
        check_convolution(conv, self.kind, path, type(self).__name__)
        self.path = path
        self.costs = costs or CostModel()
        self.cache = KernelCache() if cache is None else cache
        self._banks = KernelCache(sys.maxsize)  # of tasks in training, which need theirs at every step
        self.selection = selection or Selection(base_task)
        self.conv: Any = conv
        self.by_task = TaskModules()
        self.base_is_frozen = False

    # ------------------------------------------------------------------ tasks

    @property
    def tasks(self) -> tuple[str, ...]:
        """The layer's tasks, the base task first."""
        return (self.base_task, *self.by_task)

    def is_frozen(self, task: str) -> bool:
        """Say whether ``task`` can no longer change here."""
        return self.base_is_frozen if task == self.base_task else self.of_task(task).is_frozen

    def of_task(self, task: str) -> TaskFilters:
        """Return what a task other than the base task stores here.

        Raises:
            TaskNotFoundError: If the layer does not have it.
        """
        if task not in self.by_task:
            raise task_not_found(task, self.tasks)
        filters = self.by_task[task]
        return filters  # type: ignore[return-value]  # only TaskFilters are put in

    def new_filters(
        self,
        *,
        sources: tuple[str, ...],
        start_from: str,
        fraction: float,
        max_bank: float | None,
        c_in: int,
        c_out: int,
        init: Init,
        factor_step: float,
    ) -> TaskFilters:
        """Make what a new task stores here, without adding it; called :func:`for_keeping`."""
        groups = self.conv.groups
        if c_in % groups or c_out % groups:
            raise ConfigurationError(f"{c_in} and {c_out} channels do not divide into {groups} groups.")
        own_shape = c_out == self.conv.out_channels and c_in == self.conv.in_channels
        sources = tuple(name for name in sources if self._fits_bank(name))
        if not (own_shape and sources) or 1 < groups == self.conv.in_channels:  # filters of one channel are not mixed
            fraction = 1.0
        unconstrained = unconstrained_count(c_out, fraction, groups)
        composed = c_out - unconstrained
        sources = sources if composed else ()
        picked = self._most_useful(sources, max_bank, init) if composed else None
        start = self._warm_start(start_from, sources, picked, c_in, c_out, unconstrained) if init == "warm" else None
        if start is None:  # asked for, or no earlier kernel of this shape to start from
            start = empty_start(
                self.conv.weight,
                factors=(composed, self._bank_width(sources) if picked is None else len(picked)),
                own=(unconstrained, c_in // groups, *self.conv.kernel_size),
                bias=0 if self.conv.bias is None else c_out,
            )
            if init != "empty":
                start = normal_start(start)
        own = None if start.unconstrained is None else self._native(start.unconstrained)
        start = start._replace(unconstrained=own, picked=picked)
        return TaskFilters(start, sources=sources, factor_step=factor_step)

    def _native(self, filters: Tensor) -> Tensor:
        return native_layout(filters, groups=self.conv.groups, transposed=self.transposed)

    def _filters_first(self, kernel: Tensor) -> Tensor:
        return filters_first(kernel, groups=self.conv.groups, transposed=self.transposed)

    def _as_native(self, filters: Tensor) -> Tensor:
        """Lay filters out in memory as the convolution wants them, filters first all the same."""
        return self._filters_first(self._native(filters))

    def attach(self, task: str, filters: TaskFilters) -> None:
        """Add what :meth:`new_filters` made."""
        self.by_task[task] = filters

    def remove_task(self, task: str) -> None:
        """Forget what ``task`` stores here; the caller knows that nothing draws on it."""
        self.of_task(task)
        del self.by_task[task]
        self.forget_fingerprint(task)
        self._forget_derived()

    def freeze_task(self, task: str) -> None:
        """Make ``task`` immutable: its tensors become buffers.

        Raises:
            TaskStateError: If it is frozen already.
            InputError: If it holds NaN or infinities.
        """
        if self.is_frozen(task):
            raise TaskStateError(f"task {task!r} is frozen already.")
        check_finite(self.tensors(task), self.path)
        if task == self.base_task:
            freeze(self.conv)
            self.base_is_frozen = True
        else:
            self.of_task(task).freeze()
            self._banks.forget(task)
        self.keep_fingerprint(task)

    def fold_task(self, task: str) -> nn.Module:
        """Return ``task``'s convolution as an ordinary module of the held one's class."""
        with for_keeping(self.conv.weight.device):
            folded: Any = copy.deepcopy(self.conv)
            for name, tensor in (("weight", self.kernel(task)), ("bias", self.bias_of(task))):
                delattr(folded, name)
                folded.register_parameter(name, None if tensor is None else nn.Parameter(tensor.detach().clone()))
        folded.out_channels, seen = self.kernel_shape(task)
        folded.in_channels = seen * self.conv.groups
        folded.train(self.training)
        return folded  # type: ignore[no-any-return]  # a copy of the held convolution

    # ------------------------------------------------------------------ tensors

    def own_filters(self, task: str) -> Tensor | None:
        """Return the filters that ``task`` adds to a bank, filters first; None if it has none of its own."""
        own = self._own(task)
        return None if own is None else self._filters_first(own)

    def _own(self, task: str) -> Tensor | None:  # in the convolution's own layout
        return self.conv.weight if task == self.base_task else self.of_task(task).unconstrained

    def bank(self, task: str) -> Tensor:
        """Return the frozen filters that those of ``task`` are composed of, ``(groups * n, c_in / groups, *k)``.

        While the task trains they are kept, laid out as the convolution wants them.
        """
        filters = self.of_task(task)
        if filters.is_frozen:
            return self._make_bank(filters)
        key, made_of = (task, self.conv.weight.device), self._bank_is_made_of(filters)
        return self._banks.get(key, lambda: self._make_bank(filters), made_of)

    def _make_bank(self, filters: TaskFilters) -> Tensor:
        bank = self._joined(filters.sources)
        return bank if filters.picked is None else self._as_native(pick(bank, filters.picked, groups=self.conv.groups))

    def _bank_is_made_of(self, filters: TaskFilters) -> Sources:
        return (*(self._own(name) for name in filters.sources), filters.picked)

    def _joined(self, sources: tuple[str, ...]) -> Tensor:
        """Return all filters of ``sources``, filters first."""
        parts = [own for own in map(self.own_filters, sources) if own is not None]
        return parts[0] if len(parts) == 1 else self._as_native(join(parts, groups=self.conv.groups))

    def bank_size(self, sources: tuple[str, ...], max_bank: float | None) -> int:
        """Count the filters of one group that a task would mix: all that fit, up to the bound."""
        width = self._bank_width(tuple(name for name in sources if self._fits_bank(name)))
        if max_bank is None:
            return width
        return min(width, bank_limit(float(max_bank), self.conv.out_channels // self.conv.groups))

    def kernel_numel(self, task: str) -> int:
        """Count the numbers of the whole kernel of ``task``."""
        return math.prod((*self.kernel_shape(task), *self.conv.kernel_size))

    def kernel(self, task: str) -> Tensor:
        """Return the whole kernel of ``task`` in the convolution's own layout."""
        if task == self.base_task:
            return self.conv.weight  # type: ignore[no-any-return]  # a convolution's weight is a tensor
        filters = self.of_task(task)
        if not filters.is_frozen:
            return self._compose_kernel(task)
        made_of = (filters.factors, *self._bank_is_made_of(filters), filters.unconstrained)
        return self.cache.get(self._kernel_key(task), lambda: self._compose_kernel(task), made_of)

    def _kernel_key(self, task: str) -> tuple[str, str, str, torch.device]:
        return self.path, "kernel", task, self.conv.weight.device  # replicas on several devices share one cache

    def bias_of(self, task: str) -> Tensor | None:
        """Return the bias of ``task``, ``(c_out,)``, or None."""
        if task == self.base_task:
            return self.conv.bias  # type: ignore[no-any-return]  # a convolution's bias is a tensor or None
        return self.of_task(task).bias

    def kernel_shape(self, task: str) -> tuple[int, int]:
        """Return how many filters ``task`` has here and how many channels each sees."""
        if task == self.base_task:
            return self.conv.out_channels, self.conv.in_channels // self.conv.groups
        composed, own = self.of_task(task).composed, self.own_filters(task)
        if own is None:
            return composed, self.conv.in_channels // self.conv.groups
        return composed + own.shape[0], own.shape[1]

    def tensors(self, task: str) -> dict[str, Tensor]:
        """Return what ``task`` stores here by name: factors as the matrix itself, its own filters filters first."""
        if task == self.base_task:
            named = {"weight": self.conv.weight, "bias": self.conv.bias}
        else:
            filters = self.of_task(task)
            factors = filters.true_factors() if filters.composed else None
            named = {
                "factors": factors,
                "unconstrained": self.own_filters(task),
                "bias": filters.bias,
                "picked": filters.picked,
            }
        return {name: tensor.detach() for name, tensor in named.items() if tensor is not None}

    def load_tensors(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Copy in what :meth:`tensors` gave; names and shapes are the caller's to check, errors as of the next."""
        self.check_picked(task, tensors)
        with torch.no_grad():
            for name, tensor in tensors.items():
                if task == self.base_task:
                    getattr(self.conv, name).copy_(tensor)
                else:
                    self.of_task(task).load(name, self._native(tensor) if name == "unconstrained" else tensor)

    def check_picked(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Refuse tensors that pick bank filters which there are not, or one twice, with an ``InputError``."""
        if "picked" in tensors:
            check_picked(tensors["picked"], self._bank_width(self.of_task(task).sources), self.path)

    def stored(self, task: str) -> nn.Module:
        """Return the module that holds the tensors of ``task``."""
        return self.conv if task == self.base_task else self.of_task(task)

    def _compose_kernel(self, task: str) -> Tensor:
        filters, own = self.of_task(task), self.own_filters(task)
        parts = [] if own is None else [own]
        if filters.composed:
            with in_full_precision(self.conv.weight.device):
                parts.insert(0, compose(filters.true_factors(), self.bank(task), groups=self.conv.groups))
        return self._native(join(parts, groups=self.conv.groups))

    # ------------------------------------------------------------------ starting a task

    def _warm_start(
        self,
        start_from: str,
        sources: tuple[str, ...],
        picked: Tensor | None,
        c_in: int,
        c_out: int,
        unconstrained: int,
    ) -> Start | None:
        """Start as ``start_from``, or as the base task where that one's shape differs; None if both do."""
        groups = self.conv.groups
        for task in (start_from, self.base_task):
            kept = task == self.base_task or self._kernel_key(task) in self.cache
            # A kernel that is looked at once is not worth a place in the cache.
            whole = self.kernel(task) if kept else self._compose_kernel(task)
            kernel = self._filters_first(whole)
            if kernel.shape[:2] == (c_out, c_in // groups):
                mixtures = self._as_mixtures(task, sources) if sources else None
                if mixtures is not None and picked is not None:
                    mixtures = refitted(mixtures, self._rows(sources), picked)
                filters = rearrange(kernel, "(g c) ... -> g c ...", g=groups)
                return warm_start(mixtures, filters, self.bias_of(task), unconstrained=unconstrained // groups)
        return None

    def _as_mixtures(self, task: str, sources: tuple[str, ...]) -> Tensor:
        """Write each filter of ``task`` as a mixture of the bank, ``(groups, c_out / groups, bank)``, exactly.

        Raises:
            TaskStateError: If ``task`` is made of filters that are not in the bank.
        """
        groups, columns = self.conv.groups, self._columns(sources)
        factors, made_of = None, (task,)
        if task != self.base_task:
            filters = self.of_task(task)
            factors = filters.true_factors() if filters.composed else None
            made_of = (*filters.sources, *(() if filters.unconstrained is None else (task,)))
        missing = [name for name in made_of if name not in columns]
        if missing:
            raise TaskStateError(
                f"a task that starts from {task!r} has to draw on {', '.join(missing)} too: "
                f"add them to draws_on, or start from another task."
            )
        bank_size = self._bank_width(sources)
        parts = []
        if factors is not None:
            parts.append(remixed(factors, self._moved_columns(self.of_task(task), columns), bank_size, groups))
        if task in made_of:
            parts.append(selecting(columns[task], bank_size, self.conv.weight, groups))
        return torch.cat(parts, dim=1)

    def _columns(self, sources: tuple[str, ...]) -> dict[str, slice]:
        """Say which columns of the factors stand for each source's filters."""
        own = {name: self.own_filters(name) for name in sources}
        return bank_columns({name: 0 if kept is None else len(kept) // self.conv.groups for name, kept in own.items()})

    def _moved_columns(self, filters: TaskFilters, columns: dict[str, slice]) -> Tensor:
        """Say for each bank filter of a task which column of another bank it is."""
        every = every_column((columns[name] for name in filters.sources), self.conv.weight.device)
        return every if filters.picked is None else every[filters.picked]

    def _most_useful(self, sources: tuple[str, ...], max_bank: float | None, init: Init) -> Tensor | None:
        """Pick the bank filters that most of the tasks drawn on is made of; None where the bound allows all.

        The score of a filter is its squared norm, times the sum of the squared factors that the tasks use it with.
        """
        limit = self.bank_size(sources, max_bank)
        if limit == self._bank_width(sources):
            return None
        if init == "empty":  # which ones will be filled in
            return torch.arange(limit, device=self.conv.weight.device)
        norms = self._rows(sources).square().sum(2)  # (groups, bank)
        uses = torch.zeros_like(norms)
        for task in sources:
            if task == self.base_task or set(self.of_task(task).sources) <= set(sources):
                uses += self._as_mixtures(task, sources).square().sum(1)
        return most_useful((norms * uses).sum(0), limit)

    def _rows(self, sources: tuple[str, ...]) -> Tensor:
        """Return all filters of ``sources`` as rows of numbers, ``(groups, bank, numbers)``."""
        return rearrange(self._joined(sources).detach(), "(g n) ... -> g n (...)", g=self.conv.groups)

    def _bank_width(self, sources: tuple[str, ...]) -> int:
        """Count the bank filters of one group, without making the bank."""
        return max((columns.stop for columns in self._columns(sources).values()), default=0)

    def _fits_bank(self, task: str) -> bool:
        """Say whether ``task`` has filters here, and of the same size as the base task's."""
        own, base = self.own_filters(task), self.own_filters(self.base_task)
        return own is not None and base is not None and own.shape[1:] == base.shape[1:]

    # ------------------------------------------------------------------ housekeeping

    def _forget_derived(self) -> None:
        self.cache.forget(self.path)
        self._banks = KernelCache(sys.maxsize)

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        self._forget_derived()
        return super()._apply(fn, recurse)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self._forget_derived()
        super()._load_from_state_dict(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        """Hand through what a ``forward`` reads of its convolution: the active task's weight, its channels."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("__") or not hasattr(self.__dict__.get("_modules", {}).get("conv"), name):
                raise
        return self.read(self.selection.task_read, name)

    def read(self, task: str, name: str) -> Any:
        """Return what the convolution of a task has under a name."""
        if name in ("weight", "bias"):
            return handed_out(self.kernel(task) if name == "weight" else self.bias_of(task), self.is_frozen(task))
        if name in ("in_channels", "out_channels"):
            filters, seen = self.kernel_shape(task)
            return filters if name == "out_channels" else seen * self.conv.groups
        return getattr(self.conv, name)

    def extra_repr(self) -> str:
        """Name the tasks when the layer is printed."""
        return f"tasks={self.tasks}"
