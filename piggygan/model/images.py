"""What goes into a call of a generator and what comes out, checked before a layer deep inside says it less clearly."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from piggygan.errors import ConfigurationError, InputError
from piggygan.layers.tasks import Task


def check_inputs(inputs: tuple[Any, ...], axes: int) -> None:
    """Refuse what is no batch of float images, and a task among the inputs.

    Args:
        inputs: What a generator was called with, in order; what is no tensor is the generator's own affair.
        axes: Axes of positions that its images have.

    Raises:
        InputError: Naming what was given and what is needed.
    """
    if any(isinstance(given, str) for given in inputs):
        raise InputError(f"got {inputs[-1]!r} among the inputs: a task is given by name, as task={inputs[-1]!r}.")
    images = inputs[0] if inputs else None
    if isinstance(images, Tensor) and (images.dim() != axes + 2 or not images.is_floating_point()):
        raise InputError(
            f"got a {images.dtype} tensor of shape {tuple(images.shape)}; needed are floats in [-1, 1] of shape "
            f"(batch, channels, {'height, width' if axes == 2 else f'and {axes} axes of positions'})."
        )


def check_output(output: Any, task: Task, axes: int, output_layer: str) -> None:
    """Refuse an output of other channels than its task was added with.

    Args:
        output: What a generator returned; what is no batch of images is let pass.
        task: The task that it was computed in.
        axes: Axes of positions that images have.
        output_layer: Path of the convolution that is taken to make the output.

    Raises:
        ConfigurationError: If it has others: the output is then made by another layer.
    """
    channels = task.out_channels
    if channels is None or not isinstance(output, Tensor) or output.dim() != axes + 2:
        return
    if output.shape[1] != channels:
        raise ConfigurationError(
            f"task {task.name!r} was added with out_channels={channels} and makes {output.shape[1]}: the output is "
            f"not made by {output_layer!r}. Wrap the generator with output_layer= the convolution that makes it."
        )
