"""The two kinds of normalization that the networks are built with."""

from __future__ import annotations

from typing import Literal, get_args

from torch import nn

from piggygan.errors import ConfigurationError

NormKind = Literal["batch", "instance"]
"""``"batch"`` normalizes by running statistics in evaluation, ``"instance"`` each image by itself, always."""


def check_norm(norm: str) -> None:
    """Refuse an unknown kind of normalization.

    Raises:
        ConfigurationError: Naming the kinds there are.
    """
    if norm not in get_args(NormKind):
        raise ConfigurationError(f"norm is {norm!r}; choose one of {', '.join(get_args(NormKind))}.")


def make_norm(norm: NormKind, channels: int, affine: bool) -> nn.Module:
    """Build a normalization layer.

    Args:
        norm: Which kind.
        channels: Channels of what it normalizes.
        affine: Learn a scale and a shift per channel; batch normalization always does.
    """
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    return nn.InstanceNorm2d(channels, affine=affine)


def needs_bias(norm: NormKind) -> bool:
    """Say whether a convolution before this normalization has a bias in pytorch-CycleGAN-and-pix2pix.

    It would change nothing in either case, since both kinds subtract the mean; but its files have it.
    """
    return norm == "instance"
