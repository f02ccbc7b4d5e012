"""From what the rays of a generated chest radiograph passed to the values that a detector stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw

from piggygan.data.synthetic.canvas import smooth_noise

if TYPE_CHECKING:
    from jaxtyping import Bool, Float32, UInt16

    Field = Float32[np.ndarray, "size size"]

BITS_STORED: Final = 12
LARGEST_STORED: Final = 2**BITS_STORED - 1


def detected(
    density: Field, mask: Bool[np.ndarray, "size size"], rng: np.random.Generator
) -> UInt16[np.ndarray, "size size"]:
    """Take the picture: exposure, scatter, noise, shutters, a marker; then 12 bits.

    Bright is dense; ``mask`` is only for the collimator, which keeps the lungs in view.
    """
    size = density.shape[0]
    scatter = np.asarray(
        Image.fromarray(density).resize((16, 16), Image.Resampling.BOX).resize((size, size), Image.Resampling.BICUBIC)
    )
    value = (density + 0.10 * scatter) * rng.uniform(0.86, 1.06) + rng.uniform(0.0, 0.06)
    value = np.clip(value, 0.0, 1.2) ** rng.uniform(0.65, 1.30)
    value = value * (1.0 + 0.08 * smooth_noise(rng, size, (1, 1)))  # the tube's beam is not even
    is_marked, is_shuttered = rng.uniform() < 0.6, rng.uniform() < 0.5
    letter, place = str(rng.choice(["L", "R"])), rng.uniform(0.0, 1.0, size=2)
    # Whoever sets the collimator keeps the lungs in view.
    margins = np.minimum(rng.uniform(-0.03, 0.06, size=4), 0.8 * _free_borders(mask))
    darkness, strength = rng.uniform(0.0, 0.02), rng.uniform(0.006, 0.028)
    if is_marked:
        value = np.maximum(value, 0.96 * _marker(letter, place, size))
    # Few quanta pass where the body is dense, so there the picture is noisier.
    value = value + strength * (0.45 + value) * rng.standard_normal(size=(size, size))
    if is_shuttered:
        value = np.where(_is_shuttered(margins, size), darkness, value)
    return np.asarray(np.clip(np.rint(value * 0.93 * LARGEST_STORED), 0, LARGEST_STORED), dtype=np.uint16)


def _marker(letter: str, place: np.ndarray, size: int) -> Field:
    """Draw the lead letter that tells the patient's side: L is on the picture's right."""
    side = 4 * size
    image = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(image)
    left = (0.86 if letter == "L" else 0.07) + 0.04 * place[0]
    top, height, width = 0.05 + 0.12 * place[1], 0.055, 0.034
    strokes = {
        "L": [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)],
        "R": [
            (0.0, 1.0),
            (0.0, 0.0),
            (0.8, 0.0),
            (1.0, 0.15),
            (1.0, 0.38),
            (0.8, 0.52),
            (0.0, 0.52),
            (0.4, 0.52),
            (1.0, 1.0),
        ],
    }[letter]
    points = [((left + width * x) * side, (top + height * y) * side) for x, y in strokes]
    draw.line(points, fill=255, width=round(0.011 * side), joint="curve")
    return np.asarray(image.resize((size, size), Image.Resampling.BOX), dtype=np.float32) / 255.0


def _free_borders(mask: Bool[np.ndarray, "size size"]) -> Float32[np.ndarray, " borders"]:
    """Return how much room there is left, right, above and below the lungs, as shares of the side."""
    if not mask.any():
        return np.ones(4, dtype=np.float32)
    down, across = np.nonzero(mask)
    size = mask.shape[0]
    edges = (across.min(), size - 1 - across.max(), down.min(), size - 1 - down.max())
    return np.asarray([edge / size for edge in edges], dtype=np.float32)


def _is_shuttered(margins: np.ndarray, size: int) -> Bool[np.ndarray, "size size"]:
    """Tell which pixels the collimator keeps from the beam: up to a margin on every side."""
    position = (np.arange(size) + 0.5) / size
    is_out_across = (position < margins[0]) | (position > 1.0 - margins[1])
    is_out_down = (position < margins[2]) | (position > 1.0 - margins[3])
    return np.asarray(is_out_across[None, :] | is_out_down[:, None])
