"""ImageFile: all that one opening of a file gives, so that nothing of it can be of another file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

from piggygan.data.content import MAX_PIXELS, failures_named, read_content
from piggygan.data.dicom.description import ANY_FILM, DicomDescription, DicomRequirements
from piggygan.data.dicom.header import is_dicom_head
from piggygan.data.dicom.image import decode_dicom
from piggygan.data.dicom.source import Identify, SourceImage
from piggygan.data.pictures.decoded import MAX_CHANNELS, DecodedImage, PictureKind, to_unit
from piggygan.data.pictures.decoding import decode_image
from piggygan.errors import ConfigurationError, ImageError
from piggygan.files.regular import shown

if TYPE_CHECKING:
    from jaxtyping import Float, Float32

_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in JPEG
_STRIP = 256
"""Rows that are converted at once."""


@dataclass(frozen=True)
class ImageFile:
    """What one opening of an image file gave.

    Attributes:
        picture: ``(channels, height, width)`` in [-1, 1]; the channels of a grey file share their memory.
        digest: SHA-256 of the file's bytes, in hexadecimal digits.
        kind: What the file is, by its content.
        bits: Of one sample in the file; of a DICOM film those that are stored.
        aspect: Height of a pixel, its width being 1.
        film: What a DICOM file says that it shows; None for other files.
        source: What identifies a DICOM film, if that was asked for.
        remarks: What is odd about the file without making it unusable.
    """

    picture: Tensor
    digest: str
    kind: PictureKind | Literal["DICOM"]
    bits: int
    aspect: float = 1.0
    film: DicomDescription | None = None
    source: SourceImage | None = None
    remarks: tuple[str, ...] = ()


def read_image_file(
    path: str | Path,
    channels: int = 3,
    *,
    frame: int | None = None,
    requirements: DicomRequirements = ANY_FILM,
    identify: Identify = "nothing",
    max_pixels: int = MAX_PIXELS,
) -> ImageFile:
    """Open a file once, and read its picture and what it says of itself from the same bytes.

    Args:
        path: The file.
        channels: 1 for grey, 3 for RGB, and grey files are repeated to three; more, if the file has just as many.
        frame: Which frame of a DICOM file of several, counted from 0.
        requirements: What a DICOM film has to be; other files are not asked.
        identify: Read the identifiers of a DICOM film too, of the image or of its patient as well, and refuse it if it
            lacks one of the image.
        max_pixels: Images with more pixels are refused before they are decoded.

    Raises:
        ConfigurationError: If ``channels`` is neither 1 nor 3, nor more.
        ImageError: If the file cannot be read, is of another kind, cut or corrupt, or has other channels.
        InputTooLargeError: If it has more than ``max_pixels`` pixels.
        DicomError: If it is a DICOM file that cannot be used.

    Example:
        >>> import tempfile
        >>> from piggygan.data import write_image
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_image(Path(folder) / "dot.png", torch.tensor([[[-1.0, 1.0]]]))
        ...     file = read_image_file(Path(folder) / "dot.png", channels=1)
        >>> file.kind, file.bits, file.picture.tolist()
        ('PNG', 8, [[[-1.0, 1.0]]])
    """
    with failures_named(Path(path)):
        check_channels(channels)
        content = [read_content(Path(path), max_pixels=max_pixels)]
        return image_of(
            content.pop(),  # so that only what decodes it holds it
            Path(path),
            channels,
            frame=frame,
            requirements=requirements,
            identify=identify,
            max_pixels=max_pixels,
        )


def image_of(
    content: bytes,
    path: Path,
    channels: int,
    *,
    frame: int | None = None,
    requirements: DicomRequirements = ANY_FILM,
    identify: Identify = "nothing",
    max_pixels: int = MAX_PIXELS,
) -> ImageFile:
    """Read the picture of a file's bytes, and what they say of themselves, as :func:`read_image_file` does.

    Args:
        content: All bytes of the file.
        path: What the file is called where something is said of it; nothing is opened.
        channels: As of :func:`read_image_file`, like all others.
        frame: Likewise.
        requirements: Likewise.
        identify: Likewise.
        max_pixels: Likewise.

    Raises:
        ConfigurationError, ImageError: As of :func:`read_image_file`.
    """
    check_channels(channels)
    with failures_named(path):
        digest = hashlib.sha256(content).hexdigest()
        if not is_dicom_head(content):
            decoded = decode_image(content, path, max_pixels=max_pixels)
            del content
            picture = _picture(decoded.colours, path, channels)
            return ImageFile(picture, digest, decoded.kind, decoded.bits, remarks=tuple(_remarks(decoded)))
        if channels > 3:
            raise ImageError(
                f"{shown(path)} is a DICOM film, which is grey; it cannot be read with {channels} channels."
            )
        film = decode_dicom(
            content, path, frame=frame, requirements=requirements, identify=identify, max_pixels=max_pixels
        )
        return ImageFile(
            _scaled(film.unit).expand(channels, -1, -1),
            digest,
            "DICOM",
            film.bits,
            film.description.aspect,
            film.description,
            film.source,
            ("A DICOM file begins as a program does: never start or copy it.",) if film.description.is_program else (),
        )


def check_channels(channels: int) -> None:
    """Make sure that an image can be read with so many channels.

    Raises:
        ConfigurationError: If it cannot.
    """
    if channels not in (1, *range(3, MAX_CHANNELS + 1)):
        raise ConfigurationError(
            f"channels is {channels}; an image is read with 1 (grey) or 3 (RGB), or with 4 to {MAX_CHANNELS} if its "
            f"file has just as many."
        )


def narrow_range(largest: int, kind: str = "PNG", bits: int = 16) -> str | None:
    """Say so if the largest of a file's values leaves bits unused, as values of 12 bits do; None if it does not.

    Example:
        >>> narrow_range(65_535), narrow_range(0)
        (None, None)
        >>> narrow_range(4_095)
        'A PNG of 16 bits uses 12 of them: its white is read as nearly black. Multiply its values by 16.'
    """
    if not 0 < largest < 1 << (bits - 2):  # two bits
        return None
    used = largest.bit_length()
    return (
        f"A {kind} of {bits} bits uses {used} of them: its white is read as nearly black. Multiply its values by "
        f"{1 << (bits - used)}."
    )


def _remarks(decoded: DecodedImage) -> list[str]:
    # No file name in the text: Python then shows it once, not once a file.
    if decoded.kind == "PNG" and decoded.bits == 16 and (decoded.values.ndim > 2 or decoded.values.dtype == np.uint8):
        return ["A PNG with 16 bits a colour is read with 8 bits a colour."]
    if decoded.bits not in (16, 32) or decoded.values.dtype.kind == "f":
        return []
    narrow = narrow_range(int(decoded.values.max()), decoded.kind, decoded.bits)
    return [] if narrow is None else [narrow]


def _picture(values: np.ndarray[Any, Any], path: Path, channels: int) -> Float[Tensor, "channels height width"]:
    """Bring a picture to [-1, 1] in so many channels."""
    bands = 1 if values.ndim == 2 else values.shape[2]
    if bands == channels or (bands == 1 and channels == 3):
        return _scaled(to_unit(values, path)).expand(channels, -1, -1)
    if bands != 3 or channels != 1:
        raise ImageError(
            f"{shown(path)} has {bands} channels and cannot be read with {channels}: take channels={bands}, or other "
            f"files."
        )
    grey = np.empty((1, *values.shape[:2]), dtype=np.float32)
    for top in range(0, len(values), _STRIP):  # three bands of a large picture in 32 bits would take four times as much
        unit = torch.from_numpy(to_unit(values[top : top + _STRIP], path))
        strip = (unit * torch.tensor(_LUMINANCE, device="cpu").view(3, 1, 1)).sum(dim=0, keepdim=True)
        grey[:, top : top + _STRIP] = strip.clamp(max=1.0).numpy()  # rounding
    return _scaled(grey)


def _scaled(unit: Float32[np.ndarray, "bands height width"]) -> Float[Tensor, "bands height width"]:
    """Bring 0..1 to [-1, 1], in place: films are large."""
    return torch.from_numpy(unit).mul_(2.0).sub_(1.0)
