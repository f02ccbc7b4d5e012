"""The discriminator of pix2pix and CycleGAN, which judges patches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from piggygan.networks.checks import check_at_least, check_images
from piggygan.networks.initialization import initialize
from piggygan.networks.normalization import NormKind, check_norm, make_norm, needs_bias

if TYPE_CHECKING:
    from jaxtyping import Float

WIDEST = 8
"""No layer has more than this many times the first layer's channels."""


class PatchDiscriminator(nn.Module):
    """Judge each overlapping patch of an image: real or generated.

    Isola et al. 2017, section 3.2.2 and appendix 6.1.2; with 3 layers a patch has 70 x 70 pixels. Names of layers as
    in pytorch-CycleGAN-and-pix2pix.

    Args:
        in_channels: Channels of what is judged; of the input and output together where it is conditional.
        width: Channels of the first layer; the next have 2, 4, 8, 8 ... times as many.
        layers: Layers that halve the sides. A patch has 16, 34, 70, 142 pixels for 1, 2, 3, 4 layers.
        norm: Kind of normalization.
        affine: Whether instance normalization learns a scale and a shift per channel.

    Shape:
        ``(batch, in_channels, height, width)`` to scores ``(batch, 1, h, w)``, one a patch, with
        ``h = height // 2**layers - 2``: logits, with no sigmoid applied.

    Raises:
        ConfigurationError: If an argument is outside its range.

    Example:
        >>> import torch
        >>> discriminator = PatchDiscriminator(in_channels=6, width=4)
        >>> tuple(discriminator(torch.zeros(1, 6, 256, 256)).shape)
        (1, 1, 30, 30)
    """

    def __init__(
        self,
        in_channels: int,
        width: int = 64,
        layers: int = 3,
        norm: NormKind = "instance",
        affine: bool = True,
    ) -> None:
        super().__init__()
        check_at_least(1, in_channels=in_channels, width=width, layers=layers)
        check_norm(norm)
        self._arguments = {
            "in_channels": in_channels,
            "width": width,
            "layers": layers,
            "norm": norm,
            "affine": affine,
        }
        self._smallest_side = 3 * 2**layers  # the two last layers take one pixel each, and one must be left
        bias = needs_bias(norm)
        channels = [width * min(2**layer, WIDEST) for layer in range(layers + 1)]
        model: list[nn.Module] = [
            nn.Conv2d(in_channels, width, kernel_size=4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
        ]
        for layer in range(1, layers + 1):
            c_in, c_out = channels[layer - 1], channels[layer]
            stride = 2 if layer < layers else 1
            model += [
                nn.Conv2d(c_in, c_out, kernel_size=4, stride=stride, padding=1, bias=bias),
                make_norm(norm, c_out, affine),
                nn.LeakyReLU(0.2),
            ]
        model += [nn.Conv2d(channels[-1], 1, kernel_size=4, padding=1)]
        self.model = nn.Sequential(*model)
        initialize(self)

    @property
    def arguments(self) -> dict[str, Any]:
        """What the constructor was called with, as values that JSON can hold."""
        return dict(self._arguments)

    def forward(
        self, images: Float[Tensor, "batch in_channels height width"]
    ) -> Float[Tensor, "batch 1 patch_rows patch_columns"]:
        """Score the patches of a batch of images.

        Raises:
            InputError: If the input is no batch of float images with sides of at least ``3 * 2**layers``.
        """
        check_images(images, multiple=1, smallest=self._smallest_side, network=type(self).__name__)
        scores: Tensor = self.model(images)
        return scores
