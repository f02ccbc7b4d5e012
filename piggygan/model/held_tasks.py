"""The tasks that a generator holds: which there are, what each is made of and stores, and its tensors out and in."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from piggygan.errors import TaskInUseError, TaskStateError
from piggygan.layers.convolutions import PiggybackConvolution
from piggygan.layers.kernel_cache import KernelCache
from piggygan.layers.selection import Selection
from piggygan.layers.task_filters import TaskFilters
from piggygan.layers.tasks import Task, task_not_found
from piggygan.layers.ways.choice import CostModel
from piggygan.model.overhead import Overhead, overhead_of
from piggygan.model.parameter_groups import parameter_groups
from piggygan.model.state_dicts import CheckedLoading
from piggygan.model.task_tensors import check_layers_unmoved, load_tensors, tensors_of
from piggygan.model.wrapping import Layer, Wrapping


class HeldTasks(CheckedLoading):
    """What a generator of many tasks says of itself; nothing is computed, and no task comes or goes.

    Args:
        base_task: Name of the first task.
        layers: Everything that holds tasks, by its path in the generator.
        wrapping: How the generator was wrapped.
        selection: Says which task is active.
        costs: What chooses how the layers are computed.
        cache: Where they keep composed kernels.
    """

    def __init__(
        self,
        base_task: str,
        layers: Mapping[str, Layer],
        wrapping: Wrapping,
        selection: Selection,
        costs: CostModel,
        cache: KernelCache,
    ) -> None:
        super().__init__()
        self._base_task = base_task
        self._tasks = {base_task: Task(base_task)}
        self._layers = dict(layers)
        self._convolutions = {path: layer for path, layer in layers.items() if isinstance(layer, PiggybackConvolution)}
        self._wrapping = wrapping
        self._selection = selection
        self._costs = costs
        self._cache = cache

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

    @property
    def spatial_axes(self) -> int:
        """Axes of positions of an image: two for pictures, one for signals, three for volumes."""
        return len(self._convolutions[self._wrapping.input_layer].conv.kernel_size)

    def describe_task(self, task: str) -> Task:
        """Return what a task draws on, its shape, and whether it is frozen.

        Raises:
            TaskNotFoundError: If there is none of this name.
        """
        if task not in self._tasks:
            raise task_not_found(task, self._tasks)
        return self._tasks[task]

    def input_channels(self, task: str) -> int:
        """Return how many channels the images have that ``task`` takes.

        Raises:
            TaskNotFoundError: If there is none of this name.
        """
        first = self._convolutions[self._wrapping.input_layer]
        return self.describe_task(task).in_channels or int(first.conv.in_channels)

    def overhead(self) -> Overhead:
        """Count what every task costs."""
        return overhead_of(self._layers, self._tasks.values())

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
        return tensors_of(self._layers, task)

    def load_task_tensors(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Put back what :meth:`task_tensors` gave, into a task that is still in training.

        Raises:
            TaskStateError: If the task is frozen.
            InputError: If names, shapes or types are not those of the task here.
        """
        if self.describe_task(task).is_frozen:
            raise TaskStateError(f"task {task!r} is frozen: nothing can change it.")
        load_tensors(self._layers, task, tensors)

    def lend_task(self, task: str, to: HeldTasks) -> None:
        """Let another model of the same layers mix the filters of a frozen task of this one, without copying them.

        Args:
            task: Its name. Of what each task has a copy of, the other model gets none: it cannot compute this task.
            to: A model on the same device that has what the task draws on, and is thrown away before this one.
        """
        for path, layer in self._convolutions.items():
            filters = layer.of_task(task)
            if isinstance(filters, TaskFilters):
                to._convolutions[path].attach(task, copy.copy(filters))  # of which only the mode is another
        to._tasks[task] = self._tasks[task]
        to._selection.tasks = to.tasks
