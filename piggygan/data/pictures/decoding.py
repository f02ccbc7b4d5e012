"""PNG and JPEG files decoded: completely, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps

from piggygan.data.content import check_size
from piggygan.data.pictures.jpeg_segments import SIGNATURE as JPEG_SIGNATURE
from piggygan.data.pictures.jpeg_segments import JpegOutline, outline_of, with_surplus
from piggygan.data.pictures.png_chunks import check_rows, png_header
from piggygan.data.quiet import without_warnings
from piggygan.errors import ImageError, InputTooLargeError
from piggygan.files.regular import shown

if TYPE_CHECKING:
    from jaxtyping import Float32

_STRIP = 256
"""Rows that are compared at once."""


@dataclass(frozen=True)
class DecodedImage:
    """A picture as its file has it, turned upright.

    Attributes:
        mode: Pillow's name of the pixel format.
        values: ``(height, width)`` or ``(height, width, bands)``; palette indices where ``mode`` is ``"P"``.
        colours: The same picture as Pillow's RGB or grey values where they are not ``values`` themselves.
        kind: ``"PNG"`` or ``"JPEG"``.
        bits: Of one sample in the file.
    """

    mode: str
    values: np.ndarray[Any, Any]
    colours: np.ndarray[Any, Any]
    kind: str
    bits: int


def decode_image(content: bytes, path: Path, *, max_pixels: int) -> DecodedImage:
    """Decode the bytes of a PNG or JPEG file completely, or raise.

    Checked before and after Pillow decodes, since it fills up what is missing: the size and the checksums, that a PNG
    has the rows that it announces, and that a JPEG's data reach to its last pixel.

    Args:
        content: All of the file.
        path: For messages only.
        max_pixels: Larger pictures are refused before they are decoded.

    Raises:
        ImageError: If it is neither, or cut or corrupt anywhere that matters.
        InputTooLargeError: If it has more than ``max_pixels`` pixels; nothing is decoded then.
    """
    if content.startswith(JPEG_SIGNATURE):
        return _decoded_jpeg(content, path, max_pixels)
    try:
        header = png_header(content)
    except ImageError as error:
        raise ImageError(
            f"{shown(path)} is not a PNG or JPEG image (what counts is its content, not its name): {error}."
        ) from None
    check_size(path, header.width, header.height, max_pixels)
    with _pillow_failures(path):
        check_rows(content, header)
        image = _opened(content)
        image.load()
        return _upright(image, "PNG", header.depth)


def to_unit(values: np.ndarray[Any, Any], path: Path) -> Float32[np.ndarray, "bands height width"]:
    """Scale whole numbers to 0..1 by the range of their type, band by band."""
    # Pillow versions differ in how they call 16-bit grey: unsigned 16 bits, or signed 32 bits.
    full_scale = {"bool": 1.0, "uint8": 255.0, "uint16": 65535.0, "int32": 65535.0}.get(values.dtype.name)
    if full_scale is None:
        raise ImageError(f"{shown(path)} has pixels of type {values.dtype}, which PNG and JPEG do not have.")
    bands = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    unit = bands.astype(np.float32, order="C")
    unit /= np.float32(full_scale)
    return unit


def check_jpeg_data(stream: bytes, outline: JpegOutline, decoded: Image.Image | None = None) -> None:
    """Make sure that a JPEG stream holds data for all of its pixels: decoders paint grey where they end.

    It is decoded once more with bytes put behind the data. A decoder that had all of them passes over these, and
    makes the same picture.

    Args:
        stream: Of 8 bits with Huffman codes.
        outline: Of this stream.
        decoded: What it decodes to, if somebody has that.

    Raises:
        ImageError: If the data end too early.
    """
    decoded = decoded or _opened(stream)
    decoded.load()
    other = _opened(with_surplus(stream, outline))
    other.load()
    width, height = decoded.size
    for top in range(0, height, _STRIP):
        strip = (0, top, width, min(height, top + _STRIP))
        if decoded.crop(strip).tobytes() != other.crop(strip).tobytes():
            raise ImageError("its data end before its last pixel")


def _decoded_jpeg(content: bytes, path: Path, max_pixels: int) -> DecodedImage:
    with _pillow_failures(path):
        outline = outline_of(content)
    check_size(path, outline.columns, outline.rows, max_pixels)
    with _pillow_failures(path):
        if not outline.is_for_everyone:
            raise ImageError(f"it is a JPEG of a kind that is not read ({outline.precision} bits)")
        image = _opened(content)
        if image.size != (outline.columns, outline.rows):
            raise ImageError("its size is announced twice, and differently")
        image.load()
        check_jpeg_data(content, outline, image)
        return _upright(image, "JPEG", outline.precision)


def _opened(content: bytes) -> Image.Image:
    with without_warnings():  # among them Pillow's own about size: max_pixels is the stricter rule
        return Image.open(BytesIO(content), formats=["PNG", "JPEG"])


def _upright(image: Image.Image, kind: str, bits: int) -> DecodedImage:
    with without_warnings():
        image = ImageOps.exif_transpose(image)
        plain = _plain_colours(image)
    values = np.asarray(image)
    return DecodedImage(image.mode, values, values if plain is image else np.asarray(plain), kind, bits)


@contextmanager
def _pillow_failures(path: Path) -> Iterator[None]:
    """Turn whatever is found or raised into an ImageError that says what is wrong with the file."""
    try:
        yield
    except ImageError as error:
        raise type(error)(f"{shown(path)} is cut or corrupt: {error}.") from None
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        raise InputTooLargeError(f"{shown(path)} has more pixels than Pillow ever decodes: {error}") from error
    except Exception as error:
        # On broken files its parsers raise OSError, SyntaxError, ValueError, struct.error and more; which, is
        # no promise of Pillow's.
        raise ImageError(f"{shown(path)} is cut or corrupt ({type(error).__name__}).") from error


def _plain_colours(image: Image.Image) -> Image.Image:
    """Convert to one of the modes 1, L, I;16, I, RGB; transparency is laid over black."""
    if image.mode in ("LA", "RGBA") or ("transparency" in image.info and image.mode in ("L", "RGB", "P")):
        colours = image.convert("RGBA")
        black = Image.new("RGBA", colours.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, colours).convert("RGB")
    return image.convert("RGB") if image.mode in ("P", "CMYK", "YCbCr") else image
