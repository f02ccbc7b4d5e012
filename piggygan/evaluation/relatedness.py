"""How much of a new task the frozen tasks know already, so that it can start from the one that knows most."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from piggygan.errors import InputError, TaskStateError
from piggygan.layers.convolutions import PiggybackConvolution
from piggygan.layers.deriving import for_keeping
from piggygan.model.generator import MultiTaskGenerator
from piggygan.model.restoring import modes_kept

if TYPE_CHECKING:
    from jaxtyping import Float

    from piggygan.training import Batch

Pair = tuple[Tensor, Tensor]
NEIGHBOURHOOD = 3
"""Side of the square of features that a target is read off."""
RIDGE = 1e-3
"""Added to the features' second moments, as a share of their mean: features that are always 0 are common."""


def relatedness(
    model: MultiTaskGenerator,
    batches: Iterable[Batch],
    *,
    tasks: Sequence[str] | None = None,
) -> dict[str, float]:
    """Say how well a new task's targets can be read off what each frozen task sees in its inputs.

    The features that a task gives to the output layer are mapped to the targets linearly, each from 3 x 3 positions.
    The map is fitted on every other pair and measured on the rest. Nothing is trained and nothing of the model changes;
    it takes seconds. What this said of tasks, and how good starts they then were, is in docs/decisions.md.

    Args:
        model: Of images, that is with two-dimensional convolutions.
        batches: Pairs of the new task, ``input`` of ``(batch, c_in, height, width)`` and ``target`` of ``(batch, c_out,
            height', width')``, as a training takes them; some dozens of pairs are enough, and all are held at once.
        tasks: Frozen tasks to compare; None: all that are frozen and take images of so many channels.

    Returns:
        For each task the share of the targets' variance that is explained on pairs which were not fitted: at most 1,
        below 0 where the mean target would have been nearer. Best first: ``start_from=next(iter(found))`` takes it.

    Raises:
        TaskNotFoundError: If there is no such task.
        TaskStateError: If a task is not frozen, or none is.
        InputError: If there are fewer than two pairs, they are of several sizes, a named task takes images of another
            number of channels or no frozen task takes them, or the targets are all alike or not finite.

    Example:
        >>> from torch import nn
        >>> from piggygan.data import PairBatch
        >>> model = MultiTaskGenerator(nn.Sequential(nn.Conv2d(1, 4, 1), nn.Conv2d(4, 1, 1)), "facades")
        >>> model.freeze_task("facades")
        >>> images = torch.rand(4, 1, 8, 8)
        >>> found = relatedness(model, [PairBatch(images, -images, [])])
        >>> round(found["facades"], 2)
        1.0
    """
    names = [model.describe_task(task).name for task in tasks] if tasks is not None else _frozen(model)
    moving = [task for task in names if not model.describe_task(task).is_frozen]
    if moving or not names:
        raise TaskStateError(f"only frozen tasks can be compared: freeze {', '.join(moving) or model.base_task} first.")
    pairs = [pair for batch in batches for pair in _pairs(batch)]
    if len(pairs) < 2:
        raise InputError(f"got {len(pairs)} pairs; at least two are needed, one to fit and one to measure.")
    shapes = {tuple(part.shape) for pair in pairs for part in pair}
    if len({(image.shape, target.shape) for image, target in pairs}) > 1 or any(len(shape) != 3 for shape in shapes):
        raise InputError(
            f"got pictures of shapes {sorted(shapes)}; all are to be (channels, height, width), and alike."
        )
    names = _taking(model, names, pairs[0][0].shape[0], are_named=tasks is not None)
    with for_keeping(_device(model)):  # the same scores under autocast
        found = {task: _explained(model, task, pairs) for task in names}
    return dict(sorted(found.items(), key=lambda item: item[1], reverse=True))


def _frozen(model: MultiTaskGenerator) -> list[str]:
    return [task for task in model.tasks if model.describe_task(task).is_frozen]


def _taking(model: MultiTaskGenerator, names: list[str], channels: int, *, are_named: bool) -> list[str]:
    """Return the tasks that take images of so many channels, or refuse where the caller asked for another."""
    entry = model.layers[model.wrapping.input_layer]
    if not isinstance(entry, PiggybackConvolution):
        return names
    takes = {task: entry.kernel_shape(task)[1] * entry.conv.groups for task in names}
    fitting = [task for task in names if takes[task] == channels]
    if (are_named and len(fitting) < len(names)) or not fitting:
        others = ", ".join(f"{task!r} takes {count}" for task, count in takes.items() if count != channels)
        raise InputError(
            f"the images have {channels} channels, and {others}: leave out the tasks that cannot see them, or give "
            f"images with channels repeated or averaged."
        )
    return fitting


def _device(model: MultiTaskGenerator) -> torch.device:
    return next(iter(model.task_tensors(model.base_task).values())).device


def _pairs(batch: Batch) -> Iterator[Pair]:
    if len(batch.input) != len(batch.target):
        raise InputError(f"got {len(batch.input)} inputs and {len(batch.target)} targets in a batch; needed are pairs.")
    return zip(batch.input, batch.target, strict=True)


def _explained(model: MultiTaskGenerator, task: str, pairs: Sequence[Pair]) -> float:
    squares = products = torch.zeros((), device=_device(model))
    for features, values in _read(model, task, pairs[::2]):
        squares = squares + (features.T @ features).double()
        products = products + (features.T @ values).double()
    ridge = RIDGE * squares.diagonal().mean() * torch.eye(len(squares), dtype=squares.dtype, device=squares.device)
    readout = torch.linalg.solve(squares + ridge, products)
    mean = products[-1] / squares[-1, -1]  # the last feature is 1 everywhere
    missed = whole = 0.0
    for features, values in _read(model, task, pairs[1::2]):
        missed += float((features.double() @ readout - values).square().sum())
        whole += float((values - mean).square().sum())
    if not (math.isfinite(missed) and whole > 0):
        raise InputError("the targets are all alike or not finite: there is nothing to compare tasks by.")
    return 1 - missed / whole


def _read(
    model: MultiTaskGenerator, task: str, pairs: Sequence[Pair]
) -> Iterator[tuple[Float[Tensor, "positions features"], Float[Tensor, "positions values"]]]:
    """Give for each pair what a task sees around every position, and what is to be read off there."""
    device = _device(model)
    for image, target in pairs:
        features, values = _aligned(_last_features(model, task, image[None].to(device)), target[None].to(device))
        around = functional.unfold(features, NEIGHBOURHOOD, padding=NEIGHBOURHOOD // 2)[0].T
        yield torch.cat([around, torch.ones_like(around[:, :1])], dim=1), values.flatten(2)[0].T


def _last_features(model: MultiTaskGenerator, task: str, images: Tensor) -> Tensor:
    """Return what the output layer is given, ``(batch, channels, height, width)``."""
    seen: list[Tensor] = []
    hook = model.layers[model.wrapping.output_layer].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    try:
        with modes_kept(model), torch.inference_mode():
            model.eval()(images, task=task)
    finally:
        hook.remove()
    return seen[-1].float()


def _aligned(features: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Lay features and target over each other: what was padded is cut off, a coarser grid reads off several pixels."""
    height, width = target.shape[2:]
    top, left = (max(0, (has - needs) // 2) for has, needs in zip(features.shape[2:], (height, width), strict=True))
    features = features[:, :, top : top + height, left : left + width]
    scale = height // features.shape[2]
    if (scale * features.shape[2], scale * features.shape[3]) == (height, width):
        return features, functional.pixel_unshuffle(target, scale)
    return functional.interpolate(features, (height, width), mode="bilinear"), target
