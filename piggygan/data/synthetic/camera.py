"""From a painted facade to a photo and a label map: viewpoint, light, sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

from piggygan.data.palette import CMP_PALETTE
from piggygan.data.synthetic.canvas import Canvas, smooth_noise

if TYPE_CHECKING:
    from jaxtyping import Float32, UInt8


def turned(canvas: Canvas, rng: np.random.Generator) -> tuple[Image.Image, Image.Image, Image.Image]:
    """Look at the scene from slightly aside: photo, labels and shade, moved alike."""
    pixels = canvas.pixels
    corners = np.array([[0, 0], [0, 1], [1, 1], [1, 0]], dtype=np.float64)
    # Inwards only: the scene has nothing to show outside its edges.
    shift = rng.uniform(0.0, 0.025, size=(4, 2)) * np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]])
    quad = tuple(float(value) for value in ((corners + shift) * pixels).reshape(-1))

    def moved(layer: Image.Image, resampling: Image.Resampling) -> Image.Image:
        return layer.transform((pixels, pixels), Image.Transform.QUAD, quad, resampling)

    smooth, exact = Image.Resampling.BILINEAR, Image.Resampling.NEAREST
    return moved(canvas.photo, smooth), moved(canvas.labels, exact), moved(canvas.shade, smooth)


def exposed(
    photo: Image.Image, shade: Image.Image, size: int, rng: np.random.Generator
) -> UInt8[np.ndarray, "size size 3"]:
    """Take the photo: light and shadow, the colour of the light, exposure, the sensor's noise."""
    pixels = photo.width
    soft_shade = shade.filter(ImageFilter.GaussianBlur(pixels / 400))
    light = np.asarray(soft_shade, dtype=np.float32) / 255.0 * _daylight(pixels, rng)
    # Shadows are lit by the sky, so they are bluer than the sun.
    blueness = (1.0 - np.minimum(light, 1.0))[..., None] * np.array([-0.10, 0.0, 0.18], dtype=np.float32)
    warmth = 1.0 + rng.uniform(-1.0, 1.0) * np.array([0.05, 0.0, -0.05])
    gain = (warmth * rng.uniform(0.9, 1.12)).astype(np.float32)
    lit = np.asarray(photo, dtype=np.float32) * light[..., None] * (1.0 + blueness) * gain
    block = pixels // size
    averaged = lit.reshape(size, block, size, block, 3).mean(axis=(1, 3))
    noise = rng.uniform(1.0, 4.0) * rng.standard_normal(size=(size, size, 3))
    return np.asarray(np.clip(averaged + noise, 0.0, 255.0), dtype=np.uint8)


def _daylight(pixels: int, rng: np.random.Generator) -> Float32[np.ndarray, "side side"]:
    """Draw the light on the whole scene: a gradient, unevenness, at times the shadow of the house across."""
    position = np.linspace(-1.0, 1.0, pixels, dtype=np.float32)
    across, down = position[None, :], position[:, None]
    light = 1.0 + np.float32(0.12 * rng.uniform(-1.0, 1.0)) * across + 0.04 * down
    light = light * (1.0 + 0.05 * smooth_noise(rng, pixels, (3, 3)))
    is_shadowed, height, slope = rng.uniform() < 0.4, rng.uniform(0.0, 0.9), rng.uniform(-0.5, 0.5)
    if is_shadowed:
        softness = 0.012
        depth = np.clip((down - np.float32(height) - np.float32(slope) * across) / softness, -0.5, 0.5) + 0.5
        light = light * (1.0 - 0.36 * depth)
    return np.asarray(light, dtype=np.float32)


def coloured(labels: Image.Image, size: int) -> UInt8[np.ndarray, "size size 3"]:
    """Paint class indices in the palette's colours; a label map is never averaged, its middle pixels are taken."""
    block = labels.width // size
    classes = np.asarray(labels)[block // 2 :: block, block // 2 :: block]
    colours = np.array([facade_class.rgb for facade_class in CMP_PALETTE], dtype=np.uint8)
    return np.asarray(colours[classes])
