"""TaskKernels: what every task stores in one convolution, and the kernels that are made from it."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from piggygan.errors import TaskStateError
from piggygan.files.precision import Precision, rounded
from piggygan.layers.bank import Bank, Filters
from piggygan.layers.base_filters import BaseFilters
from piggygan.layers.copying import convolution_like
from piggygan.layers.deriving import for_keeping, in_full_precision
from piggygan.layers.filters import compose, filters_first, join, native_layout, pick
from piggygan.layers.freezing import check_finite, handed_out
from piggygan.layers.kernel_cache import KernelCache
from piggygan.layers.selection import Selection
from piggygan.layers.starts import check_picked
from piggygan.layers.task_filters import TaskFilters
from piggygan.layers.task_layer import TaskLayer
from piggygan.layers.task_modules import TaskModules
from piggygan.layers.tasks import check_task_name, task_not_found
from piggygan.layers.ways.choice import CostModel
from piggygan.layers.ways.compute import MixedFilters
from piggygan.layers.ways.shared_calls import Step
from piggygan.layers.wrappable import check_convolution


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

    kind: ClassVar[type[_ConvNd]]
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
        held = check_convolution(conv, self.kind, path, type(self).__name__)
        self.path = path
        self.costs = costs or CostModel()
        self.cache = KernelCache() if cache is None else cache
        self._banks = KernelCache(sys.maxsize)  # of tasks in training, which need theirs at every step
        self.selection = selection or Selection(base_task)
        self._modules["conv"] = held
        self._modules["by_task"] = TaskModules()
        self._base = BaseFilters(held)

    @property
    def conv(self) -> _ConvNd:
        """The held convolution, whose kernel is the base task's."""
        return self._modules["conv"]  # type: ignore[return-value]  # registered by __init__, under this name alone

    @property
    def by_task(self) -> TaskModules:
        """What later tasks store here, by name."""
        return self._modules["by_task"]  # type: ignore[return-value]  # likewise

    # ------------------------------------------------------------------ tasks

    @property
    def tasks(self) -> tuple[str, ...]:
        """The layer's tasks, the base task first."""
        return (self.base_task, *self.by_task)

    def of_task(self, task: str) -> Filters:
        """Return what a task stores here.

        Raises:
            TaskNotFoundError: If the layer does not have it.
        """
        if task == self.base_task:
            base, conv = self._base, self.conv
            return base if base.module is conv else BaseFilters(conv, base.is_frozen)  # a replica's is another
        filters = self.by_task.get(task)
        if filters is None:
            raise task_not_found(task, self.tasks)
        return filters  # type: ignore[return-value]  # only TaskFilters are put in

    def is_frozen(self, task: str) -> bool:
        """Say whether ``task`` can no longer change here."""
        return self.of_task(task).is_frozen

    def stored(self, task: str) -> nn.Module:
        """Return the module that holds the tensors of ``task``."""
        return self.of_task(task).module

    def attach(self, task: str, filters: TaskFilters) -> None:
        """Add what :func:`~piggygan.layers.new_filters.new_filters` made."""
        self.by_task[task] = filters

    def remove_task(self, task: str) -> None:
        """Forget what ``task`` stores here; the caller knows that nothing draws on it."""
        if task not in self.by_task:
            raise task_not_found(task, self.by_task)
        del self.by_task[task]
        self.forget_fingerprint(task)
        self._forget_derived()

    def freeze_task(self, task: str, stored: Precision | None = None) -> None:
        """Make ``task`` immutable: its tensors become buffers, rounded to what ``stored`` can say.

        Raises:
            TaskStateError: If it is frozen already.
            InputError: If it holds NaN or infinities.
        """
        filters = self.of_task(task)
        if filters.is_frozen:
            raise TaskStateError(f"task {task!r} is frozen already.")
        check_finite(self.tensors(task), self.path)
        kept = {name: rounded(tensor, stored) for name, tensor in self.tensors(task).items()} if stored else {}
        filters.freeze()
        self.load_tensors(task, kept)
        self._banks.forget(task)
        self.keep_fingerprint(task)

    def fold_task(self, task: str) -> nn.Module:
        """Return ``task``'s convolution as an ordinary module of the held one's class."""
        with for_keeping(self.conv.weight.device):
            kernel, bias = self.kernel(task).detach().clone(), self.of_task(task).bias
            return self.folded(task, kernel, None if bias is None else bias.detach().clone())

    def folded(self, task: str, kernel: Tensor, bias: Tensor | None) -> nn.Module:
        """Return an ordinary convolution of ``task``'s channels that has these tensors themselves."""
        filters = self.of_task(task)
        return convolution_like(self.conv, kernel, bias, filters.in_channels, filters.out_channels).train(self.training)

    # ------------------------------------------------------------------ tensors

    def tensors(self, task: str) -> dict[str, Tensor]:
        """Return what ``task`` stores here by name: factors as the matrix itself, its own filters filters first."""
        stored = {name: tensor.detach() for name, tensor in self.of_task(task).tensors().items() if tensor is not None}
        if "unconstrained" in stored:
            stored["unconstrained"] = self._filters_first(stored["unconstrained"])
        return stored

    def load_tensors(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Copy in what :meth:`tensors` gave; names and shapes are the caller's to check, errors as of the next."""
        self.check_picked(task, tensors)
        filters = self.of_task(task)
        with torch.no_grad():
            for name, tensor in tensors.items():
                filters.load(name, self._native(tensor) if name == "unconstrained" else tensor)

    def check_picked(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Refuse tensors that pick bank filters which there are not, or one twice, with an ``InputError``."""
        if "picked" in tensors:
            check_picked(tensors["picked"], self.bank_of(self.of_task(task).sources).width, self.path)

    def own_filters(self, task: str) -> Tensor | None:
        """Return the filters that ``task`` adds to a bank, filters first; None if it has none of its own."""
        own = self.of_task(task).unconstrained
        return None if own is None else self._filters_first(own)

    def bias_of(self, task: str) -> Tensor | None:
        """Return the bias of ``task``, ``(c_out,)``, or None."""
        return self.of_task(task).bias

    def kernel_shape(self, task: str) -> tuple[int, int]:
        """Return how many filters ``task`` has here and how many channels each sees."""
        filters = self.of_task(task)
        return filters.out_channels, filters.in_channels // self.conv.groups

    def kernel_numel(self, task: str) -> int:
        """Count the numbers of the whole kernel of ``task``."""
        return math.prod((*self.kernel_shape(task), *self.conv.kernel_size))

    # ------------------------------------------------------------------ banks and kernels

    def bank_of(self, sources: tuple[str, ...]) -> Bank:
        """Return all filters of some tasks' own; those that have none add none."""
        own = {name: self.own_filters(name) for name in sources}
        return Bank({name: filters for name, filters in own.items() if filters is not None}, self.conv.groups)

    def bank(self, task: str) -> Tensor:
        """Return the frozen filters that those of ``task`` are composed of, ``(groups * n, c_in / groups, *k)``."""
        return self._filters_first(self._bank(task, self.of_task(task), self.conv.weight.device))

    def _bank(self, task: str, filters: Filters, device: torch.device) -> Tensor:
        """Return the bank in the convolution's own layout; while the task trains it is kept."""
        made_of = [filters.picked, *self._own(filters.sources)]
        if filters.is_frozen:
            return self._make_bank(*made_of)
        return self._banks.get((task, device), lambda: self._make_bank(*made_of), made_of)

    def _mixed(self, task: str, filters: TaskFilters, device: torch.device, step: Step) -> MixedFilters:
        """Return what a task computes with, which the calls of one step share."""
        bank = self._bank(task, filters, device)

        def make() -> MixedFilters:
            return MixedFilters(bank, filters.true_factors(), filters.unconstrained, filters.bias)

        if not step.shares:
            return make()
        return step.share(
            filters, make, [bank, filters.scaled_factors, filters.factors, filters.unconstrained, filters.bias]
        )

    def _own(self, sources: tuple[str, ...]) -> list[Tensor | None]:
        return [self.of_task(name).unconstrained for name in sources]

    def _make_bank(self, picked: Tensor | None, *own: Tensor | None) -> Tensor:
        groups = self.conv.groups
        bank = join([self._filters_first(filters) for filters in own if filters is not None], groups=groups)
        return self._native(bank if picked is None else pick(bank, picked, groups=groups))

    def kernel(self, task: str) -> Tensor:
        """Return the whole kernel of ``task`` in the convolution's own layout."""
        return self._kernel(task, self.of_task(task), self.conv.weight.device)

    def kernel_seen_once(self, task: str) -> Tensor:
        """Return the whole kernel of ``task``, filters first, without keeping it: it is not worth a place."""
        filters, device = self.of_task(task), self.conv.weight.device
        kept = (self.path, task, device) in self.cache
        return self._filters_first(self._kernel(task, filters, device) if kept else self._compose(task, filters))

    def _kernel(self, task: str, filters: Filters, device: torch.device) -> Tensor:
        if isinstance(filters, BaseFilters) or not (filters.is_frozen and filters.composed):
            return self._compose(task, filters)
        held = filters._buffers.get  # all that a frozen task has is there
        made_of = [held("factors"), held("unconstrained"), held("picked"), *self._own(filters.sources)]
        # Replicas on several devices share one cache.
        return self.cache.get((self.path, task, device), lambda: self._compose(task, filters), made_of)

    def _compose(self, task: str, filters: Filters) -> Tensor:
        """Make the whole kernel: composed filters, then the task's own."""
        if isinstance(filters, BaseFilters):
            return filters.unconstrained
        own = filters.unconstrained
        if own is not None and not filters.composed:
            return own.contiguous()
        with in_full_precision(self.conv.weight.device):
            parts = [compose(filters.true_factors(), self.bank(task), groups=self.conv.groups)]
        if own is not None:
            parts.append(self._filters_first(own))
        return self._native(join(parts, groups=self.conv.groups))

    def _native(self, filters: Tensor) -> Tensor:
        return native_layout(filters, groups=self.conv.groups, transposed=self.transposed)

    def _filters_first(self, kernel: Tensor) -> Tensor:
        return filters_first(kernel, groups=self.conv.groups, transposed=self.transposed)

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
            return getattr(self.of_task(task), name)
        return getattr(self.conv, name)

    def extra_repr(self) -> str:
        """Name the tasks when the layer is printed."""
        return f"tasks={self.tasks}"
