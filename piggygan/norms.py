"""TaskNorm: one copy of a normalization layer a task.

A norm layer says how a task's features are distributed, which no other task can know: sharing its scale and
shift loses quality, and sharing its running statistics changes old tasks whenever a new one trains.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

from torch import Tensor, nn

from piggygan.errors import TaskStateError
from piggygan.freezing import freeze, thaw
from piggygan.selection import Selection
from piggygan.task_modules import TaskModules
from piggygan.tasks import task_not_found


class TaskNorm(nn.Module):
    """A normalization layer that each task has a copy of: scale, shift and running statistics.

    Args:
        norm: The layer as the base task has it; it is held, not copied.
        base_task: Name of the base task.
        selection: Says which task is active; a layer used alone makes its own.

    Example:
        >>> from torch import nn
        >>> norm = TaskNorm(nn.BatchNorm2d(8), base_task="facades")
        >>> norm.freeze_task("facades")
        >>> norm.add_task("lungs", start_from="facades")
        >>> norm.tasks
        ('facades', 'lungs')
    """

    def __init__(self, norm: nn.Module, base_task: str, selection: Selection | None = None) -> None:
        super().__init__()
        self.base_task = base_task
        self.selection = selection or Selection(base_task)
        self.by_task = TaskModules()
        self.by_task[base_task] = norm
        self._frozen: set[str] = set()
        self.parameter_names = tuple(name for name, _ in norm.named_parameters())

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that have a copy, oldest first."""
        return tuple(self.by_task)

    def is_frozen(self, task: str) -> bool:
        """Say whether ``task`` can no longer change here."""
        self.stored(task)
        return task in self._frozen

    def stored(self, task: str) -> nn.Module:
        """Return the copy of ``task``.

        Raises:
            TaskNotFoundError: If there is none.
        """
        if task not in self.by_task:
            raise task_not_found(task, self.by_task)
        return self.by_task[task]

    def add_task(self, task: str, *, start_from: str | None) -> None:
        """Give ``task`` a copy of its own.

        Args:
            task: Name of the new task.
            start_from: The task whose scale, shift and statistics it starts with; None: as a new layer.
        """
        norm = copy.deepcopy(self.stored(start_from or self.base_task))
        thaw(norm, self.parameter_names)
        norm.train(self.training)
        if start_from is None:
            norm.reset_parameters()  # type: ignore[operator]  # every norm layer has it
        self.by_task[task] = norm

    def remove_task(self, task: str) -> None:
        """Forget the copy of ``task``."""
        del self.by_task[task]
        self._frozen.discard(task)

    def freeze_task(self, task: str) -> None:
        """Make the copy of ``task`` immutable: parameters become buffers, statistics stop moving.

        Raises:
            TaskStateError: If it is frozen already.
        """
        if self.is_frozen(task):
            raise TaskStateError(f"task {task!r} is frozen already.")
        freeze(self.stored(task))
        self._frozen.add(task)

    def tensors(self, task: str) -> dict[str, Tensor]:
        """Return what ``task`` stores here by name, running statistics included."""
        return {name: tensor.detach() for name, tensor in self.stored(task).state_dict().items()}

    def load_tensors(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Copy in what :meth:`tensors` gave; names and shapes are the caller's to check."""
        self.stored(task).load_state_dict(dict(tensors))

    def fold_task(self, task: str) -> nn.Module:
        """Return the layer of ``task`` as an ordinary module of the original class."""
        norm = copy.deepcopy(self.stored(task))
        thaw(norm, self.parameter_names)
        return norm.train(self.training)

    def forward(self, features: Tensor) -> Tensor:
        """Normalize with the active task's copy; a frozen one always uses its stored statistics."""
        task = self.selection.task
        norm = self.stored(task)
        if norm.training and task in self._frozen:
            norm.eval()  # model.train() reaches every child, but a frozen task's statistics must not move
        normalized: Tensor = norm(features)
        return normalized

    def extra_repr(self) -> str:
        """Name the tasks when the layer is printed."""
        return f"tasks={self.tasks}, frozen={sorted(self._frozen)}"
