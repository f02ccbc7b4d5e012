"""What a person looks at: masks and pictures as PNG, and a mask laid over what it was made of."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from piggygan.data.framing import resized
from piggygan.data.images import levels_of
from piggygan.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, UInt8

LARGEST_PREVIEW = 1024
"""Pixels of the longer side of an overlay."""

_COLOUR = np.array([230, 159, 0])  # Okabe and Ito's orange, which everybody can tell from grey
_TINT = 0.25
_TINTED = (np.arange(256)[:, None] * (1.0 - _TINT) + _COLOUR * _TINT).round().astype(np.uint8)
"""What each grey becomes under a mask, in red, green and blue."""
_FAST = 1
"""Level of compression: films have noise, which the usual level compresses hardly better in four times the time."""


def mask_png(mask: Bool[np.ndarray, "rows columns"]) -> bytes:
    """Write a mask as an 8-bit PNG of 0 and 255."""
    return _png(mask.astype(np.uint8) * 255)


def picture_png(picture: Float[Tensor, "channels rows columns"]) -> bytes:
    """Write a picture of 1 or 3 channels as an 8-bit PNG.

    Raises:
        InputError: If it has values outside [-1, 1] by more than rounding.
    """
    # Not `> 1.001`: a comparison with NaN is false, and NaN must be refused.
    if not bool((picture.abs() <= 1.001).all()):
        raise InputError("the network gave values outside [-1, 1], which are no picture.")
    return _png(levels_of(picture))


def share_png(share: Float[Tensor, "rows columns"]) -> bytes:
    """Write numbers from 0, black, to 1, white, as an 8-bit PNG."""
    return _png((share.clamp(0, 1) * 255).round().to(torch.uint8).numpy())


def preview_of(
    picture: Float[Tensor, "channels rows columns"], aspect: float = 1.0
) -> UInt8[np.ndarray, "height width 3"]:
    """Make a picture small enough to look at, with square pixels.

    Args:
        picture: In [-1, 1].
        aspect: Height of one of its pixels, its width being 1.
    """
    picture = one_band(picture)
    rows, columns = picture.shape[-2:]
    tall, wide = rows * max(1.0, aspect), columns * max(1.0, 1.0 / aspect)
    scale = min(1.0, LARGEST_PREVIEW / max(tall, wide))
    levels = levels_of(resized(picture, max(1, round(tall * scale)), max(1, round(wide * scale))))
    return levels if levels.ndim == 3 else np.repeat(levels[..., None], 3, axis=2)


def preview_png(picture: Float[Tensor, "channels rows columns"], aspect: float = 1.0) -> bytes:
    """Write what :func:`preview_of` makes as an 8-bit PNG."""
    return _png(preview_of(picture, aspect))


def overlay_png(preview: UInt8[np.ndarray, "height width 3"], mask: Bool[np.ndarray, "rows columns"]) -> bytes:
    """Draw a mask over a preview: what it covers is tinted, and its outline drawn."""
    levels = torch.from_numpy(mask.astype(np.uint8))[None]
    small = resized(levels, preview.shape[0], preview.shape[1], "nearest")[0].numpy() > 0
    drawn = preview.copy()
    for channel in range(3):
        drawn[..., channel][small] = _TINTED[:, channel][preview[..., channel][small]]
    drawn[small & ~_eroded(small)] = _COLOUR
    return _png(drawn)


def one_band(picture: Float[Tensor, "channels rows columns"]) -> Float[Tensor, "bands rows columns"]:
    """Take one channel of a grey picture whose channels share their memory, and all of another one."""
    return picture[:1] if picture.stride(0) == 0 else picture


def _eroded(mask: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Take away the pixels that have background beside them; beyond the border a mask goes on."""
    inner = np.pad(mask, 1, mode="edge")
    return np.asarray(mask & inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:])


def _png(pixels: UInt8[np.ndarray, "rows columns ..."]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, format="PNG", compress_level=_FAST)
    return file.getvalue()
