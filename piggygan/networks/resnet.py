"""The residual generator of CycleGAN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from piggygan.networks.checks import check_at_least, check_images
from piggygan.networks.initialization import initialize
from piggygan.networks.normalization import NormKind, check_norm, make_norm, needs_bias
from piggygan.networks.padding import ReflectionPad
from piggygan.networks.upsampling import Upsampling, check_upsampling, chosen_upsampling, interpolated

if TYPE_CHECKING:
    from jaxtyping import Float


class ResNetGenerator(nn.Module):
    """Translate images by residual blocks at a quarter of their size.

    Zhu et al. 2017, appendix 7.2, after Johnson et al. 2016. State dicts of resnet_6blocks and resnet_9blocks
    of pytorch-CycleGAN-and-pix2pix load with ``affine=False``.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        blocks: Residual blocks; 9 for images of 256 pixels, 6 for 128.
        width: Channels at full size; a quarter of the size has four times as many.
        norm: Kind of normalization.
        affine: Whether instance normalization learns a scale and a shift per channel.
        dropout: Drop half of the activations inside each residual block while training.
        upsampling: How sides are doubled; other than ``"transposed"`` names differ from CycleGAN's.

    Shape:
        ``(batch, in_channels, height, width)`` to ``(batch, out_channels, height, width)`` in [-1, 1]; sides are
        multiples of 4, at least 8.

    Raises:
        ConfigurationError: If an argument is outside its range.

    Example:
        >>> import torch
        >>> generator = ResNetGenerator(blocks=2, width=4)
        >>> tuple(generator(torch.zeros(1, 3, 16, 20)).shape)
        (1, 3, 16, 20)
    """

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        blocks: int = 9,
        width: int = 64,
        norm: NormKind = "instance",
        affine: bool = True,
        dropout: bool = False,
        upsampling: Upsampling = "transposed",
    ) -> None:
        super().__init__()
        check_at_least(1, in_channels=in_channels, out_channels=out_channels, width=width)
        check_at_least(0, blocks=blocks)
        check_norm(norm)
        check_upsampling(upsampling)
        self._arguments = {
            "in_channels": in_channels,
            "out_channels": out_channels,
            "blocks": blocks,
            "width": width,
            "norm": norm,
            "affine": affine,
            "dropout": dropout,
            **chosen_upsampling(upsampling),
        }
        bias = needs_bias(norm)
        layers: list[nn.Module] = [
            ReflectionPad(3),
            nn.Conv2d(in_channels, width, kernel_size=7, bias=bias),
            make_norm(norm, width, affine),
            nn.ReLU(),
        ]
        for outer, inner in ((width, 2 * width), (2 * width, 4 * width)):
            layers += [
                nn.Conv2d(outer, inner, kernel_size=3, stride=2, padding=1, bias=bias),
                make_norm(norm, inner, affine),
                nn.ReLU(),
            ]
        layers += [_ResidualBlock(4 * width, norm, affine, dropout) for _ in range(blocks)]
        for inner, outer in ((4 * width, 2 * width), (2 * width, width)):
            layers += [
                _doubling(inner, outer, bias) if upsampling == "transposed" else interpolated(inner, outer, bias),
                make_norm(norm, outer, affine),
                nn.ReLU(),
            ]
        layers += [ReflectionPad(3), nn.Conv2d(width, out_channels, kernel_size=7), nn.Tanh()]
        self.model = nn.Sequential(*layers)
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
            InputError: If the input is no batch of float images with sides divisible by 4 and at least 8.
        """
        # A side of 4 would be 1 at a quarter of the size, which cannot be padded by reflection.
        check_images(images, multiple=4, smallest=8, network=type(self).__name__)
        output: Tensor = self.model(images)
        return output


class _ResidualBlock(nn.Module):
    """Add what two convolutions make of the features to the features (He et al. 2016)."""

    def __init__(self, channels: int, norm: NormKind, affine: bool, dropout: bool) -> None:
        super().__init__()
        bias = needs_bias(norm)
        self.conv_block = nn.Sequential(
            ReflectionPad(1),
            nn.Conv2d(channels, channels, kernel_size=3, bias=bias),
            make_norm(norm, channels, affine),
            nn.ReLU(),
            *([nn.Dropout(0.5)] if dropout else []),
            ReflectionPad(1),
            nn.Conv2d(channels, channels, kernel_size=3, bias=bias),
            make_norm(norm, channels, affine),
        )

    def forward(self, features: Tensor) -> Tensor:
        output: Tensor = features + self.conv_block(features)
        return output


def _doubling(c_in: int, c_out: int, bias: bool) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(c_in, c_out, kernel_size=3, stride=2, padding=1, output_padding=1, bias=bias)
