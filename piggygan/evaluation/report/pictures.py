"""Inputs, outputs and truths side by side: as one file, or as a gallery that fits a page of any width.

Pictures are enlarged by whole factors, each pixel becoming a square block, so that what is seen is what the
generator gave; only pictures too large for a page are made smaller, by averaging whole blocks.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
import torch
from einops import repeat
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor
from torch.nn import functional

from piggygan.errors import ConfigurationError, InputError
from piggygan.evaluation.report.blocks import Gallery, Picture
from piggygan.evaluation.report.lettering import drawable, lettering

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

DOTS_PER_INCH = 192
SMALLEST_SIDE = 384
"""Dots that the longer side of a picture gets at least: 2 inches, 192 pixels of a web page."""
LARGEST_SIDE = 768
"""Dots that it gets at most."""

_GAP = 14
_POINTS = 9.0
_LINE_HEIGHT = 32  # of 9-point text, in dots


def picture_grid(
    rows: Sequence[Sequence[Tensor | None]],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
) -> bytes:
    """Draw pictures in rows and columns, each row and column with its label.

    Args:
        rows: Pictures ``(channels, height, width)`` in [-1, 1], 1 channel (shown grey) or 3 (RGB); sizes may differ.
            None leaves a cell empty.
        row_labels: One for each row, set at its left; may be empty strings.
        column_labels: One for each column, set above.

    Returns:
        A PNG file in RGB that names its size as 192 dots an inch.

    Raises:
        ConfigurationError: If there is no row or column, or labels do not match them.
        InputError: If a picture has another shape or values that are not numbers in [-1, 1].

    Example:
        >>> film, mask = torch.zeros(1, 16, 16), torch.ones(1, 16, 16)
        >>> png = picture_grid([[film, mask], [film, None]], ["film 1", "film 2"], ["given", "found"])
        >>> png[1:4]
        b'PNG'
    """
    _check_grid(rows, row_labels, column_labels)
    blocks = [[None if picture is None else _dots_of(picture) for picture in row] for row in rows]
    layout = _Layout.of(blocks, row_labels, column_labels)
    page = _lettered_page(layout)
    for top, down, row in zip(layout.tops, layout.heights, blocks, strict=True):
        for left, across, block in zip(layout.lefts, layout.widths, row, strict=True):
            if block is not None:
                y, x = top + (down - block.shape[0]) // 2, left + (across - block.shape[1]) // 2
                page[y : y + block.shape[0], x : x + block.shape[1]] = block
    return _png_of(page)


def gallery(
    rows: Sequence[Sequence[Tensor | None]],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    caption: str = "",
) -> Gallery:
    """Set pictures in rows on a page, each under the label of its column; arguments are those of :func:`picture_grid`.

    Args:
        rows: Pictures ``(channels, height, width)`` in [-1, 1]; None is left out.
        row_labels: One for each row, set above it; may be empty strings.
        column_labels: What each picture of a row is.
        caption: Set below all.

    Raises:
        ConfigurationError: If there is no picture in a row, or labels do not match.
        InputError: If a picture has another shape or values that are not numbers in [-1, 1].

    Example:
        >>> film, mask = torch.zeros(1, 16, 16), torch.ones(1, 16, 16)
        >>> shown = gallery([[film, mask]], ["film 1"], ["given", "found"])
        >>> [picture.caption for picture in shown.rows[0]]
        ['given', 'found']
    """
    _check_grid(rows, row_labels, column_labels)
    pictures = [
        [
            Picture(_png_of(_dots_of(picture)), label, f"{label}, {row_label or f'row {number + 1}'}")
            for label, picture in zip(column_labels, row, strict=True)
            if picture is not None
        ]
        for number, (row, row_label) in enumerate(zip(rows, row_labels, strict=True))
    ]
    return Gallery(pictures, list(row_labels), caption)


@dataclass(frozen=True)
class _Layout:
    """Where everything stands, in dots from the upper left corner."""

    row_labels: tuple[tuple[str, ...], ...]  # the lines of each
    column_labels: tuple[tuple[str, ...], ...]
    tops: tuple[int, ...]
    lefts: tuple[int, ...]
    heights: tuple[int, ...]
    widths: tuple[int, ...]

    @classmethod
    def of(
        cls,
        blocks: Sequence[Sequence[UInt8[np.ndarray, "height width 3"] | None]],
        row_labels: Sequence[str],
        column_labels: Sequence[str],
    ) -> _Layout:
        heights = [max((block.shape[0] for block in row if block is not None), default=SMALLEST_SIDE) for row in blocks]
        widths = [
            max((block.shape[1] for block in column if block is not None), default=SMALLEST_SIDE)
            for column in zip(*blocks, strict=True)
        ]
        # A letter is about 15 dots wide; where a label is wider than that says, its column is widened.
        headers = [_lines(label, width // 15) for label, width in zip(column_labels, widths, strict=True)]
        widths = [max(width, _width_of(lines)) for lines, width in zip(headers, widths, strict=True)]
        labels = [_lines(label, 20) for label in row_labels]
        gutter = max(_width_of(lines) for lines in labels)
        top = max(len(lines) for lines in headers) * _LINE_HEIGHT + _GAP + 4
        return cls(
            row_labels=tuple(labels),
            column_labels=tuple(headers),
            tops=tuple(_starts(top, heights)),
            lefts=tuple(_starts(gutter + _GAP if gutter else 0, widths)),
            heights=tuple(heights),
            widths=tuple(widths),
        )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the whole grid."""
        return self.tops[-1] + self.heights[-1], self.lefts[-1] + self.widths[-1]


def _png_of(dots: UInt8[np.ndarray, "height width 3"]) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(dots))
    image.save(file, format="PNG", dpi=(DOTS_PER_INCH, DOTS_PER_INCH), optimize=True)
    return file.getvalue()


def _check_grid(
    rows: Sequence[Sequence[Tensor | None]], row_labels: Sequence[str], column_labels: Sequence[str]
) -> None:
    sizes = [len(row) for row in rows]
    if not row_labels or not column_labels or sizes != [len(column_labels)] * len(row_labels):
        raise ConfigurationError(
            f"a grid with {len(row_labels)} row labels and {len(column_labels)} column labels "
            f"cannot show rows of {sizes} pictures: give a label for each row and column, at least one"
        )
    for number, row in enumerate(rows):
        for label, picture in zip(column_labels, row, strict=True):
            if picture is not None:
                _check_picture(picture, f"picture {label!r} of row {number}")


def _check_picture(picture: Tensor, name: str) -> None:
    if picture.ndim != 3 or picture.shape[0] not in (1, 3) or picture.numel() == 0:
        raise InputError(f"{name} is {tuple(picture.shape)}, but must be (1 or 3, height, width)")
    if not bool(((picture >= -1) & (picture <= 1)).all()):  # false for NaN too
        raise InputError(f"{name} has values that are not numbers in [-1, 1]: scale it first")


def _dots_of(picture: Float[Tensor, "channels height width"]) -> UInt8[np.ndarray, "height width 3"]:
    """Turn a picture into the dots that show it: 8 bits, RGB, enlarged or made smaller by a whole factor."""
    levels = picture.detach().float().cpu()
    side = max(levels.shape[1:])
    if side > LARGEST_SIDE:
        levels = functional.avg_pool2d(levels[None], math.ceil(side / LARGEST_SIDE), ceil_mode=True)[0]
    enlarged = max(1, math.ceil(SMALLEST_SIDE / side))
    pixels = ((levels + 1) * 127.5).round().to(torch.uint8)
    blocks = repeat(pixels.numpy(), "c h w -> (h down) (w across) c", down=enlarged, across=enlarged)
    return np.broadcast_to(blocks, (*blocks.shape[:2], 3))  # one channel is shown in all three: grey


def _lettered_page(layout: _Layout) -> UInt8[np.ndarray, "height width 3"]:
    """Draw the labels on white."""
    height, width = layout.size
    # A hair more than the size, since matplotlib rounds inches times dots down.
    figure = Figure(figsize=((width + 0.01) / DOTS_PER_INCH, (height + 0.01) / DOTS_PER_INCH), dpi=DOTS_PER_INCH)
    style = lettering(_POINTS) | {"linespacing": 1.15}
    for lines, left, across in zip(layout.column_labels, layout.lefts, layout.widths, strict=True):
        x, y = (left + across / 2) / width, 1 - (layout.tops[0] - _GAP - 4) / height
        figure.text(x, y, "\n".join(lines), ha="center", va="baseline", **style)
    for lines, top, down in zip(layout.row_labels, layout.tops, layout.heights, strict=True):
        x, y = (layout.lefts[0] - _GAP) / width, 1 - (top + down / 2) / height
        figure.text(x, y, "\n".join(lines), ha="right", va="center", **style)
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(file, dpi=DOTS_PER_INCH, format="png")
    return np.array(Image.open(file).convert("RGB"))


def _lines(label: str, letters: int) -> tuple[str, ...]:
    return tuple(textwrap.wrap(drawable(label), width=letters))


def _width_of(lines: Sequence[str]) -> int:
    figure = Figure(dpi=DOTS_PER_INCH)
    widths = [figure.text(0, 0, line, **lettering(_POINTS)).get_window_extent().width for line in lines]
    return math.ceil(max(widths) + 4) if widths else 0  # letters may stand out by a dot or two


def _starts(first: int, lengths: Sequence[int]) -> list[int]:
    return list(accumulate((length + _GAP for length in lengths[:-1]), initial=first))
