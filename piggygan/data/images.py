"""PNG and JPEG files as tensors in [-1, 1], and back."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from piggygan.data.dicom import decode_dicom
from piggygan.data.dicom_description import ANY_FILM, DicomRequirements
from piggygan.data.dicom_header import HEAD_BYTES, is_dicom_head
from piggygan.data.files import MAX_PIXELS, open_regular, shown, without_warnings
from piggygan.errors import ConfigurationError, ImageError, InputError, InputTooLargeError

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in JPEG


@dataclass(frozen=True)
class DecodedImage:
    """A picture as its file has it, turned upright.

    Attributes:
        mode: Pillow's name of the pixel format.
        values: ``(height, width)`` or ``(height, width, bands)``; palette indices where ``mode`` is ``"P"``.
        colours: The same picture as Pillow's RGB or grey values where they are not ``values`` themselves.
    """

    mode: str
    values: np.ndarray[Any, Any]
    colours: np.ndarray[Any, Any]


def read_image(
    path: str | Path,
    channels: int = 3,
    *,
    frame: int | None = None,
    requirements: DicomRequirements = ANY_FILM,
    max_pixels: int = MAX_PIXELS,
) -> Float[Tensor, "channels height width"]:
    """Read a PNG, JPEG or DICOM file as numbers in [-1, 1].

    What a file is is seen from its content, never from its name. The first frame of an animated PNG is read.
    Conversions: 16-bit grey is divided by 65535 and keeps its precision (16-bit colour is read with 8 bits,
    and a warning says so); a palette is looked up; what is transparent is laid over black; CMYK becomes RGB by
    the plain formula, without colour profiles; 1-bit becomes black and white; colour becomes grey by ITU-R
    BT.601; an EXIF orientation is applied. A DICOM image goes through its own window
    (:func:`~piggygan.data.read_dicom`).

    Args:
        path: The file.
        channels: 1 for grey, 3 for RGB; grey files are repeated to three.
        frame: Which frame of a DICOM file of several, counted from 0.
        requirements: What a DICOM film has to be; other files are not asked.
        max_pixels: Images with more pixels are refused before they are decoded.

    Raises:
        ConfigurationError: If ``channels`` is neither 1 nor 3.
        ImageError: If the file cannot be read, is of another kind, cut or corrupt.
        InputTooLargeError: If it has more than ``max_pixels`` pixels.
        DicomError: If it is a DICOM file that cannot be used.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_image(Path(folder) / "dot.png", torch.tensor([[[-1.0, 1.0]]]))
        ...     read_image(Path(folder) / "dot.png", channels=1).tolist()
        [[[-1.0, 1.0]]]
    """
    path = Path(path)
    check_channels(channels)
    with open_regular(path) as file:
        header = _peek(file, path)
        if is_dicom_head(header):
            unit = decode_dicom(file, path, frame=frame, requirements=requirements, max_pixels=max_pixels)
        else:
            decoded = decode_image(file, path, max_pixels=max_pixels)
            unit = _to_unit(decoded.colours, path)
    if header.startswith(_PNG_SIGNATURE) and header[24] == 16 and header[25] != 0:
        # No file name in the text: Python then shows it once, not once a file.
        warnings.warn("A PNG with 16 bits a colour is read with 8 bits a colour.", stacklevel=2)
    return _with_channels(unit, channels) * 2.0 - 1.0


def check_channels(channels: int) -> None:
    """Make sure that an image can be read with so many channels.

    Raises:
        ConfigurationError: If it is neither 1 nor 3.
    """
    if channels not in (1, 3):
        raise ConfigurationError(f"channels is {channels}; an image is read with 1 (grey) or 3 (RGB).")


def write_image(path: str | Path, image: Float[Tensor, "channels height width"]) -> None:
    """Write numbers in [-1, 1] as an 8-bit PNG, whatever the name of the file.

    Args:
        path: Where to; an existing file is replaced.
        image: ``(1 or 3, height, width)``.

    Raises:
        InputError: If the shape is another, or a value is outside [-1, 1] by more than rounding.
        ImageError: If the file cannot be written.
    """
    path = Path(path)
    if image.dim() != 3 or image.shape[0] not in (1, 3) or image.numel() == 0:
        raise InputError(f"image has shape {tuple(image.shape)}; needed is (1 or 3, height, width).")
    # Not `> 1.001`: a comparison with NaN is false, and NaN must be refused.
    if not bool((image.abs() <= 1.001).all()):
        raise InputError("image has values outside [-1, 1] or that are no numbers; scale it first.")
    try:
        Image.fromarray(levels_of(image)).save(path, format="PNG")
    except OSError as error:
        raise ImageError(f"{shown(path)} could not be written: {error.strerror or error}.") from error


def levels_of(image: Float[Tensor, "channels height width"]) -> UInt8[np.ndarray, "height width ..."]:
    """Turn numbers in [-1, 1] into the 256 levels of a PNG, ``(height, width)`` or ``(height, width, 3)``."""
    levels = ((image.detach().float().clamp(-1.0, 1.0) + 1.0) * 127.5).round().to(torch.uint8).cpu()
    pixels = levels[0] if levels.shape[0] == 1 else levels.permute(1, 2, 0)
    return np.asarray(pixels.contiguous())


def decode_image(file: BinaryIO, path: Path, *, max_pixels: int) -> DecodedImage:
    """Decode an open PNG or JPEG file completely, or raise.

    Raises:
        ImageError: If it is neither, or cut or corrupt anywhere that matters.
        InputTooLargeError: If it has more than ``max_pixels`` pixels; nothing is decoded then.
    """
    with _pillow_failures(path, "is not a PNG or JPEG image (what counts is its content, not its name)"):
        image = _open(file)
    width, height = image.size
    if width * height > max_pixels:
        raise InputTooLargeError(
            f"{shown(path)} has {width} x {height} pixels; at most {max_pixels} are decoded. Make it smaller, "
            f"or raise max_pixels if you trust the file."
        )
    with _pillow_failures(path, "is cut or corrupt"):
        # Decoding stops at the last row and would not see a wrong checksum or a missing end: verify does.
        # It leaves the image unusable, so the file is opened again.
        image.verify()
        image = _open(file)
        image.load()
        with without_warnings():
            image = ImageOps.exif_transpose(image)
            plain = _plain_colours(image)
        values = np.asarray(image)
        return DecodedImage(image.mode, values, values if plain is image else np.asarray(plain))


def _peek(file: BinaryIO, path: Path) -> bytes:
    """Read the first bytes of an open file and go back to its start."""
    try:
        header = file.read(HEAD_BYTES)
        file.seek(0)
    except OSError as error:
        raise ImageError(f"{shown(path)} could not be read: {error.strerror or error}.") from error
    return header


def _open(file: BinaryIO) -> Image.Image:
    file.seek(0)
    with without_warnings():  # among them Pillow's own about size: max_pixels is the stricter rule
        return Image.open(file, formats=["PNG", "JPEG"])


@contextmanager
def _pillow_failures(path: Path, what: str) -> Iterator[None]:
    """Turn whatever Pillow raises into an ImageError that says ``what`` is wrong with the file."""
    try:
        yield
    except Image.DecompressionBombError as error:
        raise InputTooLargeError(f"{shown(path)} has more pixels than Pillow ever decodes: {error}") from error
    except Exception as error:
        # On broken files its parsers raise OSError, SyntaxError, ValueError, struct.error and more; which, is
        # no promise of Pillow's.
        raise ImageError(f"{shown(path)} {what} ({type(error).__name__}: {error}).") from error


def _plain_colours(image: Image.Image) -> Image.Image:
    """Convert to one of the modes 1, L, I;16, I, RGB; transparency is laid over black."""
    if image.mode in ("LA", "RGBA") or ("transparency" in image.info and image.mode in ("L", "RGB", "P")):
        colours = image.convert("RGBA")
        black = Image.new("RGBA", colours.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, colours).convert("RGB")
    return image.convert("RGB") if image.mode in ("P", "CMYK", "YCbCr") else image


def _to_unit(values: np.ndarray[Any, Any], path: Path) -> Float[Tensor, "bands height width"]:
    """Scale integer pixels to 0..1 by the range of their type."""
    # Pillow versions differ in how they call 16-bit grey: unsigned 16 bits, or signed 32 bits.
    full_scale = {"bool": 1.0, "uint8": 255.0, "uint16": 65535.0, "int32": 65535.0}.get(values.dtype.name)
    if full_scale is None:
        raise ImageError(f"{shown(path)} has pixels of type {values.dtype}, which PNG and JPEG do not have.")
    bands = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    return torch.from_numpy(bands.astype(np.float32)) / full_scale


def _with_channels(unit: Float[Tensor, "bands height width"], channels: int) -> Float[Tensor, "channels height width"]:
    if unit.shape[0] == channels:
        return unit
    if channels == 3:
        return unit.expand(3, -1, -1)
    weights = torch.tensor(_LUMINANCE).view(3, 1, 1)
    return (unit * weights).sum(dim=0, keepdim=True).clamp(max=1.0)  # rounding
