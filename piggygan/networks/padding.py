"""Padding by reflection whose gradients are added up in one order, on every device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from jaxtyping import Float


class ReflectionPad(nn.Module):
    """Go on beyond each border with the mirrored image, as ``nn.ReflectionPad2d`` does.

    That one's gradients on CUDA are added up in whatever order threads come: two runs differ in the last bits, and
    ``torch.use_deterministic_algorithms`` refuses it. Here they are sums of slices.

    Args:
        padding: Pixels on each side; fewer than the image has.

    Shape:
        ``(batch, channels, height, width)`` to the same with ``2 * padding`` more on both axes.

    Example:
        >>> ReflectionPad(1)(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))[0, 0, 1].tolist()
        [2.0, 1.0, 2.0, 1.0]
    """

    def __init__(self, padding: int) -> None:
        super().__init__()
        self.padding = padding

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels padded_height padded_width"]:
        """Pad a batch of images."""
        if torch.is_grad_enabled() and images.requires_grad:
            padded: Tensor = _Reflection.apply(images, self.padding)  # type: ignore[no-untyped-call]
            return padded
        return _reflect(images, self.padding)

    def extra_repr(self) -> str:
        """Show the padding."""
        return str(self.padding)


class _Reflection(torch.autograd.Function):
    """Torch's own padding, and its gradient by slices."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, padding: int) -> Tensor:
        ctx.padding = padding
        return _reflect(images, padding)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return fold_reflection(fold_reflection(gradient, ctx.padding, 3), ctx.padding, 2), None


def fold_reflection(padded: Tensor, padding: int, axis: int) -> Tensor:
    """Add what lies beyond two borders to where it was mirrored from.

    Args:
        padded: The gradient of a padded image.
        padding: Pixels on each side.
        axis: Along which.

    Example:
        >>> fold_reflection(torch.tensor([10.0, 1.0, 2.0, 3.0, 20.0]), 1, 0).tolist()
        [1.0, 32.0, 3.0]
    """
    size = padded.shape[axis] - 2 * padding
    inner = padded.narrow(axis, padding, size).clone()
    inner.narrow(axis, 1, padding).add_(padded.narrow(axis, 0, padding).flip(axis))
    inner.narrow(axis, size - 1 - padding, padding).add_(padded.narrow(axis, padding + size, padding).flip(axis))
    return inner


def _reflect(images: Tensor, padding: int) -> Tensor:
    return functional.pad(images, [padding] * 4, mode="reflect")
