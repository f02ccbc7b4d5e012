"""How far an optimizer moves factors, and the learning rates that move them as far as is meant."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.optim import ASGD, SGD, Optimizer

from piggygan.layers.task_filters import TaskFilters

AS_LONG_AS_THE_GRADIENT = (SGD, ASGD)
"""Optimizers whose step is a multiple of the gradient; all others are taken to scale the step of each parameter."""


class SquaredStepWarning(UserWarning):
    """An optimizer moves factors the square of ``factor_step`` as far as weights."""


def parameter_groups(
    parameters: Iterable[nn.Parameter], module: nn.Module, lr: float, optimizer: type[Optimizer] = SGD
) -> list[dict[str, Any]]:
    """Sort parameters into groups for an optimizer, so that a factor moves ``factor_step`` times as far as it would.

    What is learned of a factor ``f`` is ``p = f / s``, with ``s`` the task's ``factor_step``. So the gradient of ``p``
    is ``s`` times that of ``f``, and a change of ``p`` changes ``f`` by ``s`` times as much.

    - Adam and its kind make steps of about ``lr``, whatever the gradient: ``f`` moves ``s * lr``, which is what
      ``s`` is for. All groups have ``lr``, as if the parameters were given without groups.
    - SGD makes steps of ``lr`` times the gradient: ``f`` moves ``s * s * lr`` times its own gradient, 1024 times as far
      with the default. With ``lr / s`` for ``p`` it moves ``s * lr`` times its gradient.

    Args:
        parameters: What is to move.
        module: That they are part of.
        lr: The learning rate of everything that is no factor.
        optimizer: The class that the groups are for.

    Example:
        >>> import torch
        >>> from piggygan.layers.convolutions import PiggybackConv2d
        >>> layer = PiggybackConv2d(nn.Conv2d(3, 4, 1), "facades")
        >>> layer.freeze_task("facades")
        >>> layer.add_task("lungs", factor_step=32.0)
        >>> [group["lr"] for group in parameter_groups(layer.parameters(), layer, 0.32, torch.optim.SGD)]
        [0.32, 0.01]
        >>> [group["lr"] for group in parameter_groups(layer.parameters(), layer, 0.32, torch.optim.Adam)]
        [0.32]
    """
    steps = _factor_steps(module) if issubclass(optimizer, AS_LONG_AS_THE_GRADIENT) else {}
    groups: dict[float, list[nn.Parameter]] = {}
    for parameter in parameters:
        groups.setdefault(steps.get(id(parameter), 1.0), []).append(parameter)
    return [
        {"params": group, "lr": lr / step} for step, group in sorted(groups.items(), key=lambda item: item[0] != 1.0)
    ]


def warn_of_squared_steps(optimizer: Optimizer, module: nn.Module) -> None:
    """Warn if an optimizer moves factors of ``module`` farther than is meant.

    Warns:
        SquaredStepWarning: Once for the first group that has factors at the rate of the weights.
    """
    if not isinstance(optimizer, AS_LONG_AS_THE_GRADIENT):
        return
    steps = _factor_steps(module)
    rates = {group["lr"] for group in optimizer.param_groups for p in group["params"] if id(p) not in steps}
    for group in optimizer.param_groups:
        squared = [steps[id(p)] for p in group["params"] if steps.get(id(p), 1.0) != 1.0]
        if squared and group["lr"] in rates:
            warnings.warn(
                f"{type(optimizer).__name__} moves factors {squared[0] ** 2:g} times as far as weights, where "
                f"factor_step={squared[0]:g} means {squared[0]:g} times: give it model.parameter_groups(task, lr), or "
                f"add the task with factor_step=1.",
                SquaredStepWarning,
                stacklevel=3,
            )
            return


def _factor_steps(module: nn.Module) -> dict[int, float]:
    """Return the factor step of every parameter that has one, by the parameter's identity."""
    return {
        id(part.scaled_factors): part.factor_step
        for part in module.modules()
        if isinstance(part, TaskFilters) and part.scaled_factors is not None
    }
