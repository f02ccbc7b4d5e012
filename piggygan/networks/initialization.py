"""How the networks' weights start."""

from __future__ import annotations

from torch import nn


def initialize(module: nn.Module, gain: float = 0.02) -> None:
    """Draw all weights afresh: convolutions from N(0, gain), norm scales from N(1, gain), biases and shifts 0.

    Running statistics are those of a new layer.

    The start of pix2pix (Isola et al. 2017, appendix 6.2) and CycleGAN (Zhu et al. 2017, appendix 7.1).

    Args:
        module: Changed in place, with all it contains.
        gain: Standard deviation.

    Example:
        >>> from torch import nn
        >>> conv = nn.Conv2d(1, 4, 3)
        >>> initialize(conv)
        >>> conv.bias.tolist()
        [0.0, 0.0, 0.0, 0.0]
    """
    for part in module.modules():
        if isinstance(part, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(part.weight, 0.0, gain)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, (nn.BatchNorm2d, nn.InstanceNorm2d)):
            part.reset_running_stats()
            if part.affine:
                nn.init.normal_(part.weight, 1.0, gain)
                nn.init.zeros_(part.bias)
