"""Geometry: how a convolution's kernel is applied, whatever the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


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
