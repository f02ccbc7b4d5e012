"""The ways to compute one layer of a task in training: equal in what comes out, not in what they cost.

Convolution is linear in its filters, so the composed filters need not be made: the bank's feature maps can be
mixed instead. Which products are computed, and how:

============  =================================================  ===================================================
way           output                                             gradients
============  =================================================  ===================================================
``filters``   one convolution with the composed kernel           of the whole kernel, and from there of the factors
``features``  the bank's maps, mixed; own filters convolved      of the input through the mixing and the bank
``unfolded``  as ``features``, but by plain matrix products      the same
``crossed``   as ``features``                                    of the input through the composed kernel
============  =================================================  ===================================================

All but ``filters`` never compute a kernel gradient of what is frozen. ``unfolded`` is for few positions: a convolution
re-orders its kernel at every call, which then costs more than the convolution itself. ``crossed`` is for many: the
factors' gradient needs the bank's maps, but the input's does not, and a composed kernel has fewer filters than bank and
own filters together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from piggygan.layers.deriving import in_full_precision
from piggygan.layers.filters import compose, filters_first, join, mix, native_layout
from piggygan.layers.geometry import Geometry
from piggygan.layers.ways.matrix_products import linear, matmul

Way = Literal["filters", "features", "unfolded", "crossed"]


@dataclass(eq=False)
class MixedFilters:
    """What one task computes a layer with; calls of one step share it.

    Attributes:
        bank: Frozen filters in the convolution's own layout.
        factors: ``(groups * composed, bank)``.
        unconstrained: The task's own filters in the same layout; None if there are none.
        bias: One number a filter, composed ones first in each group, or None.
    """

    bank: Tensor
    factors: Float[Tensor, "composed bank"]
    unconstrained: Tensor | None
    bias: Tensor | None
    _kernels: dict[bool, Tensor] = field(default_factory=dict, init=False, repr=False)
    _cast: dict[torch.dtype, MixedFilters] = field(default_factory=dict, init=False, repr=False)

    def kernel(self, geometry: Geometry) -> Tensor:
        """Return composed and own filters in the convolution's own layout; composed once, for all calls."""
        if torch.compiler.is_compiling():  # a compiled backward pass can keep nothing, and finds what is made twice
            return _whole_kernel(self.factors, self.unconstrained, self.bank, geometry)
        recorded = torch.is_grad_enabled()  # inside of a backward pass it is not
        if recorded not in self._kernels:
            with in_full_precision(self.bank.device):  # a backward pass may run under autocast, and calls share this
                self._kernels[recorded] = _whole_kernel(self.factors, self.unconstrained, self.bank, geometry)
        return self._kernels[recorded]

    def to(self, dtype: torch.dtype) -> MixedFilters:
        """Return the same filters in another precision, the same object at each call."""

        def cast(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(dtype)

        if dtype not in self._cast:
            self._cast[dtype] = MixedFilters(
                self.bank.to(dtype),
                self.factors.to(dtype),
                cast(self.unconstrained),
                cast(self.bias),
            )
        return self._cast[dtype]

    def biases(self, groups: int) -> tuple[Tensor | None, Tensor | None]:
        """Return the bias of the composed filters and that of the own ones."""
        if self.bias is None or self.unconstrained is None:
            return self.bias, None
        composed = self.factors.shape[0] // groups
        sizes = [composed, self.bias.shape[0] // groups - composed]
        if groups == 1:
            composed_bias, own_bias = self.bias.split_with_sizes(sizes)
            return composed_bias, own_bias
        composed_bias, own_bias = self.bias.reshape(groups, -1).split_with_sizes(sizes, dim=1)
        return composed_bias.flatten(), own_bias.flatten()


def by_filters(features: Tensor, filters: MixedFilters, geometry: Geometry) -> Tensor:
    """Compose the kernel and convolve once."""
    return geometry.convolve(features, filters.kernel(geometry), filters.bias)


def _whole_kernel(factors: Tensor, own: Tensor | None, bank: Tensor, geometry: Geometry) -> Tensor:
    """Return composed and own filters in the convolution's own layout."""
    groups, transposed = geometry.groups, geometry.transposed
    rows = filters_first(bank, groups=groups, transposed=transposed)
    composed = compose(factors, rows, groups=groups) if groups > 1 else matmul(factors, rows.flatten(1))
    kernel = native_layout(composed.reshape(-1, *rows.shape[1:]), groups=groups, transposed=transposed)
    if own is None:
        return kernel
    if transposed:  # filters are the second axis, inside of the groups
        return torch.cat([kernel, own], dim=1)
    return join([kernel, own], groups=groups)


def by_features(features: Tensor, filters: MixedFilters, geometry: Geometry) -> Tensor:
    """Convolve with the bank, mix the maps, convolve with the own filters, concatenate."""
    groups = geometry.groups
    composed_bias, own_bias = filters.biases(groups)
    maps = geometry.convolve(features, filters.bank)
    if filters.unconstrained is None:
        return mix(maps, filters.factors, composed_bias, groups=groups)
    own = geometry.convolve(features, filters.unconstrained, own_bias)
    return join([mix(maps, filters.factors, composed_bias, groups=groups), own], groups=groups, axis=1)


# ---------------------------------------------------------------- unfolded


def by_unfolding(features: Tensor, filters: MixedFilters, geometry: Geometry) -> Tensor:
    """Do as :func:`by_features` by matrix products on unfolded inputs (or, transposed, folded outputs).

    It knows layers of two axes of positions and one group. The rows of all matrices are positions, which are few here.
    """
    sides = geometry.output_sides(features.shape[2:], filters.bank.shape[2:])
    if geometry.transposed:
        return _by_folding(features, filters, geometry, sides)
    kernel_sides = filters.bank.shape[2:]
    rows = _positions_first(
        functional.unfold(features, kernel_sides, geometry.dilation, geometry.padding, geometry.stride)
    )
    composed_bias, own_bias = filters.biases(1)
    parts = [linear(linear(rows, filters.bank.flatten(1)), filters.factors, composed_bias)]
    if filters.unconstrained is not None:
        parts.append(linear(rows, filters.unconstrained.flatten(1), own_bias))
    return _channels_first(torch.cat(parts, dim=1), len(features)).reshape(len(features), -1, *sides)


def _by_folding(features: Tensor, filters: MixedFilters, geometry: Geometry, sides: Sequence[int]) -> Tensor:
    rows = _positions_first(features.flatten(2))

    def convolve(kernel: Tensor) -> Tensor:  # (c_in, filters, k, k)
        folding = _channels_first(matmul(rows, kernel.flatten(1)), len(features))
        return functional.fold(
            folding, tuple(sides), kernel.shape[2:], geometry.dilation, geometry.padding, geometry.stride
        )

    composed_bias, own_bias = filters.biases(1)
    parts = [mix(convolve(filters.bank), filters.factors, composed_bias, groups=1)]
    if filters.unconstrained is not None:
        own = convolve(filters.unconstrained)
        parts.append(own if own_bias is None else own + own_bias[:, None, None])
    return torch.cat(parts, dim=1)


def _positions_first(columns: Float[Tensor, "batch channels positions"]) -> Float[Tensor, "rows channels"]:
    return columns.transpose(1, 2).reshape(-1, columns.shape[1])


def _channels_first(rows: Float[Tensor, "rows channels"], batch: int) -> Float[Tensor, "batch channels positions"]:
    return rows.reshape(batch, -1, rows.shape[1]).transpose(1, 2)


# ---------------------------------------------------------------- crossed


def by_crossing(features: Tensor, filters: MixedFilters, geometry: Geometry) -> Tensor:
    """Go forward by the bank's maps, and backward to the input by the composed kernel."""
    output: Tensor = _Crossed.apply(features, filters.factors, filters.unconstrained, filters, geometry)  # type: ignore[no-untyped-call]
    return output if filters.bias is None else output + filters.bias.reshape(-1, *([1] * (output.dim() - 2)))


class _Crossed(torch.autograd.Function):
    """The two halves of a crossed layer."""

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, factors: Tensor, own: Tensor | None, filters: MixedFilters, geometry: Geometry
    ) -> Tensor:
        maps = geometry.convolve(features, filters.bank)
        ctx.filters, ctx.geometry = filters, geometry
        ctx.save_for_backward(features, factors, own, maps)
        parts = [mix(maps, factors, None, groups=geometry.groups)]
        if own is not None:
            parts.append(geometry.convolve(features, own))
        return join(parts, groups=geometry.groups, axis=1)

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
        features, factors, own, maps = ctx.saved_tensors
        geometry: Geometry = ctx.geometry
        filters: MixedFilters = ctx.filters
        if torch.is_grad_enabled() and not torch.compiler.is_compiling():
            maps = geometry.convolve(features, filters.bank)  # a graph of gradients goes through them to the features
        of_features, of_factors, of_own, *_ = ctx.needs_input_grad
        composed = factors.shape[0] // geometry.groups
        by_group = outer.reshape(len(outer), geometry.groups, -1, *outer.shape[2:])
        gradients: list[Tensor | None] = [None, None, None, None, None]
        if of_features:
            kernel = filters.kernel(geometry)
            gradients[0], _ = geometry.gradients(outer, features, kernel, of_features=True, of_kernel=False)
        if of_factors:
            of_mixed = by_group[:, :, :composed].flatten(1, 2)
            gradients[1] = _gradient_of_mixing(of_mixed, maps, factors, geometry.groups)
        if of_own and own is not None:
            outer_own = by_group[:, :, composed:].flatten(1, 2)
            _, gradients[2] = geometry.gradients(outer_own, features, own, of_features=False, of_kernel=True)
        return tuple(gradients)


def _gradient_of_mixing(outer: Tensor, maps: Tensor, factors: Tensor, groups: int) -> Tensor:
    """Return the factors' gradient as that of a 1x1 convolution's kernel, which is faster than a matrix product."""
    axes = maps.dim() - 2
    pointwise = Geometry((1,) * axes, (0,) * axes, (1,) * axes, False, (0,) * axes, groups)
    kernel = factors.reshape(*factors.shape, *([1] * axes))
    _, gradient = pointwise.gradients(outer, maps, kernel, of_features=False, of_kernel=True)
    return torch.zeros_like(factors) if gradient is None else gradient.flatten(1)


_BY_WAY: dict[Way, Callable[[Tensor, MixedFilters, Geometry], Tensor]] = {
    "filters": by_filters,
    "features": by_features,
    "unfolded": by_unfolding,
    "crossed": by_crossing,
}


def compute(way: Way, features: Tensor, filters: MixedFilters, geometry: Geometry) -> Tensor:
    """Compute a layer in one of the ways; under autocast in its precision, as a convolution of torch's would be.

    Args:
        way: One of those that are possible for the layer.
        features: ``(batch, c_in, *positions)``, padded already where that is not by zeros.
        filters: What the task computes with.
        geometry: How kernels are applied.

    Returns:
        ``(batch, composed + own, *positions)``.
    """
    if not features.numel():
        way = "filters"  # an empty batch has no rows to reshape, and all ways cost nothing
    dtype = autocast_type(features)
    if dtype is None:
        return _BY_WAY[way](features, filters, geometry)
    with in_full_precision(features.device):  # what follows is below what autocast looks at
        return _BY_WAY[way](features.to(dtype), filters.to(dtype), geometry)


def autocast_type(features: Tensor) -> torch.dtype | None:
    """Return the type that autocast multiplies these features in; None if it is off, or leaves them as they are."""
    device = features.device.type
    if device == "meta" or features.dtype == torch.float64 or not torch.is_autocast_enabled(device):
        return None
    return torch.get_autocast_dtype(device)
