"""MultiTaskGenerator: one generator that learns image-to-image tasks one after another and forgets none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, get_args, overload

import torch
from torch import Tensor, nn

from piggygan.errors import ConfigurationError, InputError, TaskExistsError, TaskStateError
from piggygan.files.precision import Precision
from piggygan.layers.convolutions import PiggybackConvolution
from piggygan.layers.copying import copied
from piggygan.layers.filters import DEFAULT_FRACTION, DEFAULT_MAX_BANK
from piggygan.layers.kernel_cache import KernelCache
from piggygan.layers.new_filters import FACTOR_STEP, Init
from piggygan.layers.own_buffers import OwnBuffers, unmoved
from piggygan.layers.per_task import PerTask
from piggygan.layers.selection import Selection
from piggygan.layers.tasks import Task, check_descent, check_task_name, chosen_sources, chosen_start
from piggygan.layers.ways.choice import CostModel
from piggygan.model.adding import new_parts, shares_of_layers
from piggygan.model.allocation import Fraction
from piggygan.model.ends import check_channels
from piggygan.model.held_tasks import HeldTasks
from piggygan.model.images import check_inputs, check_output
from piggygan.model.mixed_batches import translated_each
from piggygan.model.patterns import Pattern
from piggygan.model.plan import check_possible, plan
from piggygan.model.task_tensors import check_layers_finite, check_stored
from piggygan.model.treatment import USUAL
from piggygan.model.view import TaskView
from piggygan.model.wrapping import Wrapping, make_layers, put_in_place


class MultiTaskGenerator(HeldTasks):
    """A generator whose convolutions and norms hold many tasks.

    The generator is wrapped in place: each convolution becomes a :class:`PiggybackConv2d` or its kin that holds
    it, each norm layer a :class:`TaskNorm`, and everything else, skip connections and ``forward`` included, stays
    as it is. A task is in training until :meth:`freeze_task`; from then on nothing can change it, and later tasks
    may draw on its filters. :func:`piggygan.plan` shows beforehand what would become of each module.

    Args:
        generator: Any module; those of its modules that have parameters and are neither convolutions, norms nor
            PReLU have to be named in ``per_task`` or ``shared_frozen``.
        base_task: Name of the first task, learned by the generator's own kernels.
        output_layer: Path of the convolution that makes the output; None: it is found by a run without values, and is
            the last one registered if the generator cannot be run so.
        input_layer: Path of the convolution that takes the input; None: likewise, or the first one registered.
        per_task: Modules that each task gets a copy of, by path (with ``*`` and ``?``) or type.
        shared_frozen: Modules that the base task learns and all later tasks use as they are.
        include: Convolutions to build from banks; None: all. The others are shared and frozen.

    Raises:
        TaskNameError, TaskStateError: If ``base_task`` is malformed, or a newer version of a task.
        UnsupportedModuleError: If a module cannot be wrapped rightly; the generator is then as it was.
        ConfigurationError: If a path or pattern matches nothing.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> generator = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 1))
        >>> model = MultiTaskGenerator(generator, base_task="facades")
        >>> model.freeze_task("facades")
        >>> model.add_task("lungs", out_channels=1)
        >>> model(torch.zeros(2, 3, 16, 16), task="lungs").shape
        torch.Size([2, 1, 16, 16])
        >>> model.tasks
        ('facades', 'lungs')
    """

    def __init__(
        self,
        generator: nn.Module,
        base_task: str,
        *,
        output_layer: str | None = None,
        input_layer: str | None = None,
        per_task: Sequence[Pattern] = (),
        shared_frozen: Sequence[Pattern] = (),
        include: Sequence[Pattern] | None = None,
    ) -> None:
        check_descent(check_task_name(base_task), ())
        planned = plan(
            generator,
            per_task=per_task,
            shared_frozen=shared_frozen,
            include=include,
            output_layer=output_layer,
            input_layer=input_layer,
        )
        check_possible(planned)
        chosen = {path: module for path, module in planned.of("per_task").items() if not isinstance(module, USUAL)}
        selection, costs, cache = Selection(base_task), CostModel(), KernelCache()
        layers = make_layers(planned, base_task, selection, costs, cache)
        wrapping = Wrapping(
            planned.output.layer, planned.input.layer, tuple(chosen), tuple(planned.of("shared_frozen"))
        )
        super().__init__(base_task, layers, wrapping, selection, costs, cache)
        self._ends = {"in_channels": planned.input, "out_channels": planned.output}
        self._own_buffers = tuple(layer for layer in layers.values() if isinstance(layer, OwnBuffers))
        self.own_buffers = nn.ModuleList(self._own_buffers)  # the one place in the module tree that they have
        self.generator = put_in_place(generator, planned, layers)

    # ------------------------------------------------------------------ the life of a task

    def add_task(
        self,
        task: str,
        *,
        unconstrained_fraction: Fraction = DEFAULT_FRACTION,
        max_bank: float | None = DEFAULT_MAX_BANK,
        in_channels: int | None = None,
        out_channels: int | None = None,
        draws_on: Sequence[str] | None = None,
        start_from: str | None = None,
        init: Init = "warm",
        factor_step: float = FACTOR_STEP,
        output_layer_unconstrained: bool = True,
    ) -> None:
        """Add a task in training.

        Args:
            task: Its name: 1 to 64 of a-z, 0-9, ``_`` and ``-``.
            unconstrained_fraction: Share of weights of its own, 0..1, dealt out evenly over the layers; or the share of
                each layer's filters, by pattern of paths: ``{"*": 0.25}`` is the paper's lambda in every layer. A layer
                that would cost more than an ordinary one is wholly the task's own.
            max_bank: Most bank filters of a layer, as a multiple of the layer's filters, above 0: where the tasks
                drawn on have more, the most useful are taken, so that a step costs half of fine-tuning's and the tenth
                task as much as the second. None: all, as in the paper; the warm start is then exact.
            in_channels: Channels of its input where they differ from the base task's.
            out_channels: Channels of its output where they differ from the base task's.
            draws_on: Frozen tasks whose filters it builds on; None: all frozen tasks.
            start_from: The drawn-on task that it starts as; None: the last one that can be. It decides much:
                :func:`piggygan.evaluation.relatedness` says which of them knows most of the new task.
            init: ``"warm"``: starts as exactly the function of ``start_from``, or as nearly as ``max_bank`` lets it.
                ``"fresh"``: so too, but its own filters are drawn from N(0, 0.02): they are then free of what the other
                task needed. ``"normal"``: N(0, 0.02) for all, and fresh norms (Zhai et al. 2020). ``"empty"``: whatever
                is in memory, for :meth:`load_task_tensors` to fill.
            factor_step: How many times farther a step of Adam moves a factor than a weight; the paper's is 1. An
                optimizer whose step is as long as the gradient, as SGD's is, moves it the square of that farther:
                give it :meth:`parameter_groups`.
            output_layer_unconstrained: Learn the output layer's few filters freely; the paper does not.

        Raises:
            TaskNameError, TaskExistsError: If the name is malformed or taken.
            TaskNotFoundError, TaskStateError: If a drawn-on task is unknown or not frozen, or none of them is an older
                version of this one and it is called a newer one.
            ConfigurationError: If a number is outside its range.
            UnsupportedModuleError: If a module that each task has a copy of cannot be copied.
            FrozenTaskError: If a frozen task is no longer what it was; see :meth:`check_frozen`.
        """
        if check_task_name(task) in self._tasks:
            raise TaskExistsError(f"there is a task {task!r} already: choose another name, or remove that one.")
        if init not in get_args(Init):
            raise ConfigurationError(f"init is {init!r}; it is 'warm', 'fresh', 'normal' or 'empty'.")
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            end = self._ends[name]
            check_channels(name, channels, getattr(self._convolutions[end.layer].conv, name), end)
        if init != "empty":  # which takes nothing from frozen tasks, and many are loaded so, one after another
            self.check_frozen()
        sources = chosen_sources(self._tasks, task, draws_on)
        start = chosen_start(self._tasks, task, sources, start_from)
        shares = shares_of_layers(
            self._convolutions, unconstrained_fraction, sources, max_bank, are_settled=init == "empty"
        )
        added = Task(task, sources, shares, in_channels, out_channels, max_bank, factor_step=factor_step)
        own = {self._wrapping.output_layer: 1.0} if output_layer_unconstrained else {}
        parts = new_parts(added, self._layers, self._wrapping, fractions={**shares, **own}, start_from=start, init=init)
        for add in parts:  # all of them are made: a refused call changes nothing
            add()
        self._tasks[task] = added
        self._selection.tasks = self.tasks

    def freeze_task(self, task: str, *, stored: Precision | None = None) -> None:
        """Make a task immutable: its tensors become buffers, and later tasks may draw on it.

        Args:
            task: Its name.
            stored: ``"bf16"``, ``"int8"`` or ``"int4"``: its factors and own filters are rounded now; a registry stores
                them in a half, a quarter or an eighth of the bytes. None: they stay as they were trained.

        Raises:
            TaskNotFoundError: If there is none of this name.
            TaskStateError: If it is frozen already.
            ConfigurationError: If there is no such precision, or the base task is to be rounded.
            InputError: If it holds NaN or infinities.
        """
        if self.describe_task(task).is_frozen:
            raise TaskStateError(f"task {task!r} is frozen already.")
        check_stored(stored, is_base=task == self.base_task)
        check_layers_finite(self._layers, task)
        for layer in self._layers.values():
            # What was interrupted, by a lack of memory say, goes on where it ended.
            if isinstance(layer, PiggybackConvolution):
                if not layer.is_frozen(task):
                    layer.freeze_task(task, stored)
            elif not (isinstance(layer, PerTask) and layer.is_frozen(task)):
                layer.freeze_task(task)
        self._tasks[task] = replace(self._tasks[task], is_frozen=True, factor_step=1.0, stored=stored)

    def remove_task(self, task: str) -> None:
        """Forget a task.

        Raises:
            TaskNotFoundError: If there is none of this name.
            TaskInUseError: If another task draws on it, or it is the base task.
        """
        self.check_unused(task)
        for layer in self._layers.values():
            layer.remove_task(task)
        del self._tasks[task]
        self._selection.tasks = self.tasks

    def fold_task(self, task: str) -> nn.Module:
        """Return ``task`` as an ordinary network: the generator's own class, with the task's kernels.

        The model goes on working; nothing is shared with it.

        Raises:
            TaskNotFoundError: If there is none of this name.
        """
        self.describe_task(task)
        # deepcopy takes from the memo what it finds there: each wrapper becomes its folded layer.
        memo: dict[int, object] = {id(layer): layer.fold_task(task) for layer in self._layers.values()}
        with torch.inference_mode(False):
            return copied(self.generator, memo)

    # ------------------------------------------------------------------ computing

    @contextmanager
    def using(self, task: str) -> Iterator[None]:
        """Compute ``task`` in every call inside a ``with`` block, in this thread or coroutine.

        Raises:
            TaskNotFoundError: If there is none of this name.
        """
        self.describe_task(task)
        with self._selection.using(task):
            yield

    def view(self, task: str) -> TaskView:
        """Return a module that is one task of this model, for whatever takes a module: loops, optimizers, copies.

        Raises:
            TaskNotFoundError: If there is none of this name.
        """
        return TaskView(self, task)

    @overload
    def forward(self, *inputs: Any, task: str | None = None, **options: Any) -> Any: ...

    @overload
    def forward(self, *inputs: Any, task: list[str] | tuple[str, ...], **options: Any) -> list[Tensor]: ...

    def forward(self, *inputs: Any, task: str | list[str] | tuple[str, ...] | None = None, **options: Any) -> Any:
        """Translate images.

        Args:
            inputs: What the generator takes, images first: ``(batch, channels, height, width)`` in [-1, 1]; one axis of
                positions in a 1-d generator, three in a 3-d one. Whatever follows goes to the generator as it is.
            task: Which task; None: the active one, or the only one; a list: one for each sample.
            options: What the generator takes by name, such as ``timestep=``.

        Returns:
            What the generator returns, for our networks ``(batch, out_channels, height, width)`` in [-1, 1]; for a
            list of tasks a list of ``(out_channels, height, width)``, since tasks may differ in channels.

        Raises:
            TaskNotFoundError: If there is no such task.
            TaskNotChosenError: If ``task`` is None, none is active, and there are several.
            InputError: If the first input is no batch of float images, or a list of tasks has another length.
        """
        check_inputs(inputs, self.spatial_axes)
        if task is not None and not isinstance(task, str):
            if len(inputs) != 1 or options:
                raise InputError(
                    "a list of tasks takes one batch of images and nothing else: run the tasks one by one."
                )
            for name in dict.fromkeys(task):
                self.describe_task(name)
            return translated_each(
                lambda samples, name: self(samples, task=name), inputs[0], tuple(task), type(self.generator).__name__
            )
        with self.using(self._selection.task if task is None else task), unmoved(self._own_buffers):
            outputs = self.generator(*inputs, **options)
            computed = self._tasks[self._selection.task]
            check_output(outputs, computed, self.spatial_axes, self._wrapping.output_layer)
        return outputs

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> MultiTaskGenerator:
        with ExitStack() as stack:
            for layer in self._own_buffers:  # the modules that have them do not know of their fingerprints
                stack.enter_context(layer.following_casts())
            return super()._apply(fn, recurse)  # type: ignore[no-untyped-call, no-any-return]  # untyped in torch
