"""What the generated facades and chest X-rays are made with: a checked request, noise, a canvas.

A picture is planned in units of its own side and only then drawn in pixels, so that one seed gives the same
scene at every size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw

from piggygan.errors import ConfigurationError

if TYPE_CHECKING:
    from jaxtyping import Float32, UInt8

Colour = tuple[int, int, int]
Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in units of the picture's side."""

SMALLEST_SIDE: Final = 32  # below it a window is less than a pixel
LARGEST_SIDE: Final = 4096


def check_side(size: int) -> None:
    """Refuse a side length that cannot be drawn.

    Raises:
        ConfigurationError: If ``size`` is not an integer of 32 to 4096 pixels.
    """
    if isinstance(size, bool) or not isinstance(size, int | np.integer):
        raise ConfigurationError(f"`size` is {size!r}: give the side of the square picture as an integer, in pixels")
    if not SMALLEST_SIDE <= size <= LARGEST_SIDE:
        raise ConfigurationError(
            f"`size` is {size} pixels, but generated pictures have {SMALLEST_SIDE} to {LARGEST_SIDE}: "
            "draw larger and resize, or choose a size in between"
        )


def check_count(count: int) -> None:
    """Refuse a number of pictures below one.

    Raises:
        ConfigurationError: If ``count`` is not an integer of at least 1.
    """
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise ConfigurationError(f"`count` is {count!r}: give the number of pictures to write, at least 1")


def check_seed(seed: int) -> None:
    """Refuse a seed that is not an integer of at least 0.

    Raises:
        ConfigurationError: If it is not.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ConfigurationError(f"`seed` is {seed!r}: give an integer of at least 0")


def generator_of(seed: int, *stream: int) -> np.random.Generator:
    """Return the random generator of one picture, independent of how many are drawn before it."""
    return np.random.default_rng((int(seed), *stream))


def smooth_noise(
    rng: np.random.Generator, pixels: int, cells: tuple[int, int], octaves: int = 1
) -> Float32[np.ndarray, "pixels pixels"]:
    """Draw noise of about -1..1 that varies smoothly over ``cells`` (down, across) of the picture.

    Each further octave has cells half as large and half as strong. The draws do not depend on ``pixels``.
    """
    total = np.zeros((pixels, pixels), dtype=np.float32)
    for octave in range(octaves):
        rows, columns = cells[0] * 2**octave + 1, cells[1] * 2**octave + 1
        grid = rng.uniform(-1.0, 1.0, size=(rows, columns)).astype(np.float32)
        layer = Image.fromarray(grid).resize((pixels, pixels), Image.Resampling.BICUBIC)
        total += np.asarray(layer) * np.float32(0.5**octave)
    return total


class Canvas:
    """Photo, label map and shade of one scene, drawn together so that they cannot disagree.

    Attributes:
        pixels: Side of the canvas.
        light: Horizontal direction in which shadows fall, -1 (to the left) to 1 (to the right).
    """

    def __init__(self, pixels: int, light: float) -> None:
        self.pixels = pixels
        self.light = light
        self.photo = Image.new("RGB", (pixels, pixels))
        self._labels = Image.new("L", (pixels, pixels), 0)
        self._shade = Image.new("L", (pixels, pixels), 255)
        self._draw_photo = ImageDraw.Draw(self.photo)
        self._draw_labels = ImageDraw.Draw(self._labels)
        self._draw_shade = ImageDraw.Draw(self._shade)

    @property
    def labels(self) -> Image.Image:
        """Class indices, 8-bit."""
        return self._labels

    @property
    def shade(self) -> Image.Image:
        """How much light every pixel gets, 8-bit, 255 in full light."""
        return self._shade

    def polygon(self, points: Sequence[Point], colour: Colour, label: int | None = None, depth: float = 0.0) -> None:
        """Fill a polygon; ``depth`` is how far it stands out of the wall and so how long its shadow is."""
        corners = [(x * self.pixels, y * self.pixels) for x, y in points]
        if depth > 0.0:
            fall = depth * self.pixels
            self._draw_shade.polygon([(x + self.light * fall, y + fall) for x, y in corners], fill=135)
            self._draw_shade.polygon(corners, fill=255)
        self._draw_photo.polygon(corners, fill=colour)
        if label is not None:
            self._draw_labels.polygon(corners, fill=label)

    def box(self, box: Box, colour: Colour, label: int | None = None, depth: float = 0.0) -> None:
        """Fill a rectangle."""
        self.polygon(_corners(box), colour, label, depth)

    def ellipse(self, box: Box, colour: Colour, label: int | None = None) -> None:
        """Fill the ellipse that fits ``box``."""
        bounds = [edge * self.pixels for edge in box]
        self._draw_photo.ellipse(bounds, fill=colour)
        if label is not None:
            self._draw_labels.ellipse(bounds, fill=label)

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """Draw a line in the photo, at least one canvas pixel wide."""
        corners = [(x * self.pixels, y * self.pixels) for x, y in points]
        self._draw_photo.line(corners, fill=colour, width=max(1, round(width * self.pixels)))

    def mark(self, box: Box, label: int) -> None:
        """Label a rectangle and leave the photo as it is."""
        self._draw_labels.polygon([(x * self.pixels, y * self.pixels) for x, y in _corners(box)], fill=label)

    def darken(self, points: Sequence[Point], light: int) -> None:
        """Put a polygon in a shade of ``light`` (0..255)."""
        self._draw_shade.polygon([(x * self.pixels, y * self.pixels) for x, y in points], fill=light)

    def replace(self, pixels: UInt8[np.ndarray, "side side 3"], box: Box) -> None:
        """Put the part of a picture of the canvas's size that lies in ``box`` into the photo."""
        left, top, right, bottom = (round(edge * self.pixels) for edge in box)
        self.photo.paste(
            Image.fromarray(pixels[max(top, 0) : bottom, max(left, 0) : right]), (max(left, 0), max(top, 0))
        )


def _corners(box: Box) -> list[Point]:
    left, top, right, bottom = box
    return [(left, top), (right, top), (right, bottom), (left, bottom)]
