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
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from piggygan.filters import compose, filters_first, join, mix, native_layout

Way = Literal["filters", "features", "unfolded", "crossed"]


@dataclass(frozen=True)
class Geometry:
    """How a convolution's kernel is applied; zeros are padded.

    Attributes:
        stride: Steps between positions, an axis each.
        padding: Zeros on each side.
        dilation: Steps between a kernel's numbers.
        transposed: Whether it is a transposed convolution.
        output_padding: What a transposed convolution adds to its output on one side.
        groups: Groups of channels.
    """

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    transposed: bool
    output_padding: tuple[int, ...]
    groups: int

    def convolve(self, features: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
        """Apply a kernel in the convolution's own layout."""
        return torch.convolution(
            features,
            kernel,
            bias,
            self.stride,
            self.padding,
            self.dilation,
            self.transposed,
            self.output_padding,
            self.groups,
        )

    def gradients(
        self, outer: Tensor, features: Tensor, kernel: Tensor, *, of_features: bool, of_kernel: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        """Return the gradients of the features and of the kernel, given that of the output."""
        mask = [of_features, of_kernel, False]
        gradients = torch.ops.aten.convolution_backward(
            outer,
            features,
            kernel,
            None,
            self.stride,
            self.padding,
            self.dilation,
            self.transposed,
            self.output_padding,
            self.groups,
            mask,
        )
        return gradients[0], gradients[1]

    def output_sides(self, sides: Sequence[int], kernel_sides: Sequence[int]) -> tuple[int, ...]:
        """Return the sides of the output (torch.nn.Conv2d and torch.nn.ConvTranspose2d, section "Shape")."""
        spans = [dilation * (side - 1) for dilation, side in zip(self.dilation, kernel_sides, strict=True)]
        every = zip(sides, spans, self.stride, self.padding, self.output_padding, strict=True)
        if self.transposed:
            return tuple((side - 1) * step - 2 * pad + span + more + 1 for side, span, step, pad, more in every)
        return tuple((side + 2 * pad - span - 1) // step + 1 for side, span, step, pad, _ in every)


@dataclass(frozen=True)
class MixedFilters:
    """What one task computes a layer with.

    Attributes:
        bank: Frozen filters in the convolution's own layout.
        factors: ``(groups * composed, bank)``.
        unconstrained: The task's own filters, filters first; None if there are none.
        composed_bias: One number a composed filter, or None.
        own_bias: One number an unconstrained filter, or None.
    """

    bank: Tensor
    factors: Float[Tensor, "composed bank"]
    unconstrained: Float[Tensor, "own c_in ..."] | None
    composed_bias: Tensor | None
    own_bias: Tensor | None


def by_features(features: Tensor, filters: MixedFilters, geometry: Geometry) -> Tensor:
    """Convolve with the bank, mix the maps, convolve with the own filters, concatenate."""
    groups = geometry.groups
    maps = geometry.convolve(features, filters.bank)
    parts = [mix(maps, filters.factors, filters.composed_bias, groups=groups)]
    if filters.unconstrained is not None:
        own = native_layout(filters.unconstrained, groups=groups, transposed=geometry.transposed)
        parts.append(geometry.convolve(features, own, filters.own_bias))
    return join(parts, groups=groups, axis=1)


# ---------------------------------------------------------------- unfolded


def can_unfold(features: Tensor, geometry: Geometry) -> bool:
    """Say whether :func:`by_unfolding` knows this kind of layer: two axes of positions, no groups."""
    return features.dim() == 4 and geometry.groups == 1


def by_unfolding(features: Tensor, filters: MixedFilters, geometry: Geometry) -> Tensor:
    """Do as :func:`by_features` by matrix products on unfolded inputs (or, transposed, folded outputs).

    The rows of all matrices are positions, which are few here.
    """
    kernel_sides = filters.bank.shape[2:]
    sides = geometry.output_sides(features.shape[2:], kernel_sides)
    if geometry.transposed:
        return _by_folding(features, filters, geometry, sides)
    unfolded = functional.unfold(features, kernel_sides, geometry.dilation, geometry.padding, geometry.stride)
    rows = _positions_first(unfolded)
    parts = [functional.linear(rows @ filters.bank.flatten(1).T, filters.factors, filters.composed_bias)]
    if filters.unconstrained is not None:
        parts.append(functional.linear(rows, filters.unconstrained.flatten(1), filters.own_bias))
    return _channels_first(torch.cat(parts, dim=1), len(features)).reshape(len(features), -1, *sides)


def _by_folding(features: Tensor, filters: MixedFilters, geometry: Geometry, sides: Sequence[int]) -> Tensor:
    rows = _positions_first(features.flatten(2))

    def convolve(kernel: Tensor) -> Tensor:  # (c_in, filters, k, k)
        folding = _channels_first(rows @ kernel.flatten(1), len(features))
        return functional.fold(
            folding, tuple(sides), kernel.shape[2:], geometry.dilation, geometry.padding, geometry.stride
        )

    parts = [mix(convolve(filters.bank), filters.factors, filters.composed_bias, groups=1)]
    if filters.unconstrained is not None:
        own = convolve(native_layout(filters.unconstrained, groups=1, transposed=True))
        parts.append(own if filters.own_bias is None else own + filters.own_bias[:, None, None])
    return torch.cat(parts, dim=1)


_FEW = 16
"""With fewer rows than this a product with a transposed matrix takes up to eight times as long (MKL, measured)."""


def _positions_first(columns: Float[Tensor, "batch channels positions"]) -> Float[Tensor, "rows channels"]:
    rows = columns.transpose(1, 2).reshape(-1, columns.shape[1])
    return rows.contiguous() if len(rows) < _FEW else rows


def _channels_first(rows: Float[Tensor, "rows channels"], batch: int) -> Float[Tensor, "batch channels positions"]:
    if rows.requires_grad and len(rows) < _FEW:
        rows.register_hook(Tensor.contiguous)  # type: ignore[no-untyped-call]
    return rows.reshape(batch, -1, rows.shape[1]).transpose(1, 2)


# ---------------------------------------------------------------- crossed


def by_crossing(features: Tensor, filters: MixedFilters, geometry: Geometry) -> Tensor:
    """Go forward by the bank's maps, and backward to the input by the composed kernel.

    Differentiable once: the gradient of a gradient is refused.
    """
    composed, own_count = filters.factors.shape[0], 0
    own = filters.unconstrained
    if own is not None:
        own, own_count = native_layout(own, groups=geometry.groups, transposed=geometry.transposed), own.shape[0]
    output: Tensor = _Crossed.apply(features, filters.factors, own, filters.bank, geometry)  # type: ignore[no-untyped-call]
    biases = (filters.composed_bias, filters.own_bias)
    if all(bias is None for bias in biases):
        return output
    zeros = [output.new_zeros(count) for count in (composed, own_count)]
    parts = [zero if bias is None else bias for bias, zero in zip(biases, zeros, strict=True)]
    bias = join([part for part in parts if part.numel()], groups=geometry.groups)
    return output + bias.reshape(-1, *([1] * (output.dim() - 2)))


class _Crossed(torch.autograd.Function):
    """The two halves of a crossed layer."""

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, factors: Tensor, own: Tensor | None, bank: Tensor, geometry: Geometry
    ) -> Tensor:
        maps = geometry.convolve(features, bank)
        ctx.geometry = geometry
        ctx.save_for_backward(features, factors, own, bank, maps)
        parts = [mix(maps, factors, None, groups=geometry.groups)]
        if own is not None:
            parts.append(geometry.convolve(features, own))
        return join(parts, groups=geometry.groups, axis=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
        features, factors, own, bank, maps = ctx.saved_tensors
        geometry: Geometry = ctx.geometry
        of_features, of_factors, of_own, *_ = ctx.needs_input_grad
        composed = factors.shape[0] // geometry.groups
        by_group = outer.reshape(len(outer), geometry.groups, -1, *outer.shape[2:])
        gradients: list[Tensor | None] = [None, None, None, None, None]
        if of_features:
            kernel = _whole_kernel(factors, own, bank, geometry)
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


def _whole_kernel(factors: Tensor, own: Tensor | None, bank: Tensor, geometry: Geometry) -> Tensor:
    groups, transposed = geometry.groups, geometry.transposed
    parts = [compose(factors, filters_first(bank, groups=groups, transposed=transposed), groups=groups)]
    if own is not None:
        parts.append(filters_first(own, groups=groups, transposed=transposed))
    return native_layout(join(parts, groups=groups), groups=groups, transposed=transposed)


BY_WAY: dict[Way, Callable[[Tensor, MixedFilters, Geometry], Tensor]] = {
    "features": by_features,
    "unfolded": by_unfolding,
    "crossed": by_crossing,
}
"""All but ``filters``, which is an ordinary convolution."""
