"""How a generator doubles the sides of its features: two ways, of which one leaves no checkerboard."""

from __future__ import annotations

from typing import Literal, get_args

from torch import nn

from piggygan.errors import ConfigurationError
from piggygan.networks.padding import ReflectionPad

Upsampling = Literal["transposed", "interpolated"]
"""``"transposed"`` convolutions are those of pix2pix and CycleGAN. ``"interpolated"`` repeats each pixel and then
convolves: no pixel is reached by more taps than its neighbour (Odena et al. 2016, Deconvolution and Checkerboard
Artifacts)."""


def check_upsampling(upsampling: str) -> None:
    """Refuse an unknown way.

    Raises:
        ConfigurationError: Naming those there are.
    """
    if upsampling not in get_args(Upsampling):
        raise ConfigurationError(f"upsampling is {upsampling!r}; choose one of {', '.join(get_args(Upsampling))}.")


def chosen_upsampling(upsampling: Upsampling) -> dict[str, str]:
    """Return the argument as a network records it: nothing for the default, which older records do not name."""
    return {} if upsampling == "transposed" else {"upsampling": upsampling}


def interpolated(c_in: int, c_out: int, bias: bool) -> nn.Sequential:
    """Double the sides by repeating pixels, then convolve."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"),
        ReflectionPad(1),
        nn.Conv2d(c_in, c_out, kernel_size=3, bias=bias),
    )
