"""The U-Net generator of pix2pix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from piggygan.networks.checks import check_at_least, check_images
from piggygan.networks.initialization import initialize
from piggygan.networks.normalization import NormKind, check_norm, make_norm, needs_bias
from piggygan.networks.upsampling import Upsampling, check_upsampling, chosen_upsampling, interpolated

if TYPE_CHECKING:
    from jaxtyping import Float

WIDEST = 8
"""No level has more than this many times the first level's channels."""


class UNetGenerator(nn.Module):
    """Translate images through halvings down to a bottleneck and back, with a skip connection at each size.

    Isola et al. 2017, section 3.2.1 and appendix 6.1.1. State dicts of unet_128 (``depth=7``) and unet_256
    (``depth=8``) of pytorch-CycleGAN-and-pix2pix load with ``norm="batch"``; of theirs with instance norm,
    with ``norm="instance", affine=False``.

    In evaluation an output depends on its own input only. (pix2pix tests with the statistics of the test
    batch and with dropout on; here neither is done.)

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        depth: How often the sides are halved; they must be multiples of ``2**depth``.
        width: Channels of the first level; the next have 2, 4, 8, 8 ... times as many.
        norm: Kind of normalization.
        affine: Whether instance normalization learns a scale and a shift per channel.
        dropout: Drop half of the activations of the inner decoder levels while training.
        upsampling: How sides are doubled; other than ``"transposed"`` names differ from pix2pix's.

    Shape:
        ``(batch, in_channels, height, width)`` to ``(batch, out_channels, height, width)`` in [-1, 1].

    Raises:
        ConfigurationError: If an argument is outside its range.

    Example:
        >>> generator = UNetGenerator(in_channels=1, out_channels=2, depth=5, width=4)
        >>> tuple(generator(torch.zeros(1, 1, 32, 64)).shape)
        (1, 2, 32, 64)
    """

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        depth: int = 8,
        width: int = 64,
        norm: NormKind = "instance",
        affine: bool = True,
        dropout: bool = False,
        upsampling: Upsampling = "transposed",
    ) -> None:
        super().__init__()
        check_at_least(1, in_channels=in_channels, out_channels=out_channels, width=width)
        check_at_least(2, depth=depth)
        check_norm(norm)
        check_upsampling(upsampling)
        self._arguments = {
            "in_channels": in_channels,
            "out_channels": out_channels,
            "depth": depth,
            "width": width,
            "norm": norm,
            "affine": affine,
            "dropout": dropout,
            **chosen_upsampling(upsampling),
        }
        self._side_multiple = 2**depth
        bias = needs_bias(norm)
        doubling = _doubling if upsampling == "transposed" else interpolated
        channels = [width * min(2**level, WIDEST) for level in range(depth)]
        block = _SkipBlock(
            nn.LeakyReLU(0.2),
            _halving(channels[-2], channels[-1], bias),
            nn.ReLU(),
            doubling(channels[-1], channels[-2], bias),
            make_norm(norm, channels[-2], affine),
        )
        for outer, inner in zip(channels[-3::-1], channels[-2:0:-1], strict=True):
            block = _SkipBlock(
                nn.LeakyReLU(0.2),
                _halving(outer, inner, bias),
                make_norm(norm, inner, affine),
                block,
                nn.ReLU(),
                doubling(2 * inner, outer, bias),
                make_norm(norm, outer, affine),
                *([nn.Dropout(0.5)] if dropout and outer == WIDEST * width else []),
            )
        self.model = _OutermostBlock(
            _halving(in_channels, width, bias),
            block,
            nn.ReLU(),
            doubling(2 * width, out_channels, bias=True),
            nn.Tanh(),
        )
        initialize(self)

    @property
    def arguments(self) -> dict[str, Any]:
        """What the constructor was called with, as values that JSON can hold."""
        return dict(self._arguments)

    def forward(
        self, images: Float[Tensor, "batch in_channels height width"]
    ) -> Float[Tensor, "batch out_channels height width"]:
        """Translate a batch of images.

        Raises:
            InputError: If the input is no batch of float images with sides divisible by ``2**depth``.
        """
        multiple = self._side_multiple
        check_images(images, multiple=multiple, smallest=multiple, network=type(self).__name__)
        output: Tensor = self.model(images)
        return output


class _SkipBlock(nn.Module):
    """Layers beside a skip connection: ``x`` to ``[x, layers(x)]`` along the channels.

    In pytorch-CycleGAN-and-pix2pix the LeakyReLU works in place, on the very tensor that is then concatenated:
    its skips carry activated features. The next layer outwards is always a ReLU, and
    relu(leaky_relu(x)) = relu(x), gradients included, so the plain skip here computes the same.
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.model = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat([features, self.model(features)], dim=1)


class _OutermostBlock(nn.Module):
    """The first and last layers, with no skip around them. A module of its own only for the layers' names."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.model = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        output: Tensor = self.model(images)
        return output


def _halving(c_in: int, c_out: int, bias: bool) -> nn.Conv2d:
    return nn.Conv2d(c_in, c_out, kernel_size=4, stride=2, padding=1, bias=bias)


def _doubling(c_in: int, c_out: int, bias: bool) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(c_in, c_out, kernel_size=4, stride=2, padding=1, bias=bias)
