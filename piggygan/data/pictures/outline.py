"""What the head of a picture file says, before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from piggygan.data.content import MAX_PIXELS, failures_named, read_content
from piggygan.data.pictures.bmp_header import bmp_header
from piggygan.data.pictures.decoded import PictureKind
from piggygan.data.pictures.decoding import kind_of
from piggygan.data.pictures.jpeg_segments import outline_of
from piggygan.data.pictures.numpy_array import numpy_header
from piggygan.data.pictures.png_chunks import png_header
from piggygan.data.pictures.tiff import tiff_header
from piggygan.data.pictures.webp_chunks import webp_size
from piggygan.errors import ImageError

_PNG_BANDS = {0: 1, 2: 3, 3: 3, 4: 1, 6: 3}


@dataclass(frozen=True)
class PictureOutline:
    """What a picture is, as its file announces it.

    Attributes:
        kind: Of the file.
        width: In pixels, as stored: an orientation may turn it.
        height: Likewise.
        bands: How many channels there are to see, without how opaque they are.
        bits: Of one sample.
        is_float: Whether samples are numbers with a fraction.
    """

    kind: PictureKind
    width: int
    height: int
    bands: int
    bits: int
    is_float: bool = False


def picture_outline(content: bytes) -> PictureOutline | None:
    """Read what a file announces.

    Args:
        content: All of the file.

    Returns:
        None if it is no picture of a kind that is read; DICOM is none.

    Raises:
        ImageError: If its head is broken.

    Example:
        >>> from io import BytesIO
        >>> from PIL import Image
        >>> file = BytesIO()
        >>> Image.new("RGB", (3, 2)).save(file, "BMP")
        >>> picture_outline(file.getvalue())
        PictureOutline(kind='BMP', width=3, height=2, bands=3, bits=8, is_float=False)
    """
    kind = kind_of(content)
    return None if kind is None else _READERS[kind](content)


def picture_size(path: Path) -> tuple[int, int] | None:
    """Read width and height of a picture from its head; None if it is none, or DICOM."""
    try:
        with failures_named(path):
            outline = picture_outline(read_content(path, max_pixels=MAX_PIXELS))
    except ImageError:
        return None
    return None if outline is None else (outline.width, outline.height)


class _Reader(Protocol):
    def __call__(self, content: bytes) -> PictureOutline: ...


def _png(content: bytes) -> PictureOutline:
    header = png_header(content)
    return PictureOutline("PNG", header.width, header.height, _PNG_BANDS[header.colour], header.depth)


def _jpeg(content: bytes) -> PictureOutline:
    outline = outline_of(content)
    bands = 1 if outline.components == 1 else 3
    return PictureOutline("JPEG", outline.columns, outline.rows, bands, outline.precision)


def _tiff(content: bytes) -> PictureOutline:
    header = tiff_header(content)
    return PictureOutline("TIFF", header.width, header.height, header.bands, header.bits, header.is_float)


def _webp(content: bytes) -> PictureOutline:
    return PictureOutline("WebP", *webp_size(content), 3, 8)


def _bmp(content: bytes) -> PictureOutline:
    header = bmp_header(content)
    return PictureOutline("BMP", header.width, header.height, 1 if header.is_grey else 3, min(8, header.depth))


def _numpy(content: bytes) -> PictureOutline:
    header = numpy_header(content)
    is_float = header.kind.kind == "f"
    return PictureOutline("NumPy", header.width, header.height, header.bands, header.bits, is_float)


_READERS: dict[PictureKind, _Reader] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "TIFF": _tiff,
    "WebP": _webp,
    "BMP": _bmp,
    "NumPy": _numpy,
}
