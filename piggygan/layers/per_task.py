"""Modules that each task has a copy of, and modules that all tasks share frozen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from piggygan.errors import TaskStateError, UnsupportedModuleError
from piggygan.layers.copying import copied
from piggygan.layers.freezing import check_finite, freeze, handed_out, thaw
from piggygan.layers.selection import Selection
from piggygan.layers.task_layer import TaskLayer
from piggygan.layers.task_modules import TaskModules
from piggygan.layers.tasks import task_not_found


class PerTask(TaskLayer):
    """A module that each task has a copy of: parameters, buffers and all.

    Args:
        module: The module as the base task has it; it is held, not copied.
        base_task: Name of the base task.
        selection: Says which task is active; a module used alone makes its own.

    Example:
        >>> from torch import nn
        >>> activation = PerTask(nn.PReLU(), base_task="facades")
        >>> activation.freeze_task("facades")
        >>> activation.add_task("lungs", start_from="facades")
        >>> activation.tasks
        ('facades', 'lungs')
    """

    def __init__(self, module: nn.Module, base_task: str, selection: Selection | None = None) -> None:
        super().__init__(base_task)
        self.selection = selection or Selection(base_task)
        self.by_task = TaskModules()
        self.by_task[base_task] = module
        self._frozen: set[str] = set()
        self.parameter_names = tuple(name for name, _ in module.named_parameters())

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
            start_from: The task whose values it starts with; None: as a new module, where it can be reset.

        Raises:
            UnsupportedModuleError: If the module cannot be copied.
        """
        self.attach(task, self.new_copy(start_from))

    def new_copy(self, start_from: str | None) -> nn.Module:
        """Make what a new task stores here, without adding it.

        Raises:
            UnsupportedModuleError: If the module cannot be copied.
        """
        held = self.stored(start_from or self.base_task)
        try:
            with torch.inference_mode(False), torch.no_grad():
                module = copied(held)
                thaw(module, self.parameter_names)
                if start_from is None:
                    _reset(module)
        except Exception as error:  # a module of the user's own: whatever stands in the way
            raise UnsupportedModuleError(
                f"a {type(held).__name__} cannot be copied for a new task ({error}): let all tasks share it with "
                f"shared_frozen=[...], or give it a __deepcopy__."
            ) from error
        return module.train(self.training)

    def attach(self, task: str, module: nn.Module) -> None:
        """Add what :meth:`new_copy` made."""
        self.by_task[task] = module

    def remove_task(self, task: str) -> None:
        """Forget the copy of ``task``."""
        del self.by_task[task]
        self._frozen.discard(task)
        self.forget_fingerprint(task)

    def freeze_task(self, task: str) -> None:
        """Make the copy of ``task`` immutable: parameters become buffers, statistics stop moving.

        Raises:
            TaskStateError: If it is frozen already.
            InputError: If it holds NaN or infinities.
        """
        if self.is_frozen(task):
            raise TaskStateError(f"task {task!r} is frozen already.")
        check_finite(self.tensors(task), "", self.parameter_names)
        freeze(self.stored(task))
        self._frozen.add(task)
        self.keep_fingerprint(task)

    def tensors(self, task: str) -> dict[str, Tensor]:
        """Return what ``task`` stores here by name, running statistics included."""
        return {name: tensor.detach() for name, tensor in self.stored(task).state_dict().items()}

    def load_tensors(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Copy in what :meth:`tensors` gave; names and shapes are the caller's to check."""
        self.stored(task).load_state_dict(dict(tensors))

    def fold_task(self, task: str) -> nn.Module:
        """Return the module of ``task`` as an ordinary one of the original class."""
        with torch.inference_mode(False):
            module = copied(self.stored(task))
            thaw(module, self.parameter_names)
        return module.train(self.training)

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Compute with the active task's copy; a frozen one always runs in evaluation mode."""
        return self.compute_task(self.selection.task, self.training, *inputs, **options)

    def compute_task(self, task: str, training: bool, *inputs: Any, **options: Any) -> Any:  # noqa: ARG002
        """Compute with the copy of a task that is named here; each copy knows by itself in which mode it is."""
        return self._ready(task)(*inputs, **options)

    def __getattr__(self, name: str) -> Any:
        """Hand through what a generator's ``forward`` reads of the module, of the active task's copy."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            tasks = self.__dict__.get("_modules", {}).get("by_task")
            if name.startswith("__") or tasks is None or not hasattr(tasks[self.base_task], name):
                raise
        return self.read(self.selection.task_read, name)

    def read(self, task: str, name: str) -> Any:
        """Return what the copy of a task has under a name."""
        return handed_out(getattr(self._ready(task), name), task in self._frozen)

    def _ready(self, task: str) -> nn.Module:
        module = self.stored(task)
        if module.training and task in self._frozen:
            module.eval()  # model.train() reaches every child, but a frozen task's statistics must not move
        return module

    def extra_repr(self) -> str:
        """Name the tasks when the module is printed."""
        return f"tasks={self.tasks}, frozen={sorted(self._frozen)}"


class SharedFrozen(TaskLayer):
    """A module that the base task learns, and that every later task uses as it is.

    Args:
        module: The module; it is held, not copied.
        base_task: Name of the base task.
    """

    def __init__(self, module: nn.Module, base_task: str) -> None:
        super().__init__(base_task)
        self.module = module
        self._is_frozen = False
        self._nothing = nn.Module()
        self.parameter_names = tuple(name for name, _ in module.named_parameters())

    @property
    def tasks(self) -> tuple[str, ...]:
        """The base task, which alone stores something here."""
        return (self.base_task,)

    def is_frozen(self, task: str) -> bool:
        """Say whether ``task`` can no longer change here; only the base task ever could."""
        return self._is_frozen or task != self.base_task

    def stored(self, task: str) -> nn.Module:
        """Return the module for the base task, and an empty one for every other."""
        return self.module if task == self.base_task else self._nothing

    def add_task(self, task: str, *, start_from: str | None) -> None:
        """Do nothing: there is nothing to add."""

    def remove_task(self, task: str) -> None:
        """Do nothing: there is nothing to remove."""

    def freeze_task(self, task: str) -> None:
        """Freeze the module with the base task."""
        if task == self.base_task:
            check_finite(self.tensors(task), "", self.parameter_names)
            freeze(self.module)
            self._is_frozen = True
            self.keep_fingerprint(task)

    def tensors(self, task: str) -> dict[str, Tensor]:
        """Return the module's tensors for the base task, nothing for others."""
        return {name: tensor.detach() for name, tensor in self.stored(task).state_dict().items()}

    def load_tensors(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Copy in what :meth:`tensors` gave; names and shapes are the caller's to check."""
        self.stored(task).load_state_dict(dict(tensors))

    def fold_task(self, task: str) -> nn.Module:  # noqa: ARG002  # the same for every task
        """Return a copy of the module."""
        with torch.inference_mode(False):
            module = copied(self.module)
            thaw(module, self.parameter_names)
        return module.train(self.training)

    def __getattr__(self, name: str) -> Any:
        """Hand through what a generator's ``forward`` reads of the module."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("__") or "module" not in self.__dict__.get("_modules", ()):
                raise
        return self.read(self.base_task, name)

    def read(self, task: str, name: str) -> Any:  # noqa: ARG002  # the same for every task
        """Return what the module has under a name."""
        return handed_out(getattr(self.module, name), self._is_frozen)

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Compute; once frozen always in evaluation mode."""
        return self.compute_task(self.base_task, self.training, *inputs, **options)

    def compute_task(self, task: str, training: bool, *inputs: Any, **options: Any) -> Any:  # noqa: ARG002
        """Compute, whichever task is named."""
        if self._is_frozen and self.module.training:
            self.module.eval()
        return self.module(*inputs, **options)


def _reset(module: nn.Module) -> None:
    for part in module.modules():
        reset = getattr(part, "reset_parameters", None)  # PyTorch's convention, without a type of its own
        if callable(reset):
            reset()
