"""The cost model: which of the ways to compute a layer takes least time."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from piggygan.errors import ConfigurationError
from piggygan.files.durable import write_durably
from piggygan.layers.geometry import Geometry
from piggygan.layers.task_filters import TaskFilters
from piggygan.layers.ways.compute import Way, autocast_type


class LayerCall(NamedTuple):
    """All that the time of one layer's training call depends on.

    Attributes:
        transposed: Whether it is a transposed convolution.
        filter_size: Numbers in one filter.
        kernel_positions: Numbers in one filter for one channel, ``k * k``.
        composed: Composed filters of the task, all groups together.
        unconstrained: Unconstrained filters of the task.
        bank: Bank filters, all groups together.
        groups: Groups of the convolution.
        positions: Places where a filter is applied (of a transposed convolution: of the input), times the batch.
        outputs: Places in the output, times the batch.
        of_input: Whether a gradient of the input is asked for.
        calls: Calls of the step that share what is composed.
        can_unfold: Whether the layer is of a kind that can be unfolded.
        device: Kind of device.
        dtype: Type of the numbers that are multiplied.
    """

    transposed: bool
    filter_size: int
    kernel_positions: int
    composed: int
    unconstrained: int
    bank: int
    groups: int
    positions: int
    outputs: int
    of_input: bool
    calls: int
    can_unfold: bool
    device: str
    dtype: str


def layer_call(
    filters: TaskFilters, features: Tensor, geometry: Geometry, kernel_sides: tuple[int, ...], calls: int
) -> LayerCall:
    """Describe a training call.

    Args:
        filters: What the task stores in the layer.
        features: The input, padded already where it is not by zeros.
        geometry: How kernels are applied.
        kernel_sides: Sides of a filter.
        calls: Calls of the step that share what is composed.
    """
    batch, _, *sides = features.shape
    kernel_positions = math.prod(kernel_sides)
    outputs = math.prod(geometry.output_sides(sides, kernel_sides))
    return LayerCall(
        transposed=geometry.transposed,
        filter_size=filters.in_channels // geometry.groups * kernel_positions,
        kernel_positions=kernel_positions,
        composed=filters.composed,
        unconstrained=filters.out_channels - filters.composed,
        bank=geometry.groups * filters.bank_width,
        groups=geometry.groups,
        positions=batch * (math.prod(sides) if geometry.transposed else outputs),
        outputs=batch * outputs,
        of_input=features.requires_grad,
        calls=calls,
        can_unfold=len(sides) == 2 and geometry.groups == 1,
        device=features.device.type,
        dtype=str(autocast_type(features) or features.dtype),
    )


class CostModel:
    """Chooses a way for each call: by measurement where :func:`piggygan.calibrate` made one, by a formula otherwise.

    The layers of one model share one. The formula always chooses the same, so that two runs of a training end in the
    same bytes; with measurements that takes :meth:`save` and :meth:`load`.

    Attributes:
        measured: The fastest way of each call that was measured.
        forced: Take this way wherever it is possible; None: the cheapest.
    """

    def __init__(self) -> None:
        self.measured: dict[LayerCall, Way] = {}
        self.forced: Way | None = None

    def choose(self, call: LayerCall) -> Way:
        """Return the way that is expected to take least time."""
        if self.forced is not None:
            return self.forced if self.forced in possible_ways(call) else "features"
        if call in self.measured:
            return self.measured[call]
        # A compiler traces through the cache, and warns that it does.
        return cheapest.__wrapped__(call) if torch.compiler.is_compiling() else cheapest(call)

    def save(self, path: Path) -> None:
        """Write what was measured as JSON, durably.

        Raises:
            OSError: If it could not be written.
        """
        entries = [{"call": call._asdict(), "way": way} for call, way in self.measured.items()]
        write_durably(path, json.dumps(entries, indent=1).encode())

    def load(self, path: Path) -> None:
        """Take over what :meth:`save` wrote, on a machine of the same kind.

        Raises:
            ConfigurationError: If the file is not one of those.
        """
        try:
            entries = json.loads(path.read_bytes())
            measured = {LayerCall(**entry["call"]): entry["way"] for entry in entries}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ConfigurationError(
                f"{path.name} holds no measured ways ({error}): calibrate again, and save."
            ) from error
        if strange := [way for call, way in measured.items() if way not in possible_ways(call)]:
            raise ConfigurationError(
                f"{path.name} asks for the way {strange[0]!r}, which its layer cannot be computed."
            )
        self.measured |= measured


def possible_ways(call: LayerCall) -> tuple[Way, ...]:
    """Return the ways that compute this layer."""
    ways: tuple[Way, ...] = ("filters", "features", "crossed")
    return (*ways, "unfolded") if call.can_unfold else ways


@dataclass(frozen=True)
class Prices:
    """What one number costs, in multiply-adds of a convolution.

    Attributes:
        weight: Reading, re-ordering or writing one number of a kernel in a convolution.
        transposed_weight: The same in a transposed convolution.
        matrix_weight: Reading or writing one number of a kernel in a matrix product.
        matrix: A multiply-add of a matrix product on unfolded features.
        column: Unfolding or folding one number.
        mixing: A multiply-add of a 1x1 convolution.
        map: Writing one number of a feature map and reading it again.
        composing: A multiply-add of a composition.
        layout: Copying one number of a kernel to another layout.
    """

    weight: float = 0.0
    transposed_weight: float = 0.0
    matrix_weight: float = 0.0
    matrix: float = 1.0
    column: float = 0.0
    mixing: float = 1.0
    map: float = 0.0
    composing: float = 1.0
    layout: float = 0.0


CPU = Prices(
    weight=90,
    transposed_weight=160,
    matrix_weight=29,
    matrix=0.9,
    column=1000,
    mixing=0.4,
    map=320,
    composing=2.0,
    layout=130,
)
"""Least squares over 140 layers and 4 ways each on two cores of an x86 processor (docs/performance.md)."""

OTHER = Prices()
"""Nothing was measured on an accelerator: multiply-adds alone."""


@lru_cache(maxsize=4096)
def cheapest(call: LayerCall) -> Way:
    """Return the way that costs least by the formula."""
    ways = possible_ways(call)
    costs = [estimate(call, way) for way in ways]
    return ways[costs.index(min(costs))]  # torch.compile knows no min by a key


def estimate(call: LayerCall, way: Way) -> float:
    """Estimate the time of one call, forward and backward, in multiply-adds of a convolution."""
    prices = CPU if call.device == "cpu" else OTHER
    return {"filters": _filters, "features": _features, "unfolded": _unfolded, "crossed": _crossed}[way](call, prices)


def _filters(call: LayerCall, prices: Prices) -> float:
    count = call.composed + call.unconstrained
    kernel = count * call.filter_size
    copies = kernel + (2 * (kernel + call.bank * call.filter_size) if call.transposed else 0)
    return (
        _convolving(call, prices, (2 + call.of_input) * count)
        + (2 * _composing(call, prices) + prices.layout * copies) / call.calls
    )


def _features(call: LayerCall, prices: Prices) -> float:
    return _convolving(call, prices, _convolved(call)) + _mixing(call, prices, products=3)


def _unfolded(call: LayerCall, prices: Prices) -> float:
    numbers = _convolved(call) * call.filter_size
    every = call.bank + call.unconstrained
    columns = call.positions * (every * call.kernel_positions if call.transposed else call.filter_size)
    return (
        numbers * (prices.matrix * call.positions + prices.matrix_weight)
        + prices.column * columns
        + _mixing(call, prices, products=3)
    )


def _crossed(call: LayerCall, prices: Prices) -> float:
    count = call.composed + call.unconstrained
    convolved = call.bank + 2 * call.unconstrained + call.of_input * count
    kernel = count * call.filter_size
    copies = kernel + (kernel + call.bank * call.filter_size if call.transposed else 0)
    backward = (_composing(call, prices) + prices.layout * copies) / call.calls
    return _convolving(call, prices, convolved) + call.of_input * backward + _mixing(call, prices, products=2)


def _convolved(call: LayerCall) -> int:
    """Count the filters in all products: bank and own ones forward and to the input, a gradient for the own ones."""
    return (1 + call.of_input) * (call.bank + call.unconstrained) + call.unconstrained


def _convolving(call: LayerCall, prices: Prices, filters: int) -> float:
    weight = prices.transposed_weight if call.transposed else prices.weight
    return filters * call.filter_size * (call.positions + weight)


def _composing(call: LayerCall, prices: Prices) -> float:
    return prices.composing * call.composed * (call.bank // call.groups) * call.filter_size


def _mixing(call: LayerCall, prices: Prices, products: int) -> float:
    multiplied = products * prices.mixing * call.composed * (call.bank // call.groups)
    return call.outputs * (multiplied + prices.map * (call.bank + call.composed + call.unconstrained))
