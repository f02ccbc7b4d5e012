"""Grey DICOM images as numbers in [0, 1]."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from piggygan.data.content import MAX_PIXELS, failures_named, largest_content, read_content
from piggygan.data.dicom.description import ANY_FILM, DicomDescription, DicomRequirements
from piggygan.data.dicom.grayscale import (
    LookupTable,
    Window,
    default_range,
    modality_values,
    range_to_unit,
    significant,
    table_to_unit,
    window_to_unit,
)
from piggygan.data.dicom.header import HEAD_BYTES, DicomPixels, describe_content, is_dicom_head, parse_dicom
from piggygan.data.dicom.source import Identify, SourceImage
from piggygan.errors import DecoderCrashError, DicomError, ImageError, InputTooLargeError
from piggygan.files.regular import open_regular, shown

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Float32, Float64, Int64

_MOST_WORDS_LISTED = 16
"""Up to so many bits, a value is worked out for each word there can be, not for each pixel."""
_AT_ONCE = 1 << 17
"""Pixels that are looked up at once: NumPy makes 8 bytes of each place on the way, and many at once are new memory."""


@dataclass(frozen=True)
class DicomImage:
    """One grey image of a DICOM file.

    Attributes:
        unit: ``(1, height, width)`` in [0, 1].
        bits: Of a stored value.
        description: What is on the film.
        source: What identifies it, if that was asked for.
    """

    unit: np.ndarray[Any, Any]
    bits: int
    description: DicomDescription
    source: SourceImage | None


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

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data.synthetic import write_xrays
        >>> with TemporaryDirectory() as folder:
        ...     ((film, mask),) = write_xrays(folder, 1, 32, seed=0)
        ...     picture = read_dicom(film)
        >>> picture.shape, float(picture.amin()) >= 0, float(picture.amax()) <= 1
        (torch.Size([1, 32, 32]), True, True)
    """
    path = Path(path)
    with failures_named(path):
        content = read_content(path, max_pixels=max_pixels)
        image = decode_dicom(content, path, frame=frame, requirements=requirements, max_pixels=max_pixels)
    if image.description.is_program:
        # No file name in the text: Python then shows it once, not once a file.
        warnings.warn("A DICOM file begins as a program does: never start or copy it.", stacklevel=2)
    return torch.from_numpy(image.unit)


def describe_dicom(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> DicomDescription:
    """Read what a DICOM file says that it shows: modality, body part, view, shape of a pixel.

    Args:
        path: The file.
        max_pixels: Files too large for so many pixels are refused.

    Raises:
        DicomError: If it is no DICOM file, or its elements are broken.
        ImageError: If there is no such file or it may not be read.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data.synthetic import write_xrays
        >>> with TemporaryDirectory() as folder:
        ...     ((film, mask),) = write_xrays(folder, 1, 32, seed=0)
        ...     describe_dicom(film).modality
        'CR'
    """
    path = Path(path)
    with failures_named(path):
        content = read_content(path, max_pixels=max_pixels)
        with _of_file(path):
            return describe_content(content, max_bytes=largest_content(max_pixels))


def is_dicom_file(path: Path) -> bool:
    """Say by its first bytes whether a file is DICOM; what cannot be opened is not, as reading it will tell."""
    try:
        with open_regular(path) as file:
            return is_dicom_head(file.read(HEAD_BYTES))
    except (ImageError, OSError):
        return False


def decode_dicom(
    content: bytes,
    path: Path,
    *,
    frame: int | None = None,
    requirements: DicomRequirements = ANY_FILM,
    identify: Identify = "nothing",
    max_pixels: int,
) -> DicomImage:
    """Decode the bytes of a DICOM file as :func:`read_dicom` does.

    Args:
        content: All of the file.
        path: For messages only.
        frame: Which frame of several, counted from 0.
        requirements: What the film has to be.
        identify: Read which image it is too, and whose.
        max_pixels: Larger images are refused before they are decoded.

    Raises:
        DicomError, DecoderCrashError, InputTooLargeError: As of :func:`read_dicom`; also if the film is to be
            identified and lacks an identifier.
    """
    with _of_file(path):
        pixels = parse_dicom(
            content,
            frame=frame,
            requirements=requirements,
            identify=identify,
            max_pixels=max_pixels,
            max_bytes=largest_content(max_pixels),
        )
        del content  # a large film is there often enough as it is
        unit = _unit_values(pixels)
    return DicomImage(unit[None], pixels.form.bits_stored, pixels.description, pixels.source)


@contextmanager
def _of_file(path: Path) -> Iterator[None]:
    """Say of which file an error is."""
    try:
        yield
    except (DicomError, DecoderCrashError, InputTooLargeError) as error:
        raise type(error)(f"{shown(path)} cannot be used: {error}.") from error


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
    return _looked_up(unit.astype(np.float32), places)


def _looked_up(
    table: Float32[np.ndarray, " words"], places: np.ndarray[Any, np.dtype[np.integer[Any]]]
) -> Float32[np.ndarray, "height width"]:
    if places.dtype == np.uint8 and np.array_equal(table, np.arange(256, dtype=np.uint8) / np.float32(255)):
        divided: np.ndarray[Any, np.dtype[np.float32]] = np.divide(places, np.float32(255), dtype=np.float32)
        return divided  # the same bits in half the time
    found = np.empty(places.shape, dtype=np.float32)
    rows = max(1, _AT_ONCE // places.shape[1])
    for top in range(0, places.shape[0], rows):
        np.take(table, places[top : top + rows], out=found[top : top + rows], mode="clip")
    return found


def _counted(places: np.ndarray[Any, np.dtype[np.integer[Any]]], count: int) -> Int64[np.ndarray, " words"]:
    """Count how many pixels have each word."""
    counts = np.zeros(count, dtype=np.int64)
    flat = places.reshape(-1)
    for start in range(0, flat.size, _AT_ONCE):
        counts += np.bincount(flat[start : start + _AT_ONCE], minlength=count)
    return counts


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
    counts = _counted(places, len(stored))
    if is_padding is not None:
        counts[is_padding] = 0
    return range_to_unit(modality, *default_range(modality, counts))
