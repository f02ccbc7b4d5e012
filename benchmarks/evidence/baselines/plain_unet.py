"""The plain 2-d U-Net that nnU-Net plans for films, written anew (Isensee et al., Nature Methods 2021).

Two 3 x 3 convolutions a level, each followed by instance normalization and LeakyReLU(0.01); a level is halved by a
stride of its first convolution, channels double up to 16 times the first level's, transposed convolutions double the
sides again, and skips are concatenated. Every decoder level answers, for deep supervision.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

WIDEST = 16
"""Times the channels of the first level: 512 where it has 32, as in nnU-Net."""
SLOPE = 0.01
"""Of what is below 0."""


class PlainUNet(nn.Module):
    """Grey pictures to the logits of one mask.

    Args:
        levels: How many sizes there are.
        width: Channels of the first.
    """

    def __init__(self, levels: int, width: int) -> None:
        super().__init__()
        channels = [width * min(2**level, WIDEST) for level in range(levels)]
        self.encoder = nn.ModuleList([_level(1, width, stride=1)])
        self.encoder.extend(_level(outer, inner, stride=2) for outer, inner in pairwise(channels))
        self.doublings, self.decoder, self.answers = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for inner, outer in pairwise(reversed(channels)):
            self.doublings.append(nn.ConvTranspose2d(inner, outer, kernel_size=2, stride=2))
            self.decoder.append(_level(2 * outer, outer, stride=1))
            self.answers.append(nn.Conv2d(outer, 1, kernel_size=1))
        for part in self.modules():
            if isinstance(part, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.kaiming_normal_(part.weight, a=SLOPE)
                if part.bias is not None:
                    nn.init.zeros_(part.bias)

    def logits(self, films: Tensor) -> list[Tensor]:
        """Return the logits at each size, largest first."""
        skips: list[Tensor] = []
        for level in self.encoder:
            films = level(films)
            skips.append(films)
        features, found = skips.pop(), []
        for doubling, level, answer in zip(self.doublings, self.decoder, self.answers, strict=True):
            features = level(torch.cat([doubling(features), skips.pop()], dim=1))
            found.append(answer(features))
        return found[::-1]

    def forward(self, pictures: Tensor) -> Tensor:
        """Translate as the other contenders do: ``(batch, 3, height, width)`` in [-1, 1] in and out."""
        return torch.tanh(self.logits(standardized(pictures))[0] / 2).expand_as(pictures)  # 2 * sigmoid - 1


def standardized(pictures: Tensor) -> Tensor:
    """Return grey pictures of mean 0 and standard deviation 1 each: nnU-Net's z-score."""
    grey = pictures.mean(1, keepdim=True)
    mean, deviation = grey.mean((1, 2, 3), keepdim=True), grey.std((1, 2, 3), keepdim=True)
    return (grey - mean) / deviation.clamp(min=1e-8)


def _level(c_in: int, c_out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(*_convolution(c_in, c_out, stride), *_convolution(c_out, c_out, 1))


def _convolution(c_in: int, c_out: int, stride: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(c_in, c_out, kernel_size=3, stride=stride, padding=1),
        nn.InstanceNorm2d(c_out, affine=True),
        nn.LeakyReLU(SLOPE),
    )
