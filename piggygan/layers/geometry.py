"""Geometry: how a convolution's kernel is applied, whatever the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Geometry(NamedTuple):
    """How a convolution's kernel is applied; zeros are padded. The order is that of ``torch.convolution``.

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
        return torch.convolution(features, kernel, bias, *self)

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
        found = []
        for axis, (side, kernel_side) in enumerate(zip(sides, kernel_sides, strict=True)):
            span = self.dilation[axis] * (kernel_side - 1)
            step, around = self.stride[axis], 2 * self.padding[axis]
            if self.transposed:
                found.append((side - 1) * step - around + span + self.output_padding[axis] + 1)
            else:
                found.append((side + around - span - 1) // step + 1)
        return tuple(found)
