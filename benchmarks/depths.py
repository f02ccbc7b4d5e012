"""How deep a U-Net is for a size of images."""

from __future__ import annotations

from piggygan.errors import ConfigurationError

SMALLEST_DEPTH = 4


def unet_depth(size: int) -> int:
    """Choose how often a U-Net halves an image of a side: as often as it goes, 8 times at most.

    Raises:
        ConfigurationError: If that is so seldom that figures of it would say nothing of a U-Net.
    """
    depth = (size & -size).bit_length() - 1
    if depth < SMALLEST_DEPTH:
        raise ConfigurationError(
            f"a size of {size} can be halved {max(depth, 0)} times, which is no U-Net to measure: "
            f"take a multiple of {2**SMALLEST_DEPTH}, a power of two best."
        )
    return min(depth, 8)
