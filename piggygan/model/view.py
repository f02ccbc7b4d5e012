"""One task of a model as a module of its own, for whatever takes a module: loops, optimizers, averages, checkpoints.

The generator's containers are copied, its layers are not: where the model has a layer of many tasks, a view has
:class:`LayerOfTask`, which names the task in every call. So nothing has to be selected, and activations that are
recomputed in the backward pass, in whatever thread, are the same task's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MethodType
from typing import Any, Protocol

from torch import Tensor, nn

from piggygan.errors import TaskStateError, UnsupportedModuleError
from piggygan.layers.convolutions import PiggybackConvolution
from piggygan.layers.freezing import same_bytes
from piggygan.layers.own_buffers import OwnBuffers, unmoved
from piggygan.layers.per_task import PerTask, SharedFrozen
from piggygan.layers.statements import to_tensor
from piggygan.layers.tasks import Task

LayerOfTasks = PiggybackConvolution | PerTask | SharedFrozen


class ModelOfTasks(Protocol):
    """What a view needs of a model."""

    generator: nn.Module
    training: bool

    @property
    def base_task(self) -> str:
        """The first task."""

    @property
    def layers(self) -> dict[str, LayerOfTasks | OwnBuffers]:
        """Everything that holds tasks."""

    def describe_task(self, task: str) -> Task:
        """Return whether a task is frozen."""

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Any:
        """Move or cast everything."""


class TaskView(nn.Module):
    """A module that *is* one task: its parameters, state, mode and outputs are that task's alone.

    It shares all tensors with the model, costs nothing to make, and follows the task: once that is frozen, the view
    has no parameters. Moving it to a device moves the whole model; a deep copy of it is a view of a copied model.
    Loading a state, of the view alone or of a module that it is part of, is refused with a ``TaskStateError`` before
    anything of it changes if the task is frozen and has other values, and with an ``InputError`` if the state is of a
    task that draws on others, or has another ``factor_step``.

    Args:
        model: The model.
        task: One of its tasks.

    Raises:
        TaskNotFoundError: If there is none of this name.

    Example:
        >>> import torch, piggygan as pg
        >>> model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=3, width=4), base_task="facades")
        >>> model.freeze_task("facades")
        >>> model.add_task("lungs", out_channels=1)
        >>> lungs = model.view("lungs")
        >>> optimizer = torch.optim.Adam(lungs.parameters(), lr=2e-4)
        >>> lungs(torch.zeros(1, 3, 16, 16)).shape
        torch.Size([1, 1, 16, 16])
    """

    _models: tuple[ModelOfTasks]

    def __init__(self, model: ModelOfTasks, task: str) -> None:
        super().__init__()
        model.describe_task(task)
        self._models = (model,)  # not as a child: its other tasks are none of the view's
        self._own_buffers = [layer for layer in model.layers.values() if isinstance(layer, OwnBuffers)]
        self.task = task
        leaves = {id(layer): layer for layer in model.layers.values() if not isinstance(layer, OwnBuffers)}
        self.generator: nn.Module = _Twins(leaves, task, has_buffers=self._learns_buffers).of(model.generator)
        self.training = model.training

    @property
    def model(self) -> ModelOfTasks:
        """The model that this is a task of."""
        return self._models[0]

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Compute the task; arguments and result are those of the generator's own ``forward``."""
        with unmoved(self._own_buffers):
            return self.generator(*inputs, **options)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *arguments: Any) -> None:
        for name, module in self.named_modules():  # all of them before any is changed
            if isinstance(module, LayerOfTask):
                module.check_loads(state_dict, f"{prefix}{name}.")
        super()._load_from_state_dict(state_dict, prefix, *arguments)

    @property
    def _learns_buffers(self) -> bool:
        return self.task == self.model.base_task and not self.model.describe_task(self.task).is_frozen

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> TaskView:
        self.model._apply(fn, recurse)
        return self

    def _replicate_for_data_parallel(self) -> nn.Module:
        raise UnsupportedModuleError(
            "DataParallel over several devices copies what a task learns but not what it draws on: use "
            "DistributedDataParallel, a process a device."
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _view, (self.model, self.task, self.training)

    def extra_repr(self) -> str:
        """Name the task when the view is printed."""
        return f"task={self.task!r}"


class LayerOfTask(nn.Module):
    """One layer of a model in one task.

    Args:
        layer: The layer with all its tasks; it is not a child.
        task: The task.
    """

    _layers: tuple[LayerOfTasks]

    def __init__(self, layer: LayerOfTasks, task: str) -> None:
        super().__init__()
        self._layers = (layer,)
        self._task = task
        self.stored = layer.stored(task)
        self.training = layer.training

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Compute the layer in the task."""
        return self._layers[0].compute_task(self._task, self.training, *inputs, **options)

    def get_extra_state(self) -> Tensor:
        """Say whether the task is frozen, and what it is made of."""
        return to_tensor({self._task: self._layers[0].statement(self._task)})

    def set_extra_state(self, state: object) -> None:
        """Do nothing: :meth:`check_loads` has looked at it."""

    def check_loads(self, state_dict: Mapping[str, Any], prefix: str) -> None:
        """Refuse a state that would change a frozen task, or whose tensors would be something else than they were.

        Raises:
            InputError: If it does not say what it is made of, or is made of something else.
            TaskStateError: If the task is frozen, and has other values.
        """
        layer, task, own = self._layers[0], self._task, f"{prefix}stored."
        if not any(name.startswith(own) for name in state_dict):
            return
        for there in (layer.said_of([task], state_dict, prefix) or {}).values():  # of a task of any name
            layer.check_statements({task: there}, prefix)
        here = self.stored.state_dict(prefix=own) if layer.is_frozen(task) else {}
        if not all(_is_same(tensor, state_dict.get(name, tensor)) for name, tensor in here.items()):
            raise TaskStateError(
                f"task {task!r} is frozen: nothing can change it. Add a new task, and load into its view."
            )

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *arguments: Any) -> None:
        self.check_loads(state_dict, prefix)  # a view may be part of another module, which loads each part by itself
        super()._load_from_state_dict(state_dict, prefix, *arguments)

    def __getattr__(self, name: str) -> Any:
        """Hand through what a generator's ``forward`` reads of the layer, as it is in the task."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("__") or "_layers" not in self.__dict__:
                raise
        return self._layers[0].read(self._task, name)

    def apply(self, fn: Callable[[nn.Module], None]) -> LayerOfTask:
        """Apply a function to what the task learns here; what is frozen is passed by."""
        if not self._layers[0].is_frozen(self._task):
            super().apply(fn)
        return self

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> LayerOfTask:
        self._layers[0]._apply(fn, recurse)
        return self

    def extra_repr(self) -> str:
        """Name the task when the layer is printed."""
        return f"{type(self._layers[0]).__name__}, task={self._task!r}"


class _Twins:
    """Copies of a generator's containers, each made once, over layers in one task."""

    def __init__(self, leaves: Mapping[int, LayerOfTasks], task: str, *, has_buffers: bool) -> None:
        self._leaves = leaves
        self._task = task
        self._has_buffers = has_buffers
        self._made: dict[int, nn.Module] = {}

    def of(self, module: nn.Module) -> nn.Module:
        """Return the twin of a module."""
        if id(module) not in self._made:
            leaf = self._leaves.get(id(module))
            if leaf is None:
                self._container(module)
            else:
                self._made[id(module)] = LayerOfTask(leaf, self._task)
        return self._made[id(module)]

    def _container(self, module: nn.Module) -> None:
        twin = type(module).__new__(type(module))
        self._made[id(module)] = twin  # before its attributes: one of them may be the module itself
        # Hooks and buffers are the same objects, so that what is registered or moved later is so here too.
        twin.__dict__.update(module.__dict__)
        twin.__dict__["_modules"] = {
            name: None if child is None else self.of(child) for name, child in module._modules.items()
        }
        if not self._has_buffers:  # they are the base task's to save and to load
            twin.__dict__["_non_persistent_buffers_set"] = set(module._buffers)
        for name, value in module.__dict__.items():
            if not name.startswith("_") or isinstance(value, MethodType):
                twin.__dict__[name] = self._pointed(value)

    def _pointed(self, value: Any) -> Any:
        """Let an attribute that names modules of the generator name their twins."""
        if isinstance(value, nn.Module) and id(value) in self._made:
            return self._made[id(value)]
        if isinstance(value, MethodType) and isinstance(value.__self__, nn.Module):
            return MethodType(value.__func__, self._pointed(value.__self__))
        if type(value) in (list, tuple, set):
            return type(value)(self._pointed(part) for part in value)
        if type(value) is dict:
            return {key: self._pointed(part) for key, part in value.items()}
        return value


def _view(model: ModelOfTasks, task: str, training: bool) -> TaskView:
    return TaskView(model, task).train(training)


def _is_same(here: Tensor, given: object) -> bool:
    """Say whether a tensor would have the same bytes if another one were loaded into it."""
    return isinstance(given, Tensor) and given.shape == here.shape and same_bytes(here, given.to(here))
