"""Image files as tensors in [-1, 1], and tensors as PNG."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from piggygan.data.content import MAX_PIXELS, failures_named
from piggygan.data.dicom.description import ANY_FILM, DicomRequirements
from piggygan.data.image_file import read_image_file
from piggygan.errors import ImageError, InputError
from piggygan.files.regular import shown

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8


def read_image(
    path: str | Path,
    channels: int = 3,
    *,
    frame: int | None = None,
    requirements: DicomRequirements = ANY_FILM,
    max_pixels: int = MAX_PIXELS,
) -> Float[Tensor, "channels height width"]:
    """Read a PNG, JPEG, TIFF, WebP, BMP, NumPy or DICOM file as numbers in [-1, 1].

    What a file is is seen from its content, never from its name. The first frame of an animated PNG is read; WebP and
    TIFF files of several are refused. Whole numbers go by the range of their type, those with a fraction (TIFF, NumPy)
    from 0 for -1 to 1 for 1.
    Conversions: 16-bit grey is divided by 65535 and keeps its precision (a warning says so where its upper bits are
    unused; 16-bit colour is read with 8 bits, and a warning says that too); a palette is looked up; what is
    transparent is laid over black; CMYK becomes RGB by the plain formula, without colour profiles; 1-bit becomes black
    and white; colour becomes grey by ITU-R BT.601; an EXIF orientation is applied. A DICOM image goes through its own
    window (:func:`~piggygan.data.read_dicom`).

    Args:
        path: The file.
        channels: 1 for grey, 3 for RGB, and grey files are repeated to three; more, if the file has just as many.
        frame: Which frame of a DICOM file of several, counted from 0.
        requirements: What a DICOM film has to be; other files are not asked.
        max_pixels: Images with more pixels are refused before they are decoded.

    Raises:
        ConfigurationError: If ``channels`` is neither 1 nor 3, nor more.
        ImageError: If the file cannot be read, is of another kind, cut or corrupt, or has other channels.
        InputTooLargeError: If it has more than ``max_pixels`` pixels.
        DicomError: If it is a DICOM file that cannot be used.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_image(Path(folder) / "dot.png", torch.tensor([[[-1.0, 1.0]]]))
        ...     read_image(Path(folder) / "dot.png", channels=1).tolist()
        [[[-1.0, 1.0]]]
    """
    file = read_image_file(path, channels, frame=frame, requirements=requirements, max_pixels=max_pixels)
    for remark in file.remarks:
        warnings.warn(remark, stacklevel=2)
    with failures_named(Path(path)):  # three channels take three times the memory of one
        return file.picture.contiguous()


def write_image(path: str | Path, image: Float[Tensor, "channels height width"]) -> None:
    """Write numbers in [-1, 1] as an 8-bit PNG, whatever the name of the file.

    Args:
        path: Where to; an existing file is replaced.
        image: ``(1 or 3, height, width)``.

    Raises:
        InputError: If the shape is another, or a value is outside [-1, 1] by more than rounding.
        ImageError: If the file cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import torch
        >>> with TemporaryDirectory() as folder:
        ...     write_image(f"{folder}/grey.png", torch.tensor([[[-1.0, 0.0, 1.0]]]))
        ...     read_image(f"{folder}/grey.png", channels=1)
        tensor([[[-1.0000,  0.0039,  1.0000]]])
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
