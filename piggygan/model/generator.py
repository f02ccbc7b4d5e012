"""MultiTaskGenerator: one generator that learns image-to-image tasks one after another and forgets none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, overload

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from piggygan.errors import ConfigurationError, InputError, TaskExistsError, TaskInUseError, TaskStateError
from piggygan.layers.convolutions import PiggybackConvolution
from piggygan.layers.copying import copied
from piggygan.layers.deriving import for_keeping
from piggygan.layers.filters import DEFAULT_FRACTION, DEFAULT_MAX_BANK
from piggygan.layers.kernel_cache import KernelCache
from piggygan.layers.kernels import FACTOR_STEP, Init
from piggygan.layers.own_buffers import OwnBuffers, unmoved
from piggygan.layers.per_task import PerTask
from piggygan.layers.selection import Selection
from piggygan.layers.tasks import Task, check_task_name, chosen_sources, chosen_start, task_not_found
from piggygan.layers.ways.choice import CostModel
from piggygan.model.allocation import Fraction, layer_fractions, worth_mixing
from piggygan.model.ends import check_channels
from piggygan.model.overhead import Overhead, TaskOverhead, layer_overhead
from piggygan.model.parameter_groups import parameter_groups
from piggygan.model.patterns import Pattern
from piggygan.model.plan import check_possible, plan
from piggygan.model.state_dicts import CheckedLoading, check_same_form
from piggygan.model.treatment import USUAL
from piggygan.model.view import TaskView
from piggygan.model.wrapping import (
    Layer,
    Wrapping,
    check_layers_finite,
    check_layers_unmoved,
    make_layers,
    put_in_place,
)


class MultiTaskGenerator(CheckedLoading):
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
        TaskNameError: If ``base_task`` is malformed.
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
        super().__init__()
        check_task_name(base_task)
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
        self._ends = {"in_channels": planned.input, "out_channels": planned.output}
        self._wrapping = Wrapping(
            planned.output.layer, planned.input.layer, tuple(chosen), tuple(planned.of("shared_frozen"))
        )
        self._selection = Selection(base_task)
        self._costs = CostModel()
        self._cache = KernelCache()
        self._tasks = {base_task: Task(base_task)}
        self._base_task = base_task
        self._layers = make_layers(planned, base_task, self._selection, self._costs, self._cache)
        self._own_buffers = tuple(layer for layer in self._layers.values() if isinstance(layer, OwnBuffers))
        self.own_buffers = nn.ModuleList(self._own_buffers)  # the one place in the module tree that they have
        self.generator = put_in_place(generator, planned, self._layers)

    # ------------------------------------------------------------------ what there is

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of all tasks, the base task first."""
        return tuple(self._tasks)

    @property
    def base_task(self) -> str:
        """The task that the generator's own kernels learned."""
        return self._base_task

    @property
    def wrapping(self) -> Wrapping:
        """How the generator was wrapped: its first and last layer, and what is copied or shared."""
        return self._wrapping

    @property
    def layers(self) -> dict[str, Layer]:
        """Everything that holds tasks, by its path in the generator."""
        return dict(self._layers)

    @property
    def costs(self) -> CostModel:
        """What chooses how each layer of a task in training is computed."""
        return self._costs

    @property
    def kernel_cache(self) -> KernelCache:
        """Composed kernels of frozen tasks; ``kernel_cache.max_bytes`` bounds them."""
        return self._cache

    @property
    def active_task(self) -> str | None:
        """The task that a call without ``task=`` computes, in this thread or coroutine; None if it has to say one."""
        return self._selection.chosen or (self._base_task if len(self._tasks) == 1 else None)

    def describe_task(self, task: str) -> Task:
        """Return what a task draws on, its shape, and whether it is frozen.

        Raises:
            TaskNotFoundError: If there is none of this name.
        """
        if task not in self._tasks:
            raise task_not_found(task, self._tasks)
        return self._tasks[task]

    @property
    def spatial_axes(self) -> int:
        """Axes of positions of an image: two for pictures, one for signals, three for volumes."""
        return len(self._convolutions[self._wrapping.input_layer].conv.kernel_size)

    def input_channels(self, task: str) -> int:
        """Return how many channels the images have that ``task`` takes.

        Raises:
            TaskNotFoundError: If there is none of this name.
        """
        first = self._convolutions[self._wrapping.input_layer]
        return self.describe_task(task).in_channels or int(first.conv.in_channels)

    def overhead(self) -> Overhead:
        """Count what every task costs."""
        costs = [
            TaskOverhead(
                task, tuple(layer_overhead(layer, path, task) for path, layer in self._layers.items()), share=1.0
            )
            for task in self.tasks
        ]
        whole = costs[0].parameters
        return Overhead(tuple(replace(cost, share=cost.parameters / whole) for cost in costs))

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
            max_bank: Most bank filters of a layer, as a multiple of the layer's filters, at least 1: where the tasks
                drawn on have more, the most useful are taken, so that a step of the tenth task is about as fast as one
                of the third. None: all, as in the paper.
            in_channels: Channels of its input where they differ from the base task's.
            out_channels: Channels of its output where they differ from the base task's.
            draws_on: Frozen tasks whose filters it builds on; None: all frozen tasks.
            start_from: The drawn-on task that it starts as; None: the last one that can be. It decides much:
                :func:`piggygan.evaluation.relatedness` says which of them knows most of the new task.
            init: ``"warm"``: starts as exactly the function of ``start_from``, or as nearly as ``max_bank`` lets it.
                ``"normal"``: N(0, 0.02) and fresh norms (Zhai et al. 2020). ``"empty"``: whatever is in memory, for
                :meth:`load_task_tensors` to fill.
            factor_step: How many times farther a step of Adam moves a factor than a weight; the paper's is 1. An
                optimizer whose step is as long as the gradient, as SGD's is, moves it the square of that farther:
                give it :meth:`parameter_groups`.
            output_layer_unconstrained: Learn the output layer's few filters freely; the paper does not.

        Raises:
            TaskNameError, TaskExistsError: If the name is malformed or taken.
            TaskNotFoundError, TaskStateError: If a drawn-on task is unknown or not frozen.
            ConfigurationError: If a number is outside its range.
            UnsupportedModuleError: If a module that each task has a copy of cannot be copied.
            FrozenTaskError: If a frozen task is no longer what it was; see :meth:`check_frozen`.
        """
        if check_task_name(task) in self._tasks:
            raise TaskExistsError(f"there is a task {task!r} already: choose another name, or remove that one.")
        if init not in ("warm", "normal", "empty"):
            raise ConfigurationError(f"init is {init!r}; it is 'warm', 'normal' or 'empty'.")
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            end = self._ends[name]
            check_channels(name, channels, getattr(self._convolutions[end.layer].conv, name), end)
        if init != "empty":  # which takes nothing from frozen tasks, and many are loaded so, one after another
            self.check_frozen()
        sources = chosen_sources(self._tasks, task, draws_on)
        start = chosen_start(self._tasks, task, sources, start_from)
        convolutions = self._convolutions
        sizes = {path: convolution.conv.weight.numel() for path, convolution in convolutions.items()}
        shares = layer_fractions(unconstrained_fraction, sizes)
        if init != "empty":  # what is to be filled in comes with shares that were settled once
            for path, layer in convolutions.items():
                bank, filter_size = layer.bank_size(sources, max_bank), sizes[path] // layer.conv.out_channels
                shares[path] = worth_mixing(shares[path], filter_size=filter_size, bank=bank)
        fractions = {**shares, self._wrapping.output_layer: 1.0} if output_layer_unconstrained else shares
        # Everything is made before anything is added: a refused call changes nothing.
        attach: list[Callable[[], None]] = []
        with for_keeping(convolutions[self._wrapping.output_layer].conv.weight.device):
            for path, convolution in convolutions.items():
                conv = convolution.conv
                filters = convolution.new_filters(
                    sources=sources,
                    start_from=start,
                    fraction=fractions[path],
                    max_bank=max_bank,
                    c_in=(in_channels if path == self._wrapping.input_layer else None) or conv.in_channels,
                    c_out=(out_channels if path == self._wrapping.output_layer else None) or conv.out_channels,
                    init=init,
                    factor_step=factor_step,
                )
                attach.append(partial(convolution.attach, task, filters))
            copied_from = None if init == "normal" else start
            copying = [layer for layer in self._layers.values() if isinstance(layer, PerTask)]
            attach += [partial(layer.attach, task, layer.new_copy(copied_from)) for layer in copying]
        for add in attach:
            add()
        self._tasks[task] = Task(task, sources, shares, in_channels, out_channels, max_bank, factor_step=factor_step)
        self._selection.tasks = self.tasks

    def freeze_task(self, task: str) -> None:
        """Make a task immutable: its tensors become buffers, and later tasks may draw on it.

        Raises:
            TaskNotFoundError: If there is none of this name.
            TaskStateError: If it is frozen already.
            InputError: If it holds NaN or infinities.
        """
        if self.describe_task(task).is_frozen:
            raise TaskStateError(f"task {task!r} is frozen already.")
        check_layers_finite(self._layers, task)
        for layer in self._layers.values():
            # What was interrupted, by a lack of memory say, goes on where it ended.
            if not (isinstance(layer, PiggybackConvolution | PerTask) and layer.is_frozen(task)):
                layer.freeze_task(task)
        self._tasks[task] = replace(self._tasks[task], is_frozen=True, factor_step=1.0)

    def check_frozen(self) -> None:
        """Check that every frozen task has the values that it was frozen with; it takes some tenths of a second.

        ``model.apply`` passes frozen tensors by, but other code can still write into them: a loop that calls
        ``reset_parameters``, ``.half().float()``, ``torch.optim.swa_utils.update_bn``, a spectral norm put on later.
        :meth:`add_task`, :func:`piggygan.training.train` and :meth:`piggygan.TaskRegistry.commit` check by themselves.
        Another device and a wider type keep all values, and are no difference.

        Raises:
            FrozenTaskError: If one has others, naming tasks and layers.
        """
        check_layers_unmoved(self._layers, [name for name, task in self._tasks.items() if task.is_frozen])

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

    def check_unused(self, task: str) -> None:
        """Check that a task can be removed; errors as of :meth:`remove_task`."""
        self.describe_task(task)
        users = [name for name, other in self._tasks.items() if task in other.draws_on]
        if users:
            raise TaskInUseError(f"{', '.join(users)} draw on {task!r}: remove those first.")
        if task == self._base_task:
            raise TaskInUseError(f"{task!r} is the base task, which the generator itself is made of.")

    def task_parameters(self, task: str) -> list[nn.Parameter]:
        """Return what an optimizer is to move for ``task``, and nothing else.

        Raises:
            TaskNotFoundError: If there is none of this name.
            TaskStateError: If it is frozen.
        """
        if self.describe_task(task).is_frozen:
            raise TaskStateError(f"task {task!r} is frozen: it has no parameters. Add a new task to go on learning.")
        modules = [layer.stored(task) for layer in self._layers.values()]
        return [parameter for module in modules for parameter in module.parameters()]

    def parameter_groups(self, task: str, lr: float, optimizer: type[Optimizer] = SGD) -> list[dict[str, Any]]:
        """Return :meth:`task_parameters` with a learning rate each, so that factors move ``factor_step`` times as far.

        See :func:`piggygan.model.parameter_groups.parameter_groups`; errors as of :meth:`task_parameters`.
        """
        return parameter_groups(self.task_parameters(task), self, lr, optimizer)

    def task_tensors(self, task: str) -> dict[str, Tensor]:
        """Return everything that makes ``task`` what it is, by ``path.name``: what is saved of it.

        Raises:
            TaskNotFoundError: If there is none of this name.
        """
        self.describe_task(task)
        return {
            f"{path}.{name}" if path else name: tensor
            for path, layer in self._layers.items()
            for name, tensor in layer.tensors(task).items()
        }

    def load_task_tensors(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Put back what :meth:`task_tensors` gave, into a task that is still in training.

        Raises:
            TaskStateError: If the task is frozen.
            InputError: If names, shapes or types are not those of the task here.
        """
        if self.describe_task(task).is_frozen:
            raise TaskStateError(f"task {task!r} is frozen: nothing can change it.")
        expected = self.task_tensors(task)
        check_same_form(expected, tensors)
        by_layer = {
            path: {name: tensors[f"{path}.{name}" if path else name] for name in layer.tensors(task)}
            for path, layer in self._layers.items()
        }
        for path, convolution in self._convolutions.items():
            convolution.check_picked(task, by_layer[path])
        for path, layer in self._layers.items():
            layer.load_tensors(task, by_layer[path])

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
        self._check_inputs(inputs)
        if task is not None and not isinstance(task, str):
            if len(inputs) != 1 or options:
                raise InputError(
                    "a list of tasks takes one batch of images and nothing else: run the tasks one by one."
                )
            return self._translate_each(inputs[0], tuple(task))
        with self.using(self._selection.task if task is None else task), unmoved(self._own_buffers):
            outputs = self.generator(*inputs, **options)
            self._check_output(outputs)
        return outputs

    # ------------------------------------------------------------------ inside

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> MultiTaskGenerator:
        with ExitStack() as stack:
            for layer in self._own_buffers:  # the modules that have them do not know of their fingerprints
                stack.enter_context(layer.following_casts())
            return super()._apply(fn, recurse)  # type: ignore[no-untyped-call, no-any-return]  # untyped in torch

    @property
    def _convolutions(self) -> dict[str, PiggybackConvolution]:
        return {path: layer for path, layer in self._layers.items() if isinstance(layer, PiggybackConvolution)}

    def _check_inputs(self, inputs: tuple[Any, ...]) -> None:
        if any(isinstance(given, str) for given in inputs):
            raise InputError(f"got {inputs[-1]!r} among the inputs: a task is given by name, as task={inputs[-1]!r}.")
        axes = self.spatial_axes
        images = inputs[0] if inputs else None
        if isinstance(images, Tensor) and (images.dim() != axes + 2 or not images.is_floating_point()):
            raise InputError(
                f"got a {images.dtype} tensor of shape {tuple(images.shape)}; needed are floats in [-1, 1] of shape "
                f"(batch, channels, {'height, width' if axes == 2 else f'and {axes} axes of positions'})."
            )

    def _check_output(self, outputs: Any) -> None:
        task = self._selection.task
        channels = self._tasks[task].out_channels
        if channels is None or not isinstance(outputs, Tensor) or outputs.dim() != self.spatial_axes + 2:
            return
        if outputs.shape[1] != channels:
            raise ConfigurationError(
                f"task {task!r} was added with out_channels={channels} and makes {outputs.shape[1]}: the output is "
                f"not made by {self._wrapping.output_layer!r}. Wrap the generator with output_layer= the "
                f"convolution that makes it."
            )

    def _translate_each(self, images: Tensor, tasks: tuple[str, ...]) -> list[Tensor]:
        """Translate a mixed batch, each task's samples together.

        One pass of all tasks through every layer was slower: small batches stay in the processor's caches.
        """
        for name in dict.fromkeys(tasks):
            self.describe_task(name)
        if len(tasks) != images.shape[0]:
            raise InputError(f"got {images.shape[0]} images and {len(tasks)} tasks: give one task for each image.")
        if not tasks:
            return []
        outputs: dict[int, Tensor] = {}
        for name in dict.fromkeys(tasks):
            places = [place for place, other in enumerate(tasks) if other == name]
            output = self(images[places], task=name)
            if not isinstance(output, Tensor):
                raise InputError(
                    f"{type(self.generator).__name__} returns a {type(output).__name__}, which cannot be split by "
                    f"sample: run the tasks one by one."
                )
            outputs |= zip(places, output, strict=True)
        return [outputs[place] for place in range(len(tasks))]
