"""Grey DICOM images as numbers in [0, 1]."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from piggygan.data.dicom_description import ANY_FILM, DicomDescription, DicomRequirements
from piggygan.data.dicom_header import DicomPixels, describe_content, parse_dicom
from piggygan.data.files import MAX_PIXELS, open_regular, shown
from piggygan.data.grayscale import (
    LookupTable,
    Window,
    default_range,
    modality_values,
    range_to_unit,
    significant,
    table_to_unit,
    window_to_unit,
)
from piggygan.errors import DecoderCrashError, DicomError, ImageError, InputTooLargeError

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Float32, Float64, Int64

_ROOM_FOR_HEADERS = 1 << 24
_MOST_WORDS_LISTED = 16
"""Up to so many bits, a value is worked out for each word there can be, not for each pixel."""


def read_dicom(
    path: str | Path,
    *,
    frame: int | None = None,
    requirements: DicomRequirements = ANY_FILM,
    max_pixels: int = MAX_PIXELS,
) -> Float[Tensor, "1 height width"]:
    """Read a DICOM image as its window shows it: 0 is black, 1 is white.

    Stored values become modality values (Modality LUT, or Rescale Slope and Intercept: PS3.3 C.11.1), and these
    become window output 0..1 (C.11.2): through the first VOI LUT if there is one, else through the first window
    (LINEAR, LINEAR_EXACT or SIGMOID). Where the file has neither, an image of 8 or fewer bits is shown over the whole
    range of its bits, as a PNG would be, and any other from its 0.5th to its 99.5th percentile, padding left out.
    MONOCHROME1 is inverted at the end (C.7.6.3.1.2), and padding becomes 0.

    Read are MONOCHROME1 and MONOCHROME2 images, uncompressed, deflated, or in a compressed transfer syntax that one of
    pydicom's decoders is there for: JPEG 2000, JPEG-LS and RLE with ``piggygan[medical]``, baseline JPEG always.

    A decoder of a damaged file can take the process down with it; :class:`~piggygan.data.UntrustedReader` reads what
    nobody vouches for in a process of its own.

    Args:
        path: The file.
        frame: Which frame of several, counted from 0.
        requirements: What the film has to be, such as a chest; checked before it is decoded.
        max_pixels: Images with more pixels are refused before they are decoded.

    Raises:
        DicomError: If it is no such file, is cut, contradicts itself, or is not what is required.
        DecoderCrashError: If a decoder failed in a way that is not an error of Python's.
        InputTooLargeError: If it has more than ``max_pixels`` pixels.
        ImageError: If there is no such file or it may not be read.
    """
    path = Path(path)
    with open_regular(path) as file:
        return decode_dicom(file, path, frame=frame, requirements=requirements, max_pixels=max_pixels)


def describe_dicom(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> DicomDescription:
    """Read what a DICOM file says that it shows: modality, body part, view, shape of a pixel.

    Args:
        path: The file.
        max_pixels: Files too large for so many pixels are refused.

    Raises:
        DicomError: If it is no DICOM file, or its elements are broken.
        ImageError: If there is no such file or it may not be read.
    """
    path = Path(path)
    with open_regular(path) as file:
        content, largest = _content(file, path, max_pixels)
    try:
        return describe_content(content, max_bytes=largest)
    except (DicomError, InputTooLargeError) as error:
        raise type(error)(f"{shown(path)} cannot be used: {error}.") from error


def decode_dicom(
    file: BinaryIO,
    path: Path,
    *,
    frame: int | None = None,
    requirements: DicomRequirements = ANY_FILM,
    max_pixels: int,
) -> Float[Tensor, "1 height width"]:
    """Read an open DICOM file as :func:`read_dicom` does; ``path`` is for messages only."""
    content, largest = _content(file, path, max_pixels)
    try:
        pixels = parse_dicom(content, frame=frame, requirements=requirements, max_pixels=max_pixels, max_bytes=largest)
        unit = _unit_values(pixels)
    except (DicomError, DecoderCrashError, InputTooLargeError) as error:
        raise type(error)(f"{shown(path)} cannot be used: {error}.") from error
    if pixels.description.is_program:
        # No file name in the text: Python then shows it once, not once a file.
        warnings.warn("A DICOM file begins as a program does: never start or copy it.", stacklevel=3)
    return torch.from_numpy(unit)[None]


def _content(file: BinaryIO, path: Path, max_pixels: int) -> tuple[bytes, int]:
    """Read a file, and say how large one may be."""
    # The largest image takes 4 bytes a pixel; what is much larger is not read into memory.
    largest = 4 * max_pixels + _ROOM_FOR_HEADERS
    try:
        size = os.fstat(file.fileno()).st_size
        if size > largest:
            raise InputTooLargeError(
                f"{shown(path)} cannot be used: it has {size} bytes; an image of {max_pixels} pixels has fewer."
            )
        return file.read(size), largest  # not read(): the file may be growing
    except OSError as error:
        raise ImageError(f"{shown(path)} could not be read: {error.strerror or error}.") from error


def _unit_values(pixels: DicomPixels) -> Float32[np.ndarray, "height width"]:
    """Work out what is shown: for every word that there is once, and then look pixels up."""
    words, form = pixels.words, pixels.form
    places: np.ndarray[Any, np.dtype[np.integer[Any]]] = words
    if form.bits_allocated <= _MOST_WORDS_LISTED:
        listed = np.arange(1 << form.bits_allocated, dtype=np.int64)
    else:
        every, places = np.unique(words, return_inverse=True)
        listed = every.astype(np.int64)
    stored = significant(listed, form)
    is_padding = _is_padding(stored, pixels)
    unit = _window_output(stored, is_padding, places, pixels)
    if pixels.is_inverted:
        unit = 1.0 - unit
    if is_padding is not None:
        unit[is_padding] = 0.0
    return np.take(unit.astype(np.float32), places)


def _is_padding(stored: Int64[np.ndarray, " words"], pixels: DicomPixels) -> Bool[np.ndarray, " words"] | None:
    if pixels.padding is None:
        return None
    # The padding value is written in all the bits of a word: it is cut to those that pixels have.
    low, high = np.sort(significant(np.array(pixels.padding, dtype=np.int64), pixels.form))
    return np.asarray((stored >= low) & (stored <= high))


def _window_output(
    stored: Int64[np.ndarray, " words"],
    is_padding: Bool[np.ndarray, " words"] | None,
    places: np.ndarray[Any, np.dtype[np.integer[Any]]],
    pixels: DicomPixels,
) -> Float64[np.ndarray, " words"]:
    modality = modality_values(stored, pixels.modality)
    if isinstance(pixels.window, LookupTable):
        return table_to_unit(modality, pixels.window)
    if isinstance(pixels.window, Window):
        return window_to_unit(modality, pixels.window)
    if pixels.form.bits_stored <= 8 and not isinstance(pixels.modality, LookupTable):
        limits = modality_values(np.array(pixels.form.limits, dtype=np.int64), pixels.modality)
        return range_to_unit(modality, float(limits.min()), float(limits.max()))
    counts = np.bincount(places.ravel(), minlength=len(stored))
    if is_padding is not None:
        counts[is_padding] = 0
    return range_to_unit(modality, *default_range(modality, counts))
