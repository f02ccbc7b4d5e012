"""Masks: images of two values, as tensors of -1 and 1."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from piggygan.data.content import MAX_PIXELS, failures_named, read_content
from piggygan.data.pictures.decoded import DecodedImage
from piggygan.data.pictures.decoding import decode_image
from piggygan.errors import ConfigurationError, MaskError
from piggygan.files.regular import shown

if TYPE_CHECKING:
    from jaxtyping import Float, Integer

_MOST_VALUES_NAMED = 10
_ALPHA_BAND = {"LA": 1, "RGBA": 3}


def read_mask(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Float[Tensor, "1 height width"]:
    """Read a mask: -1 where the file has 0, and 1 where it has its one other value.

    The other value may be anything: 1, 255, 65535, a palette index, or a colour on black. Palette indices are
    taken as they are, not the grey of their colours. An EXIF orientation is applied, as for the image.

    Args:
        path: The file.
        max_pixels: Masks with more pixels are refused before they are decoded.

    Raises:
        MaskError: If there are more values than 0 and one other, or parts are transparent.
        ImageError: If the file is no picture, cut or corrupt.
        InputTooLargeError: If it has more than ``max_pixels`` pixels.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from PIL import Image
        >>> with TemporaryDirectory() as folder:
        ...     Image.fromarray(np.array([[0, 255, 255]], dtype=np.uint8)).save(f"{folder}/mask.png")
        ...     read_mask(f"{folder}/mask.png").tolist()
        [[[-1.0, 1.0, 1.0]]]
    """
    path = Path(path)
    with failures_named(path):
        return mask_of(_codes(path, max_pixels), path)


def read_classes(
    path: str | Path, classes: Sequence[Collection[int]], *, max_pixels: int = MAX_PIXELS
) -> Float[Tensor, "classes height width"]:
    """Read a mask of several classes: one channel each, 1 where the file has a value of the class and -1 elsewhere.

    Values are taken as :func:`read_mask` takes them; 0 is the background.

    Args:
        path: The file.
        classes: The values of each class, such as ``[(150, 200), (250,)]``.
        max_pixels: Masks with more pixels are refused before they are decoded.

    Raises:
        MaskError: If there is a value that is neither 0 nor of a class, or parts are transparent.
        ImageError: If the file is no picture, cut or corrupt.
        InputTooLargeError: If it has more than ``max_pixels`` pixels.
    """
    path = Path(path)
    with failures_named(path):
        codes = _codes(path, max_pixels)
        of_each = [np.isin(codes, list(values)) for values in classes]
        strange = ~np.logical_or.reduce([codes == 0, *of_each])
        if strange.any():
            named = "; ".join(", ".join(map(str, values)) for values in classes)
            raise MaskError(
                f"{shown(path)} has the values {_listed(codes[strange])}, which are of none of the classes ({named}): "
                f"name all classes, or set what is of none to 0."
            )
        return torch.where(torch.from_numpy(np.stack(of_each)), 1.0, -1.0)


def named_classes(classes: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Read the classes of a mask, each ``VALUE`` or ``NAME=VALUE,VALUE``.

    Raises:
        ConfigurationError: If one is none, or a value or name comes twice.

    Example:
        >>> named_classes(["lungs=150,200", "250"])
        {'lungs': (150, 200), '250': (250,)}
    """
    found: dict[str, tuple[int, ...]] = {}
    for text in classes:
        name, _, values = text.rpartition("=")
        try:
            of_class = tuple(int(value) for value in values.split(","))
        except ValueError:
            raise ConfigurationError(
                f"classes has {text!r}; a class is a value, or a name and values, such as lungs=150,200."
            ) from None
        name = name.strip() or values.strip()
        if name in found or 0 in of_class or {value for one in found.values() for value in one} & set(of_class):
            raise ConfigurationError(
                f"classes has {text!r}: its name or a value is taken, or 0, which is the background."
            )
        found[name] = of_class
    return found


def mask_of(codes: Integer[np.ndarray, "height width"], path: Path) -> Float[Tensor, "1 height width"]:
    """Turn whole numbers into a mask: -1 where they are 0, and 1 where they are their one other value.

    Args:
        codes: One a pixel.
        path: For the message only.

    Raises:
        MaskError: If there are more values than 0 and one other.
    """
    is_foreground = codes != 0
    if not np.array_equal(is_foreground, codes == codes.max()) and is_foreground.any():
        raise MaskError(
            f"{shown(path)} has the values {_listed(codes)}; a mask has 0 and at most one other value. Store it as "
            f"a PNG (JPEG blurs values), resize it by nearest neighbour, and choose one class, or name several with "
            f"classes."
        )
    return torch.where(torch.from_numpy(is_foreground), 1.0, -1.0)[None]


def _codes(path: Path, max_pixels: int) -> np.ndarray[Any, Any]:
    return _one_code_a_pixel(decode_image(read_content(path, max_pixels=max_pixels), path, max_pixels=max_pixels), path)


def _one_code_a_pixel(decoded: DecodedImage, path: Path) -> np.ndarray[Any, Any]:
    """Give every pixel one whole number: its value, or red, green, blue as the digits of a hexadecimal number."""
    values = decoded.values
    alpha = _ALPHA_BAND.get(decoded.mode)
    if alpha is not None:
        full = 1 if values.dtype.kind == "f" else np.iinfo(values.dtype).max
        if values[..., alpha].min() < full:
            raise MaskError(f"{shown(path)} is transparent in parts; a mask is opaque everywhere.")
        values = values[..., :alpha]
    if values.ndim == 2:
        return values
    if values.shape[2] == 1:
        return values[..., 0]
    if values.shape[2] > 3 or values.dtype != np.uint8:
        raise MaskError(
            f"{shown(path)} has {values.shape[2]} channels of type {values.dtype}; a mask is grey, a palette or RGB."
        )
    codes = np.zeros(values.shape[:2], dtype=np.int64)
    for band in range(values.shape[2]):
        codes = codes * 256 + values[..., band]
    return codes


def _listed(codes: np.ndarray[Any, Any]) -> str:
    """Name the values and how many pixels have each."""
    values, counts = np.unique(codes, return_counts=True)
    pairs = zip(values[:_MOST_VALUES_NAMED], counts[:_MOST_VALUES_NAMED], strict=True)
    text = ", ".join(f"{_plain(value)} ({int(count)} pixels)" for value, count in pairs)
    more = len(values) - _MOST_VALUES_NAMED
    return f"{text} and {more} more" if more > 0 else text


def _plain(value: Any) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"
