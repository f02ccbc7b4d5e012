"""A picture brought to the size a network takes, and what the network made of it brought exactly back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn import functional

from piggygan.data.augmentation import Sampling
from piggygan.errors import ConfigurationError, InputError, InputTooLargeError

if TYPE_CHECKING:
    from jaxtyping import Float

LARGEST_CANVAS = 64 * 1024 * 1024
"""Pixels that a network is given of one picture, at most: as many as are read of one."""
BLACK = -1.0
"""What is put around a picture that does not fill its canvas."""


@dataclass(frozen=True)
class Placement:
    """Where a picture of ``rows`` x ``columns`` lies on the canvas that a network is given.

    The picture is resized to ``height`` x ``width`` and set in the middle of the canvas, with black around it. Made by
    :meth:`stretched`, :meth:`padded` or :meth:`natural`.

    Attributes:
        rows: The picture's own.
        columns: The picture's own.
        height: It has on the canvas.
        width: It has on the canvas.
        canvas_height: At least ``height``.
        canvas_width: At least ``width``.

    Raises:
        ConfigurationError: If a length is below 1, or the canvas is smaller than what lies on it.
        InputTooLargeError: If the canvas has more than :data:`LARGEST_CANVAS` pixels.

    Example:
        >>> import torch
        >>> film = torch.rand(1, 400, 500) * 2 - 1
        >>> placement = Placement.padded(400, 500, side=256)
        >>> (placement.height, placement.width)
        (205, 256)
        >>> canvas = placement.place(film)
        >>> canvas.shape, placement.take_back(canvas).shape
        (torch.Size([1, 256, 256]), torch.Size([1, 400, 500]))
    """

    rows: int
    columns: int
    height: int
    width: int
    canvas_height: int
    canvas_width: int

    def __post_init__(self) -> None:
        if min(self.rows, self.columns, self.height, self.width) < 1:
            raise ConfigurationError(f"{self} has a length below 1; a picture has at least one pixel.")
        if self.canvas_height * self.canvas_width > LARGEST_CANVAS:
            raise InputTooLargeError(
                f"a picture of {self.columns} x {self.rows} pixels takes a canvas of {self.canvas_width} x "
                f"{self.canvas_height}; at most {LARGEST_CANVAS} pixels are computed. Predict a smaller picture, or "
                f"at a smaller size."
            )
        if self.canvas_height < self.height or self.canvas_width < self.width:
            raise ConfigurationError(f"{self} has a canvas that is smaller than the picture on it.")

    @classmethod
    def stretched(cls, rows: int, columns: int, side: int) -> Placement:
        """Fill a square canvas, whatever the picture's proportions: as pairs are read for training."""
        return cls(rows, columns, side, side, side, side)

    @classmethod
    def padded(cls, rows: int, columns: int, side: int, aspect: float = 1.0) -> Placement:
        """Keep the proportions of what is shown, and pad to a square canvas.

        Args:
            rows: Of the picture.
            columns: Of the picture.
            side: Of the canvas.
            aspect: Height of one of the picture's pixels, its width being 1.

        Raises:
            ConfigurationError: If the aspect is not a number above 0.
        """
        tall = rows * _checked(aspect)
        longer = max(tall, columns)
        height, width = (max(1, round(side * length / longer)) for length in (tall, columns))
        return cls(rows, columns, height, width, side, side)

    @classmethod
    def natural(cls, rows: int, columns: int, side: int, aspect: float = 1.0) -> Placement:
        """Keep the picture's own pixels, to be cut into tiles; those that are not square are made so by enlarging.

        Args:
            rows: Of the picture.
            columns: Of the picture.
            side: Of a tile: the canvas is at least as large.
            aspect: Height of one of the picture's pixels, its width being 1.

        Raises:
            ConfigurationError: If the aspect is not a number above 0.
        """
        height = round(rows * max(1.0, _checked(aspect)))
        width = round(columns * max(1.0, 1.0 / aspect))
        return cls(rows, columns, height, width, max(side, height), max(side, width))

    def place(
        self, picture: Float[Tensor, "channels rows columns"], sampling: Sampling = "bilinear"
    ) -> Float[Tensor, "channels canvas_height canvas_width"]:
        """Resize a picture and set it on its canvas.

        Args:
            picture: In [-1, 1].
            sampling: Bilinear is antialiased: each pixel is a mean of all it stands for. Nearest mixes nothing.

        Raises:
            InputError: If the picture has another size than this placement is for.
        """
        _check_size(picture, self.rows, self.columns)
        small = resized(picture, self.height, self.width, sampling)
        left, top = self._corner
        right, bottom = self.canvas_width - self.width - left, self.canvas_height - self.height - top
        return functional.pad(small, (left, right, top, bottom), value=BLACK)

    def take_back(
        self, canvas: Float[Tensor, "channels canvas_height canvas_width"], sampling: Sampling = "bilinear"
    ) -> Float[Tensor, "channels rows columns"]:
        """Cut out what lies on a canvas and resize it to the picture's own rows and columns.

        A mask is brought back soft, as the network gave it, and made hard afterwards: its outline then lies between
        the network's pixels, not along them.

        Args:
            canvas: What a network made of :meth:`place`'s result; any number of channels.
            sampling: As of :meth:`place`.

        Raises:
            InputError: If the canvas has another size.
        """
        _check_size(canvas, self.canvas_height, self.canvas_width)
        left, top = self._corner
        cut = canvas[:, top : top + self.height, left : left + self.width]
        return resized(cut, self.rows, self.columns, sampling)

    @property
    def _corner(self) -> tuple[int, int]:
        return (self.canvas_width - self.width) // 2, (self.canvas_height - self.height) // 2


def resized(
    picture: Float[Tensor, "channels height width"], rows: int, columns: int, sampling: Sampling = "bilinear"
) -> Float[Tensor, "channels rows columns"]:
    """Resize a picture in [-1, 1]; one that has the size already is returned as it is.

    Corners stay where they are: pixel ``(0, 0)`` of the result covers what lay in the upper left corner.
    """
    if picture.shape[-2:] == (rows, columns):
        return picture
    if sampling == "nearest":
        # "nearest" of PyTorch takes the pixel at the corner; "nearest-exact" the one in the middle, as bilinear does.
        return functional.interpolate(picture[None], size=(rows, columns), mode="nearest-exact")[0]
    smooth = functional.interpolate(
        picture[None], size=(rows, columns), mode="bilinear", antialias=True, align_corners=False
    )
    return smooth[0].clamp(-1.0, 1.0)  # rounding


def to_square(
    picture: Float[Tensor, "channels height width"], side: int, sampling: Sampling
) -> Float[Tensor, "channels side side"]:
    """Stretch a picture to a square.

    Args:
        picture: In [-1, 1].
        side: Of the result.
        sampling: Bilinear is antialiased: each pixel is a mean of all it stands for. Nearest mixes nothing.
    """
    if not picture.shape[0]:  # no channels: PyTorch refuses to resize nothing
        return picture.new_empty(0, side, side)
    return resized(picture, side, side, sampling)


def _checked(aspect: float) -> float:
    if not (math.isfinite(aspect) and aspect > 0):
        raise ConfigurationError(f"aspect is {aspect}; needed is a pixel's height divided by its width, above 0.")
    return aspect


def _check_size(picture: Tensor, rows: int, columns: int) -> None:
    if picture.dim() != 3 or picture.shape[-2:] != (rows, columns):
        raise InputError(
            f"the picture has the shape {tuple(picture.shape)}; this placement is for (channels, {rows}, {columns})."
        )
