"""TaskKernels: what every task stores in one convolution, and the kernels that are made from it."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from einops import rearrange
from torch import Tensor, nn

from piggygan.errors import ConfigurationError, TaskExistsError, TaskStateError, UnsupportedModuleError
from piggygan.filters import DEFAULT_FRACTION, compose, filters_first, join, native_layout, unconstrained_count
from piggygan.freezing import freeze
from piggygan.selection import Selection
from piggygan.starting import Start, empty_start, normal_start, remixed, selecting, warm_start
from piggygan.support import unsupported_convolution
from piggygan.task_filters import TaskFilters
from piggygan.task_modules import TaskModules
from piggygan.tasks import check_task_name, task_not_found

Init = Literal["warm", "normal", "empty"]

FACTOR_STEP = 32.0
"""How many times farther one optimizer step moves a factor than a weight; swept in docs/decisions.md."""


class TaskKernels(nn.Module):
    """One convolution's kernels, task by task, and the filters they are made of.

    Args:
        conv: The convolution as the base task has it; it is held, not copied.
        base_task: Name of the base task.
        selection: Says which task is active; a layer used alone makes its own.
        path: Where the layer is in its generator, for messages.
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
    ) -> None:
        super().__init__()
        problem = unsupported_convolution(conv)
        if problem is not None:
            raise UnsupportedModuleError(f"{path} cannot be wrapped: {problem}")
        if not isinstance(conv, self.kind):
            raise UnsupportedModuleError(
                f"{path} is a {type(conv).__name__}; a {type(self).__name__} holds a {self.kind.__name__}."
            )
        self.path = path
        self.base_task = check_task_name(base_task)
        self.selection = selection or Selection(base_task)
        self.conv: Any = conv
        self.by_task = TaskModules()
        self.base_is_frozen = False
        # Derived from frozen tensors only, rebuilt when those are moved or loaded.
        self._banks: dict[tuple[str, ...], Tensor] = {}
        self._kernels: dict[str, Tensor] = {}
        self._mixtures: dict[tuple[str, tuple[str, ...]], Tensor] = {}

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

    def add_task(
        self,
        task: str,
        *,
        draws_on: Sequence[str] | None = None,
        start_from: str | None = None,
        unconstrained_fraction: float = DEFAULT_FRACTION,
        in_channels: int | None = None,
        out_channels: int | None = None,
        init: Init = "warm",
        factor_step: float = FACTOR_STEP,
    ) -> None:
        """Give ``task`` factors and filters of its own.

        Args:
            task: Name of the new task.
            draws_on: Frozen tasks whose filters are the bank, oldest first; None: all frozen tasks.
            start_from: The drawn-on task whose function the new one starts as; None: the last of them.
            unconstrained_fraction: Share of filters of its own (lambda), 0..1.
            in_channels: Input channels where they differ from the convolution's.
            out_channels: Output channels where they differ. A layer of another shape is wholly unconstrained.
            init: ``"warm"`` starts as exactly the function of ``start_from``; ``"normal"`` is N(0, 0.02) for
                factors and filters (Zhai et al. 2020); ``"empty"`` whatever is in memory, to be loaded over.
            factor_step: How many times farther a step moves a factor than a weight; the paper's is 1.

        Raises:
            TaskExistsError: If the layer has the task.
            TaskNotFoundError: If it lacks a drawn-on task.
            TaskStateError: If a drawn-on task is not frozen.
            ConfigurationError: If a number is outside its range.
        """
        if check_task_name(task) in self.tasks:
            raise TaskExistsError(f"there is a task {task!r} already.")
        if draws_on is None:
            draws_on = [name for name in self.tasks if self.is_frozen(name)]
        unfrozen = [name for name in draws_on if not self.is_frozen(name)]
        if unfrozen or not draws_on:
            raise TaskStateError(
                f"{task!r} draws on frozen tasks only: freeze {', '.join(unfrozen) or self.base_task} first."
            )
        filters = self.new_filters(
            sources=tuple(draws_on),
            start_from=start_from or draws_on[-1],
            fraction=unconstrained_fraction,
            c_in=in_channels or self.conv.in_channels,
            c_out=out_channels or self.conv.out_channels,
            init=init,
            factor_step=factor_step,
        )
        self.attach(task, filters)

    def new_filters(
        self,
        *,
        sources: tuple[str, ...],
        start_from: str,
        fraction: float,
        c_in: int,
        c_out: int,
        init: Init,
        factor_step: float,
    ) -> TaskFilters:
        """Make what a new task stores here, without adding it."""
        groups = self.conv.groups
        if c_in % groups or c_out % groups:
            raise ConfigurationError(f"{c_in} and {c_out} channels do not divide into {groups} groups.")
        own_shape = c_out == self.conv.out_channels and c_in == self.conv.in_channels
        sources = tuple(name for name in sources if self._fits_bank(name))
        if not (own_shape and sources) or self._is_depthwise():
            fraction = 1.0
        unconstrained = unconstrained_count(c_out, fraction, groups)
        composed = c_out - unconstrained
        if composed == 0:
            sources = ()
        if not (math.isfinite(factor_step) and factor_step > 0):
            raise ConfigurationError(f"factor_step is {factor_step}; it is a positive number, 1 for the paper's.")
        start = self._warm_start(start_from, sources, c_in, c_out, unconstrained) if init == "warm" else None
        if start is None:  # asked for, or no earlier kernel of this shape to start from
            start = empty_start(
                self.conv.weight,
                factors=(composed, self._bank_width(sources)),
                own=(unconstrained, c_in // groups, *self.conv.kernel_size),
                bias=0 if self.conv.bias is None else c_out,
            )
            if init != "empty":
                start = normal_start(start)
        return TaskFilters(start, sources=sources, factor_step=factor_step)

    def attach(self, task: str, filters: TaskFilters) -> None:
        """Add what :meth:`new_filters` made."""
        self.by_task[task] = filters

    def remove_task(self, task: str) -> None:
        """Forget what ``task`` stores here; the caller knows that nothing draws on it."""
        self.of_task(task)
        del self.by_task[task]
        self._forget_derived()

    def freeze_task(self, task: str) -> None:
        """Make ``task`` immutable: its tensors become buffers.

        Raises:
            TaskStateError: If it is frozen already.
        """
        if self.is_frozen(task):
            raise TaskStateError(f"task {task!r} is frozen already.")
        if task == self.base_task:
            freeze(self.conv)
            self.base_is_frozen = True
        else:
            self.of_task(task).freeze()

    def fold_task(self, task: str) -> nn.Module:
        """Return ``task``'s convolution as an ordinary module of the held one's class."""
        kernel, bias = self.kernel(task).detach().clone(), self.bias(task)
        with torch.no_grad():
            folded: Any = copy.deepcopy(self.conv)
        for name in ("weight", "bias"):
            delattr(folded, name)
        folded.register_parameter("weight", nn.Parameter(kernel))
        folded.register_parameter("bias", None if bias is None else nn.Parameter(bias.detach().clone()))
        folded.out_channels, seen = self.kernel_shape(task)
        folded.in_channels = seen * self.conv.groups
        folded.train(self.training)
        return folded  # type: ignore[no-any-return]  # a copy of the held convolution

    # ------------------------------------------------------------------ tensors

    def own_filters(self, task: str) -> Tensor | None:
        """Return the filters that ``task`` adds to a bank, filters first; None if it has none of its own."""
        if task == self.base_task:
            return filters_first(self.conv.weight, groups=self.conv.groups, transposed=self.transposed)
        return self.of_task(task).unconstrained

    def bank(self, sources: tuple[str, ...]) -> Tensor:
        """Return the frozen filters of ``sources``, ``(groups * n, c_in / groups, *k)``."""
        if sources not in self._banks:
            # A tensor made in inference mode could not be used in training later.
            with torch.inference_mode(False), torch.no_grad():
                own = [self.own_filters(name) for name in sources]
                parts = [filters for filters in own if filters is not None]
                self._banks[sources] = join(parts, groups=self.conv.groups)
        return self._banks[sources]

    def kernel_size(self, task: str) -> int:
        """Count the numbers of the whole kernel of ``task``."""
        filters, seen = self.kernel_shape(task)
        positions: int = math.prod(self.conv.kernel_size)
        return filters * seen * positions

    def mixtures(self, task: str, sources: tuple[str, ...]) -> Tensor:
        """Return a frozen task's filters as mixtures of those of ``sources``: ``(groups, c_out / groups, n)``."""
        if (task, sources) not in self._mixtures:
            with torch.inference_mode(False), torch.no_grad():
                self._mixtures[task, sources] = self._as_mixtures(task, sources).contiguous()
        return self._mixtures[task, sources]

    def kernel(self, task: str) -> Tensor:
        """Return the whole kernel of ``task`` in the convolution's own layout."""
        if task == self.base_task:
            return self.conv.weight  # type: ignore[no-any-return]  # a convolution's weight is a tensor
        filters = self.of_task(task)
        if not filters.is_frozen:
            return self._compose_kernel(filters)
        if task not in self._kernels:
            with torch.inference_mode(False), torch.no_grad():
                self._kernels[task] = self._compose_kernel(filters)
        return self._kernels[task]

    def bias(self, task: str) -> Tensor | None:
        """Return the bias of ``task``, ``(c_out,)``, or None."""
        if task == self.base_task:
            return self.conv.bias  # type: ignore[no-any-return]  # a convolution's bias is a tensor or None
        return self.of_task(task).bias

    def kernel_shape(self, task: str) -> tuple[int, int]:
        """Return how many filters ``task`` has here and how many channels each sees."""
        if task == self.base_task:
            return self.conv.out_channels, self.conv.in_channels // self.conv.groups
        filters = self.of_task(task)
        own = 0 if filters.unconstrained is None else filters.unconstrained.shape[0]
        composed = 0 if filters.factors is None else filters.factors.shape[0]
        seen = self.conv.in_channels // self.conv.groups
        if filters.unconstrained is not None:
            seen = filters.unconstrained.shape[1]
        return own + composed, seen

    def tensors(self, task: str) -> dict[str, Tensor]:
        """Return what ``task`` stores here by name, the factors as the matrix itself."""
        if task == self.base_task:
            named = {"weight": self.conv.weight, "bias": self.conv.bias}
        else:
            filters = self.of_task(task)
            factors = None if filters.factors is None else filters.true_factors()
            named = {"factors": factors, "unconstrained": filters.unconstrained, "bias": filters.bias}
        return {name: tensor.detach() for name, tensor in named.items() if tensor is not None}

    def load_tensors(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Copy in what :meth:`tensors` gave; names and shapes are the caller's to check."""
        self._forget_derived()
        own = self.stored(task)
        step = 1.0 if task == self.base_task else self.of_task(task).factor_step
        with torch.no_grad():
            for name, tensor in tensors.items():
                getattr(own, name).copy_(tensor / step if name == "factors" else tensor)

    def stored(self, task: str) -> nn.Module:
        """Return the module that holds the tensors of ``task``."""
        held: nn.Module = self.conv if task == self.base_task else self.of_task(task)
        return held

    def _compose_kernel(self, filters: TaskFilters) -> Tensor:
        groups = self.conv.groups
        parts = []
        if filters.factors is not None:
            parts.append(compose(filters.true_factors(), self.bank(filters.sources), groups=groups))
        if filters.unconstrained is not None:
            parts.append(filters.unconstrained)
        return native_layout(join(parts, groups=groups), groups=groups, transposed=self.transposed)

    # ------------------------------------------------------------------ starting a task

    def _warm_start(
        self, start_from: str, sources: tuple[str, ...], c_in: int, c_out: int, unconstrained: int
    ) -> Start | None:
        """Start as ``start_from``, or as the base task where that one's shape differs; None if both do."""
        groups = self.conv.groups
        for task in (start_from, self.base_task):
            kernel = filters_first(self.kernel(task), groups=groups, transposed=self.transposed)
            if kernel.shape[:2] == (c_out, c_in // groups):
                mixtures = self._as_mixtures(task, sources) if sources else None
                filters = rearrange(kernel, "(g c) ... -> g c ...", g=groups)
                return warm_start(mixtures, filters, self.bias(task), unconstrained=unconstrained // groups)
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
            factors = None if filters.factors is None else filters.true_factors()
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
            parts.append(remixed(factors, self._columns(self.of_task(task).sources), columns, bank_size, groups))
        if task in made_of:
            parts.append(selecting(columns[task], bank_size, self.conv.weight, groups))
        return torch.cat(parts, dim=1)

    def _columns(self, sources: tuple[str, ...]) -> dict[str, slice]:
        """Say which columns of the factors stand for each source's filters."""
        columns, start = {}, 0
        for name in sources:
            own = self.own_filters(name)
            end = start + (0 if own is None else own.shape[0] // self.conv.groups)
            columns[name] = slice(start, end)
            start = end
        return columns

    def _bank_width(self, sources: tuple[str, ...]) -> int:
        """Count the bank filters of one group, without making the bank."""
        return max((columns.stop for columns in self._columns(sources).values()), default=0)

    def _fits_bank(self, task: str) -> bool:
        """Say whether ``task`` has filters here, and of the same size as the base task's."""
        own, base = self.own_filters(task), self.own_filters(self.base_task)
        return own is not None and base is not None and own.shape[1:] == base.shape[1:]

    def _is_depthwise(self) -> bool:
        groups: int = self.conv.groups
        return groups > 1 and groups == self.conv.in_channels

    # ------------------------------------------------------------------ housekeeping

    def _forget_derived(self) -> None:
        self._banks.clear()
        self._kernels.clear()
        self._mixtures.clear()

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        self._forget_derived()
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # untyped in torch

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self._forget_derived()
        super()._load_from_state_dict(*args, **kwargs)

    def extra_repr(self) -> str:
        """Name the tasks when the layer is printed."""
        return f"tasks={self.tasks}"
