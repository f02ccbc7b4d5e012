"""Random variations of a pair: one affine movement of both pictures, and the brightness of the input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.nn import functional

from piggygan.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from jaxtyping import Float

Sampling = Literal["bilinear", "nearest"]
"""How a picture is sampled: a photo between its pixels, a mask or label picture without mixing values."""


@dataclass(frozen=True)
class PairAugmentation:
    """Flip, zoom, shift and rotate both pictures of a pair as one, and vary the input's contrast and brightness.

    Flip, zoom, shift and rotation are one affine map, so each picture is sampled only once. Beyond the border a
    picture goes on with its border pixels, input and target alike.

    Attributes:
        flip: Probability of a left-right flip, 0..1.
        zoom: Smallest and largest magnification; 2 shows the middle half as large as the whole.
        shift: Largest movement in each direction, as a share of the picture's side, 0..1.
        rotation_degrees: Largest rotation to either side, 0..180.
        contrast: Largest relative change of the differences from mid grey, 0..1. Input only.
        brightness: Largest change, in units of the range [-1, 1], 0..1. Input only.

    Raises:
        ConfigurationError: If a value is outside its range.

    Example:
        >>> picture, mask = torch.rand(1, 8, 8), torch.ones(1, 8, 8)
        >>> moved, moved_mask = PairAugmentation()(picture, mask, torch.Generator().manual_seed(3))
        >>> moved.shape, moved_mask.unique().tolist()
        (torch.Size([1, 8, 8]), [1.0])
    """

    flip: float = 0.5
    zoom: tuple[float, float] = (0.9, 1.1)
    shift: float = 0.05
    rotation_degrees: float = 5.0
    contrast: float = 0.1
    brightness: float = 0.1

    def __post_init__(self) -> None:
        for name, value, largest in (
            ("flip", self.flip, 1.0),
            ("shift", self.shift, 1.0),
            ("rotation_degrees", self.rotation_degrees, 180.0),
            ("contrast", self.contrast, 1.0),
            ("brightness", self.brightness, 1.0),
        ):
            if not 0.0 <= value <= largest:
                raise ConfigurationError(f"{name} is {value}; it ranges from 0 to {largest:g}.")
        low, high = self.zoom
        if not 0.1 <= low <= high <= 10.0:
            raise ConfigurationError(
                f"zoom is {self.zoom}; needed are a smallest and a largest magnification, 0.1 to 10."
            )

    @classmethod
    def none(cls) -> PairAugmentation:
        """Change nothing."""
        return cls(flip=0.0, zoom=(1.0, 1.0), shift=0.0, rotation_degrees=0.0, contrast=0.0, brightness=0.0)

    @classmethod
    def pix2pix(cls, load: int = 286, crop: int = 256) -> PairAugmentation:
        """Flip, and cut a random ``crop`` x ``crop`` window from a picture of side ``load`` (Isola et al. 2017).

        Raises:
            ConfigurationError: If ``crop`` is not within 1 and ``load``.
        """
        if not 0 < crop <= load:
            raise ConfigurationError(f"crop is {crop} and load is {load}; a window fits into the picture.")
        zoom, shift = load / crop, (1.0 - crop / load) / 2.0
        return cls(flip=0.5, zoom=(zoom, zoom), shift=shift, rotation_degrees=0.0, contrast=0.0, brightness=0.0)

    def stored_size(self, size: int) -> int:
        """Give the side at which to keep pictures, so that the largest zoom to ``size`` need not invent pixels."""
        return max(size, round(size * self.zoom[1]))

    def __call__(
        self,
        image: Float[Tensor, "image_channels stored stored"],
        target: Float[Tensor, "target_channels stored stored"],
        generator: torch.Generator,
        *,
        size: int | None = None,
        image_sampling: Sampling = "bilinear",
        target_sampling: Sampling = "nearest",
    ) -> tuple[Float[Tensor, "image_channels size size"], Float[Tensor, "target_channels size size"]]:
        """Vary a pair.

        Args:
            image: The input, square, in [-1, 1].
            target: Of the same side, in [-1, 1].
            generator: What all randomness comes from; the same number of draws is made whatever the settings.
            size: Side of the results; without it, that of ``image``.
            image_sampling: ``"nearest"`` for a label picture, whose contrast and brightness stay too.
            target_sampling: Likewise.

        Raises:
            InputError: If the pictures are not square and of one side.
        """
        side = image.shape[-1]
        if not image.shape[-2:] == target.shape[-2:] == (side, side):
            raise InputError(
                f"image is {tuple(image.shape)} and target {tuple(target.shape)}; both must be square, of one side."
            )
        size = side if size is None else size
        draws = torch.rand(7, generator=generator, dtype=torch.float64, device="cpu").tolist()
        matrix = self._matrix(draws[:5], side)
        if matrix != [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]] or size != side:
            grid = functional.affine_grid(torch.tensor([matrix], device="cpu"), [1, 1, size, size], align_corners=False)
            image, target = _sample(image, grid, image_sampling), _sample(target, grid, target_sampling)
        if image_sampling == "bilinear" and (self.contrast or self.brightness):
            gain, offset = 1.0 + self.contrast * _signed(draws[5]), self.brightness * _signed(draws[6])
            image = (image * gain + offset).clamp(-1.0, 1.0)
        return image, target

    def _matrix(self, draws: list[float], side: int) -> list[list[float]]:
        """Draw the map from places in the result to places in the picture, both from -1 to 1."""
        flip = -1.0 if draws[0] < self.flip else 1.0
        # Even in the logarithm: to half the size is as far as to double the size.
        low, high = (math.log(zoom) for zoom in self.zoom)
        window = 1.0 / math.exp(low + (high - low) * draws[1])
        angle = math.radians(self.rotation_degrees * _signed(draws[2]))
        across, down = (self._offset(draw, window, side) for draw in draws[3:5])
        cos, sin = window * math.cos(angle), window * math.sin(angle)
        return [[flip * cos, -sin, across], [flip * sin, cos, down]]

    def _offset(self, draw: float, window: float, side: int) -> float:
        """Draw the centre of the window, such that its corner is a pixel's: a pure crop is then not blurred."""
        corner = (1.0 - window) / 2.0 * side  # of the window in the middle, in pixels
        shift = self.shift * _signed(draw) * side
        return 2.0 * (round(corner + shift) - corner) / side if self.shift else 0.0


def _signed(draw: float) -> float:
    """Bring a draw from 0..1 to -1..1."""
    return 2.0 * draw - 1.0


def _sample(
    picture: Float[Tensor, "channels stored stored"], grid: Float[Tensor, "1 size size 2"], sampling: Sampling
) -> Float[Tensor, "channels size size"]:
    return functional.grid_sample(picture[None], grid, mode=sampling, padding_mode="border", align_corners=False)[0]
