"""A dictionary of modules by task name, safe for every name a task may have."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

_PREFIX = "task_"


class TaskModules(nn.Module):
    """Modules by task name.

    ``nn.ModuleDict`` refuses keys that are attributes of a module, and a task may well be called ``train``
    or ``half``; here the keys carry a prefix.

    Example:
        >>> modules = TaskModules()
        >>> modules["train"] = nn.Conv2d(1, 1, 1)
        >>> list(modules), list(modules.state_dict())
        (['train'], ['task_train.weight', 'task_train.bias'])
    """

    def __setitem__(self, task: str, module: nn.Module) -> None:
        self.add_module(_PREFIX + task, module)

    def __getitem__(self, task: str) -> nn.Module:
        return self.get_submodule(_PREFIX + task)

    def get(self, task: str) -> nn.Module | None:
        """Return a task's module, or None if it has none."""
        return self._modules.get(_PREFIX + task)

    def __delitem__(self, task: str) -> None:
        delattr(self, _PREFIX + task)

    def __contains__(self, task: object) -> bool:
        return f"{_PREFIX}{task}" in self._modules

    def __iter__(self) -> Iterator[str]:
        return (key.removeprefix(_PREFIX) for key in self._modules)
