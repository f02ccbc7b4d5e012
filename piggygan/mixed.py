"""A batch of several tasks: each task's samples are computed together and put back in their places."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

Compute = Callable[[str, Tensor], Tensor]
"""From a task and its samples to the outputs of those."""


def places_by_task(tasks: Sequence[str]) -> dict[str, list[int]]:
    """Say which samples of a batch belong to each task, tasks in order of appearance.

    Example:
        >>> places_by_task(["lungs", "facades", "lungs"])
        {'lungs': [0, 2], 'facades': [1]}
    """
    places: dict[str, list[int]] = {}
    for place, task in enumerate(tasks):
        places.setdefault(task, []).append(place)
    return places


def compute_by_task(tasks: Sequence[str], samples: Tensor, compute: Compute) -> Tensor:
    """Compute every sample by its own task.

    Args:
        tasks: One name a sample.
        samples: ``(batch, ...)``.
        compute: Called once a task, with the samples of that task.

    Returns:
        The outputs in the order of the samples; where tasks have different numbers of channels, the missing ones
        are zeros.
    """
    places = places_by_task(tasks)
    if len(places) == 1:
        return compute(tasks[0], samples)
    return put_back([(compute(task, samples[where]), where) for task, where in places.items()])


def put_back(parts: Sequence[tuple[Tensor, Sequence[int]]]) -> Tensor:
    """Join outputs of parts of a batch, each with the places it belongs to, channels filled up with zeros."""
    channels = max(part.shape[1] for part, _ in parts)
    filled = [_with_channels(part, channels) for part, _ in parts]
    order = [place for _, where in parts for place in where]
    back = torch.argsort(torch.tensor(order, device=filled[0].device))
    return torch.cat(filled)[back]


def _with_channels(part: Tensor, channels: int) -> Tensor:
    missing = channels - part.shape[1]
    if missing == 0:
        return part
    return functional.pad(part, [0, 0] * (part.dim() - 2) + [0, missing])
