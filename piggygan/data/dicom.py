"""Uncompressed grey DICOM images as numbers in [0, 1]."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import torch
from torch import Tensor

from piggygan.data.dicom_header import DicomPixels, parse_dicom
from piggygan.data.files import MAX_PIXELS, open_regular, shown
from piggygan.data.grayscale import (
    LookupTable,
    Window,
    default_range,
    modality_values,
    range_to_unit,
    significant,
    stored_values,
    table_to_unit,
    window_to_unit,
)
from piggygan.errors import DicomError, InputTooLargeError

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Float64, Int64

_ROOM_FOR_HEADERS = 1 << 26


def read_dicom(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Float[Tensor, "1 height width"]:
    """Read a DICOM image as its window shows it: 0 is black, 1 is white.

    Stored values become modality values (Modality LUT, or Rescale Slope and Intercept), and these become window
    output 0..1: through the first VOI LUT if there is one, else through the first window (LINEAR, LINEAR_EXACT
    or SIGMOID). Where the file has neither, an image of 8 or fewer bits is shown over the whole range of its
    bits, as a PNG would be, and any other from its 0.5th to its 99.5th percentile, padding left out.
    MONOCHROME1 is inverted at the end, and padding becomes 0.

    Read are single-frame MONOCHROME1 and MONOCHROME2 images in the three uncompressed transfer syntaxes.

    Args:
        path: The file.
        max_pixels: Images with more pixels are refused before they are decoded.

    Raises:
        DicomError: If it is no such file, is cut, or contradicts itself.
        InputTooLargeError: If it has more than ``max_pixels`` pixels.
        ImageError: If there is no such file or it may not be read.
    """
    path = Path(path)
    with open_regular(path) as file:
        return decode_dicom(file, path, max_pixels=max_pixels)


def decode_dicom(file: BinaryIO, path: Path, *, max_pixels: int) -> Float[Tensor, "1 height width"]:
    """Read an open DICOM file as :func:`read_dicom` does; ``path`` is for messages only."""
    # The largest image takes 4 bytes a pixel; what is much larger is not read into memory.
    size = os.fstat(file.fileno()).st_size
    largest = 4 * max_pixels + _ROOM_FOR_HEADERS
    try:
        if size > largest:
            raise InputTooLargeError(f"it has {size} bytes; an image of {max_pixels} pixels has fewer")
        # Not read(): the file may be growing.
        content = file.read(largest)
        unit = _unit_values(parse_dicom(content, max_pixels=max_pixels))
    except (DicomError, InputTooLargeError) as error:
        raise type(error)(f"{shown(path)} cannot be used: {error}.") from error
    except OSError as error:
        raise DicomError(f"{shown(path)} could not be read: {error.strerror or error}.") from error
    return torch.from_numpy(unit.astype(np.float32))[None]


def _unit_values(pixels: DicomPixels) -> Float64[np.ndarray, "height width"]:
    stored = stored_values(pixels.data, pixels.form).reshape(pixels.rows, pixels.columns)
    is_padding = _is_padding(stored, pixels)
    unit = _window_output(modality_values(stored, pixels.modality), is_padding, pixels)
    if pixels.is_inverted:
        unit = 1.0 - unit
    return unit if is_padding is None else np.where(is_padding, 0.0, unit)


def _is_padding(
    stored: Int64[np.ndarray, "height width"], pixels: DicomPixels
) -> Bool[np.ndarray, "height width"] | None:
    if pixels.padding is None:
        return None
    # The padding value is written in all the bits of a word: it is cut to those that pixels have.
    low, high = np.sort(significant(np.array(pixels.padding, dtype=np.int64), pixels.form))
    return np.asarray((stored >= low) & (stored <= high))


def _window_output(
    modality: Float64[np.ndarray, "height width"],
    is_padding: Bool[np.ndarray, "height width"] | None,
    pixels: DicomPixels,
) -> Float64[np.ndarray, "height width"]:
    if isinstance(pixels.window, LookupTable):
        return table_to_unit(modality, pixels.window)
    if isinstance(pixels.window, Window):
        return window_to_unit(modality, pixels.window)
    if pixels.form.bits_stored <= 8 and not isinstance(pixels.modality, LookupTable):
        limits = modality_values(np.array(pixels.form.limits, dtype=np.int64), pixels.modality)
        return range_to_unit(modality, float(limits.min()), float(limits.max()))
    return range_to_unit(modality, *default_range(modality, is_padding))
