"""Two generators that learn the same tasks in opposite directions, as CycleGAN trains them."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.optim import SGD, Optimizer

from piggygan.errors import ConfigurationError, TaskNotFoundError, TaskStateError
from piggygan.files.precision import Precision
from piggygan.model.generator import MultiTaskGenerator
from piggygan.model.task_tensors import check_layers_finite, check_stored


class GeneratorPair:
    """``forward`` from inputs to targets and ``backward`` from targets to inputs, task by task.

    Each is an ordinary model that can be used alone; the pair keeps their tasks the same.

    Args:
        forward: From inputs to targets.
        backward: From targets to inputs, with the same tasks in the same order.

    Raises:
        ConfigurationError: If they are one and the same model, or have other tasks.

    Example:
        >>> from piggygan.networks import ResNetGenerator
        >>> models = [MultiTaskGenerator(ResNetGenerator(blocks=1, width=2), "facades") for _ in range(2)]
        >>> pair = GeneratorPair(*models)
        >>> pair.freeze_task("facades")
        >>> pair.add_task("lungs", out_channels=1)
        >>> pair.tasks, pair.backward.describe_task("lungs").in_channels
        (('facades', 'lungs'), 1)
    """

    def __init__(self, forward: MultiTaskGenerator, backward: MultiTaskGenerator) -> None:
        if forward is backward:
            raise ConfigurationError("forward and backward are one model: give two, with weights of their own.")
        if forward.tasks != backward.tasks:
            raise ConfigurationError(
                f"forward has the tasks {', '.join(forward.tasks)}, backward {', '.join(backward.tasks)}: a task is in "
                f"both directions or in none."
            )
        self.forward = forward
        self.backward = backward

    @property
    def networks(self) -> dict[str, MultiTaskGenerator]:
        """Both models by name, as :meth:`piggygan.TaskRegistry.commit` takes them."""
        return {"forward": self.forward, "backward": self.backward}

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks, the base task first."""
        return tuple(task for task in self.forward.tasks if task in self.backward.tasks)

    def add_task(
        self, task: str, *, in_channels: int | None = None, out_channels: int | None = None, **settings: Any
    ) -> None:
        """Add a task in training to both models, or to none.

        Args:
            task: Its name.
            in_channels: Channels of ``forward``'s input, and so of ``backward``'s output.
            out_channels: Channels of ``forward``'s output, and so of ``backward``'s input.
            settings: All others of :meth:`piggygan.MultiTaskGenerator.add_task`, the same for both.

        Raises:
            PiggyganError: As of :meth:`piggygan.MultiTaskGenerator.add_task`.
        """
        self.forward.add_task(task, in_channels=in_channels, out_channels=out_channels, **settings)
        try:
            self.backward.add_task(task, in_channels=out_channels, out_channels=in_channels, **settings)
        except BaseException:  # whatever stopped it, and be it Ctrl-C
            self.forward.remove_task(task)
            raise

    def freeze_task(self, task: str, *, stored: Precision | None = None) -> None:
        """Make a task immutable in both models, or in none.

        Args:
            task: Its name.
            stored: As of :meth:`piggygan.MultiTaskGenerator.freeze_task`.

        Raises:
            TaskNotFoundError: If one of them has no such task.
            TaskStateError: If it is frozen in one of them.
            ConfigurationError: If there is no such precision, or the base task is to be rounded.
            InputError: If it holds NaN or infinities in one of them.
        """
        self._check_training(task)
        check_stored(stored, is_base=task == self.forward.base_task)
        for model in self.networks.values():
            check_layers_finite(model.layers, task)
        for model in self.networks.values():
            model.freeze_task(task, stored=stored)

    def remove_task(self, task: str) -> None:
        """Forget a task in both models, or in none.

        Raises:
            TaskNotFoundError: If one of them has no such task.
            TaskInUseError: If another task draws on it, or it is the base task.
        """
        self._check_both(task)
        for model in self.networks.values():  # each may draw on others, if its tasks were added alone
            model.check_unused(task)
        for model in self.networks.values():
            model.remove_task(task)

    def task_parameters(self, task: str) -> list[nn.Parameter]:
        """Return what an optimizer is to move for ``task`` in both models.

        Raises:
            TaskNotFoundError: If one of them has no such task.
            TaskStateError: If it is frozen in one of them.
        """
        self._check_training(task)
        return [parameter for model in self.networks.values() for parameter in model.task_parameters(task)]

    def parameter_groups(self, task: str, lr: float, optimizer: type[Optimizer] = SGD) -> list[dict[str, Any]]:
        """Return :meth:`task_parameters` with a learning rate each, so that factors move ``factor_step`` times as far.

        See :func:`piggygan.model.parameter_groups.parameter_groups`; errors as of :meth:`task_parameters`.
        """
        self._check_training(task)
        return [group for model in self.networks.values() for group in model.parameter_groups(task, lr, optimizer)]

    def _check_both(self, task: str) -> None:
        has = {name: task in model.tasks for name, model in self.networks.items()}
        if any(has.values()) and not all(has.values()):
            there, missing = sorted(has, key=lambda name: not has[name])
            raise TaskNotFoundError(
                f"task {task!r} is in {there} only, not in {missing}: add tasks with the pair's add_task, which adds "
                f"them to both."
            )
        for model in self.networks.values():
            model.describe_task(task)

    def _check_training(self, task: str) -> None:
        self._check_both(task)
        if frozen := [name for name, model in self.networks.items() if model.describe_task(task).is_frozen]:
            raise TaskStateError(f"task {task!r} is frozen already in {' and '.join(frozen)}.")
