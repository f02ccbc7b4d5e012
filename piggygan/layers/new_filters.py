"""What a new task stores in one convolution: how much of it is composed, of which bank, and how it starts."""

from __future__ import annotations

from typing import Literal

import torch
from einops import rearrange
from torch import Tensor

from piggygan.errors import ConfigurationError
from piggygan.layers.bank import Bank
from piggygan.layers.filters import native_layout, unconstrained_count
from piggygan.layers.kernels import TaskKernels
from piggygan.layers.starts import (
    Start,
    bank_limit,
    empty_start,
    most_useful,
    normal_start,
    refitted,
    warm_start,
    with_fresh_filters,
)
from piggygan.layers.task_filters import TaskFilters

Init = Literal["warm", "fresh", "normal", "empty"]

FACTOR_STEP = 32.0
"""How many times farther one step of Adam moves a factor than a weight; swept in docs/decisions.md."""


def bank_size(layer: TaskKernels, sources: tuple[str, ...], max_bank: float | None) -> int:
    """Count the filters of one group that a task would mix: all that fit, up to the bound."""
    width = layer.bank_of(_fitting(layer, sources)).width
    if max_bank is None:
        return width
    return min(width, bank_limit(float(max_bank), layer.conv.out_channels // layer.conv.groups))


def new_filters(
    layer: TaskKernels,
    *,
    sources: tuple[str, ...],
    start_from: str,
    fraction: float,
    max_bank: float | None,
    c_in: int,
    c_out: int,
    init: Init,
    factor_step: float,
) -> TaskFilters:
    """Make what a new task stores in a layer, without adding it; called :func:`~piggygan.layers.deriving.for_keeping`.

    Args:
        layer: The layer as it is.
        sources: Frozen tasks that the new one draws on, oldest first.
        start_from: The one that it starts as, if it starts warm.
        fraction: Share of filters of its own, 0..1.
        max_bank: Most filters in the bank, as a multiple of the layer's own; None: all.
        c_in: Input channels.
        c_out: Output channels; a layer of another shape than the held convolution's is wholly the task's own.
        init: ``"warm"``, ``"fresh"``, ``"normal"`` or ``"empty"``.
        factor_step: What the factors are divided by in training.

    Raises:
        ConfigurationError: If a number is outside its range, or channels do not divide into the groups.
        TaskStateError: If ``start_from`` is made of filters that are not in the bank.
    """
    conv, groups = layer.conv, layer.conv.groups
    if c_in % groups or c_out % groups:
        raise ConfigurationError(f"{c_in} and {c_out} channels do not divide into {groups} groups.")
    own_shape = (c_in, c_out) == (conv.in_channels, conv.out_channels)
    sources = _fitting(layer, sources)
    if not (own_shape and sources) or 1 < groups == conv.in_channels:  # filters of one channel are not mixed
        fraction = 1.0
    unconstrained = unconstrained_count(c_out, fraction, groups)
    composed = c_out - unconstrained
    bank = layer.bank_of(sources if composed else ())
    picked = _picked(layer, bank, bank_size(layer, sources, max_bank), init) if composed else None
    start = None
    if init in ("warm", "fresh"):
        start = _warm_start(layer, start_from, bank, picked, (c_out, c_in), unconstrained)
    if start is not None and init == "fresh":
        start = with_fresh_filters(start)
    if start is None:  # asked for, or no earlier kernel of this shape to start from
        start = empty_start(
            conv.weight,
            factors=(composed, bank.width if picked is None else len(picked)),
            own=(unconstrained, c_in // groups, *conv.kernel_size),
            bias=0 if conv.bias is None else c_out,
        )
        if init != "empty":
            start = normal_start(start)
    own = start.unconstrained
    if own is not None:
        own = native_layout(own, groups=groups, transposed=layer.transposed)
    return TaskFilters(
        start._replace(unconstrained=own, picked=picked),
        sources=tuple(bank.columns),
        factor_step=factor_step,
        in_channels=c_in,
        out_channels=c_out,
    )


def _fitting(layer: TaskKernels, sources: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tasks that have filters of their own here, and of the same size as the base task's."""
    stored = {name: layer.of_task(name) for name in sources}
    takes = layer.conv.in_channels
    return tuple(n for n, kept in stored.items() if kept.unconstrained is not None and kept.in_channels == takes)


def _picked(layer: TaskKernels, bank: Bank, limit: int, init: Init) -> Tensor | None:
    """Pick the bank filters that most of the tasks drawn on is made of; None if the bound allows all."""
    if limit == bank.width:
        return None
    if init == "empty":  # which ones will be filled in
        return torch.arange(limit, device=layer.conv.weight.device)
    stored = {task: layer.of_task(task) for task in bank.columns}
    users = [(task, kept) for task, kept in stored.items() if set(kept.sources) <= bank.columns.keys()]
    return most_useful(bank.usefulness(users), limit)


def _warm_start(
    layer: TaskKernels,
    start_from: str,
    bank: Bank,
    picked: Tensor | None,
    shape: tuple[int, int],
    unconstrained: int,
) -> Start | None:
    """Start as ``start_from``, or as the base task if that one's shape differs; None if both do."""
    groups = layer.conv.groups
    for task in (start_from, layer.base_task):
        filters = layer.of_task(task)
        if (filters.out_channels, filters.in_channels) != shape:
            continue
        mixtures = bank.mixtures(task, filters) if bank.width else None
        if mixtures is not None and picked is not None:
            mixtures = refitted(mixtures, bank.rows(), picked)
        kernel = rearrange(layer.kernel_seen_once(task), "(g c) ... -> g c ...", g=groups)
        return warm_start(mixtures, kernel, filters.bias, unconstrained=unconstrained // groups)
    return None
