"""DecodedImage: what every kind of picture file is decoded to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from piggygan.errors import ImageError
from piggygan.files.regular import shown

if TYPE_CHECKING:
    from jaxtyping import Float32

PictureKind = Literal["PNG", "JPEG", "TIFF", "WebP", "BMP", "NumPy"]
KINDS: tuple[PictureKind, ...] = ("PNG", "JPEG", "TIFF", "WebP", "BMP", "NumPy")
MAX_CHANNELS = 64
"""Of a picture: satellites have a dozen; more are hardly channels."""

# Pillow versions differ in how they call 16-bit grey: unsigned 16 bits, or signed 32 bits.
_FULL_SCALE = {"bool": 1.0, "uint8": 255.0, "uint16": 65535.0, "int32": 65535.0, "uint32": 4294967295.0}
_FLOATS = ("float16", "float32", "float64")


@dataclass(frozen=True)
class DecodedImage:
    """A picture as its file has it, turned upright.

    Attributes:
        mode: Pillow's name of the pixel format; ``"bands"`` where Pillow has none.
        values: ``(height, width)`` or ``(height, width, bands)``; palette indices where ``mode`` is ``"P"``.
        colours: The same picture without a palette, and with what is transparent laid over black.
        kind: By the file's content.
        bits: Of one sample in the file.
    """

    mode: str
    values: np.ndarray[Any, Any]
    colours: np.ndarray[Any, Any]
    kind: PictureKind
    bits: int


def to_unit(values: np.ndarray[Any, Any], path: Path) -> Float32[np.ndarray, "bands height width"]:
    """Scale a picture to 0..1, band by band: whole numbers by the range of their type, others not at all.

    Args:
        values: ``(height, width)`` or ``(height, width, bands)``.
        path: For messages only.

    Raises:
        ImageError: If numbers that are not whole are outside 0..1, or are none; if they are of no type that is read.
    """
    if values.dtype.name not in (*_FULL_SCALE, *_FLOATS):
        raise ImageError(f"{shown(path)} has pixels of type {values.dtype}, which are not read: take uint8 or uint16.")
    bands = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    unit = bands.astype(np.float32, order="C")
    if values.dtype.name in _FLOATS:
        least, most = float(unit.min()), float(unit.max())
        if not (least >= 0.0 and most <= 1.0):  # false for what is no number, too
            raise ImageError(
                f"{shown(path)} has numbers from {least:g} to {most:g}; of numbers with a fraction 0 is black and 1 is "
                f"white: scale them to 0..1."
            )
        return unit
    unit /= np.float32(_FULL_SCALE[values.dtype.name])
    return unit
