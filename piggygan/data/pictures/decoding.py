"""Picture files decoded: completely, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from piggygan.data.content import check_size
from piggygan.data.pictures.bmp_header import SIGNATURE as BMP_SIGNATURE
from piggygan.data.pictures.bmp_header import bmp_header
from piggygan.data.pictures.decoded import KINDS, DecodedImage, PictureKind
from piggygan.data.pictures.jpeg_segments import SIGNATURE as JPEG_SIGNATURE
from piggygan.data.pictures.jpeg_segments import JpegOutline, outline_of, with_surplus
from piggygan.data.pictures.numpy_array import SIGNATURE as NUMPY_SIGNATURE
from piggygan.data.pictures.numpy_array import decode_numpy, numpy_header
from piggygan.data.pictures.png_chunks import SIGNATURE as PNG_SIGNATURE
from piggygan.data.pictures.png_chunks import check_rows, png_header
from piggygan.data.pictures.tiff import SIGNATURES as TIFF_SIGNATURES
from piggygan.data.pictures.tiff import check_parts, decode_tiff, tiff_header
from piggygan.data.pictures.webp_chunks import is_webp, webp_size
from piggygan.data.quiet import without_warnings
from piggygan.errors import ImageError, InputTooLargeError
from piggygan.files.regular import shown

_OTHERWISE = "cannot be read"
_STRIP = 256
"""Rows that are compared at once."""


def decode_image(content: bytes, path: Path, *, max_pixels: int) -> DecodedImage:
    """Decode the bytes of a picture file completely, or raise.

    Checked before and after a library decodes, since libraries fill up what is missing: the size and the checksums,
    that a PNG has the rows that it announces and a TIFF or BMP its bytes, and that a JPEG's data reach its last pixel.

    Args:
        content: All of the file.
        path: For messages only.
        max_pixels: Larger pictures are refused before they are decoded.

    Raises:
        ImageError: If it is of no kind that is read, or cut or corrupt anywhere that matters.
        InputTooLargeError: If it has more than ``max_pixels`` pixels; nothing is decoded then.
    """
    kind = kind_of(content)
    if kind is None:
        raise ImageError(
            f"{shown(path)} is not a PNG or JPEG image, nor {', '.join(KINDS[2:])} (what counts is its content, not "
            f"its name)."
        )
    return _DECODERS[kind](content, path, max_pixels)


def kind_of(content: bytes) -> PictureKind | None:
    """Say by its first bytes what a file is, if it is a picture that is read (DICOM is no such).

    Example:
        >>> kind_of(b"BM and more"), kind_of(b"GIF89a")
        ('BMP', None)
    """
    if is_webp(content):
        return "WebP"
    return next((kind for signature, kind in _SIGNATURES.items() if content.startswith(signature)), None)


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
    decoded = decoded or _opened(stream, "JPEG")
    decoded.load()
    other = _opened(with_surplus(stream, outline), "JPEG")
    other.load()
    width, height = decoded.size
    for top in range(0, height, _STRIP):
        strip = (0, top, width, min(height, top + _STRIP))
        if decoded.crop(strip).tobytes() != other.crop(strip).tobytes():
            raise ImageError("its data end before its last pixel")


def _decoded_png(content: bytes, path: Path, max_pixels: int) -> DecodedImage:
    try:
        header = png_header(content)
    except ImageError as error:
        raise ImageError(f"{shown(path)} is not a PNG or JPEG image: {error}.") from None
    check_size(path, header.width, header.height, max_pixels)
    with _failures(path):
        check_rows(content, header)
        image = _opened(content, "PNG")
        image.load()
        return _upright(image, "PNG", header.depth)


def _decoded_jpeg(content: bytes, path: Path, max_pixels: int) -> DecodedImage:
    with _failures(path):
        outline = outline_of(content)
    check_size(path, outline.columns, outline.rows, max_pixels)
    with _failures(path):
        if not outline.is_for_everyone:
            raise ImageError(f"it is a JPEG of a kind that is not read ({outline.precision} bits)")
        image = _opened(content, "JPEG")
        if image.size != (outline.columns, outline.rows):
            raise ImageError("its size is announced twice, and differently")
        image.load()
        check_jpeg_data(content, outline, image)
        return _upright(image, "JPEG", outline.precision)


def _decoded_webp(content: bytes, path: Path, max_pixels: int) -> DecodedImage:
    with _failures(path, _OTHERWISE):
        width, height = webp_size(content)
    check_size(path, width, height, max_pixels)
    with _failures(path, _OTHERWISE):
        return _by_pillow(content, "WebP", (width, height), 8)


def _decoded_bmp(content: bytes, path: Path, max_pixels: int) -> DecodedImage:
    with _failures(path, _OTHERWISE):
        header = bmp_header(content)
    check_size(path, header.width, header.height, max_pixels)
    with _failures(path, _OTHERWISE):
        return _by_pillow(content, "BMP", (header.width, header.height), min(8, header.depth))


def _decoded_tiff(content: bytes, path: Path, max_pixels: int) -> DecodedImage:
    with _failures(path, _OTHERWISE):
        header = tiff_header(content)
    check_size(path, header.width, header.height, max_pixels)
    with _failures(path, _OTHERWISE):
        if not header.is_by_pillow:
            return decode_tiff(content, header, max_pixels=max_pixels)
        check_parts(content, header)
        size = (header.width, header.height) if header.orientation < 5 else (header.height, header.width)
        return _by_pillow(content, "TIFF", size, header.bits)


def _decoded_numpy(content: bytes, path: Path, max_pixels: int) -> DecodedImage:
    with _failures(path, _OTHERWISE):
        header = numpy_header(content)
    check_size(path, header.width, header.height, max_pixels)
    return decode_numpy(content, header)


def _by_pillow(content: bytes, kind: PictureKind, size: tuple[int, int], bits: int) -> DecodedImage:
    image = _opened(content, kind)
    if image.size != size:
        raise ImageError("its size is announced twice, and differently")
    image.load()
    return _upright(image, kind, bits)


def _opened(content: bytes, kind: PictureKind) -> Image.Image:
    with without_warnings():  # among them Pillow's own about size: max_pixels is the stricter rule
        return Image.open(BytesIO(content), formats=[kind.upper()])


def _upright(image: Image.Image, kind: PictureKind, bits: int) -> DecodedImage:
    with without_warnings():
        image = ImageOps.exif_transpose(image)
        plain = _plain_colours(image)
    values = np.asarray(image)
    return DecodedImage(image.mode, values, values if plain is image else np.asarray(plain), kind, bits)


@contextmanager
def _failures(path: Path, otherwise: str = "is cut or corrupt") -> Iterator[None]:
    """Turn whatever is found or raised into an ImageError that says what is wrong with the file."""
    try:
        yield
    except ImageError as error:
        raise type(error)(f"{shown(path)} {otherwise}: {error}.") from None
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


_SIGNATURES: dict[bytes, PictureKind] = {
    PNG_SIGNATURE: "PNG",
    JPEG_SIGNATURE: "JPEG",
    BMP_SIGNATURE: "BMP",
    NUMPY_SIGNATURE: "NumPy",
    **dict.fromkeys(TIFF_SIGNATURES, "TIFF"),
}
_DECODERS: dict[PictureKind, Callable[[bytes, Path, int], DecodedImage]] = {
    "PNG": _decoded_png,
    "JPEG": _decoded_jpeg,
    "TIFF": _decoded_tiff,
    "WebP": _decoded_webp,
    "BMP": _decoded_bmp,
    "NumPy": _decoded_numpy,
}
