"""Bones and lung vessels of a generated chest radiograph, drawn as soft lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from piggygan.data.synthetic.chest import Chest, Plane, Side

if TYPE_CHECKING:
    from jaxtyping import Float32

    Field = Float32[np.ndarray, "side side"]
    Curve = Float32[np.ndarray, "points"]

_STEPS: Final = np.linspace(0.0, 1.0, 28)


class LineLayer:
    """Soft lines of one kind; where lines of one layer cross, the later one covers the earlier."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._side = max(256, 2 * plane.size)
        self._image = Image.new("L", (self._side, self._side), 0)
        self._draw = ImageDraw.Draw(self._image)

    def curve(self, x: np.ndarray, y: np.ndarray, width: float, strength: float) -> None:
        """Draw a curve through points of the patient's frame; ``strength`` is 0..1, ``width`` in half sides."""
        points = self._plane.pixels(x, y, self._side)
        self._draw.line(points, fill=round(255 * strength), width=max(1, round(width * self._side / 2)), joint="curve")

    def disc(self, x: float, y: float, radius: float, strength: float) -> None:
        """Draw a filled circle."""
        ((across, down),) = self._plane.pixels(np.array([x]), np.array([y]), self._side)
        r = radius * self._plane.scale * self._side / 2
        self._draw.ellipse((across - r, down - r, across + r, down + r), fill=round(255 * strength))

    def field(self, soft: float) -> Field:
        """Return what was drawn, 0..1, with edges ``soft`` half sides wide."""
        blurred = self._image.filter(ImageFilter.GaussianBlur(soft * self._side / 2))
        small = blurred.resize((self._plane.size, self._plane.size), Image.Resampling.BOX)
        return np.asarray(small, dtype=np.float32) / 255.0


def ribs(chest: Chest, plane: Plane) -> tuple[Field, Field]:
    """Draw the ribs' back parts, which fall outwards from the spine, and their fainter front parts."""
    back, front = LineLayer(plane), LineLayer(plane)
    for side, sign in ((chest.right, -1.0), (chest.left, 1.0)):
        spacing = (side.dome + 0.26 - side.apex) / chest.ribs
        for rib in range(chest.ribs):
            top = side.apex - 0.02 + rib * spacing
            reach = _wall_at(side, top + chest.rib_drop) + 0.010
            width = 0.050 if rib else 0.040
            x, y = _back_curve(reach, top, chest.rib_drop * (0.6 + 0.4 * rib / chest.ribs))
            # A rib is a tube: its walls are brighter than its middle.
            back.curve(sign * x, y, width, 1.0)
            back.curve(sign * x, y, 0.55 * width, 0.72)
            if rib >= 1:
                x, y = _front_curve(reach, float(y[-1]), spacing)
                front.curve(sign * x, y, 1.15 * width, 1.0)
                front.curve(sign * x, y, 0.75 * width, 0.78)
    return back.field(0.007), front.field(0.011)


def _wall_at(side: Side, y: float) -> float:
    height = min(1.0, max(0.0, (side.dome - 0.05 - y) / (side.dome - 0.05 - side.apex)))
    return 0.42 * side.wall + 0.58 * side.wall * float(max(0.0, 1.0 - height**2.2) ** 0.52)


def _back_curve(reach: float, top: float, drop: float) -> tuple[Curve, Curve]:
    x = 0.06 + (reach - 0.06) * np.sin(0.5 * np.pi * _STEPS) ** 1.15
    y = top - 0.035 * np.sin(np.pi * np.minimum(1.0, 1.6 * _STEPS)) + drop * _STEPS**2.2
    return x, y


def _front_curve(reach: float, start: float, spacing: float) -> tuple[Curve, Curve]:
    x = reach - (0.62 * reach) * _STEPS**1.1 + 0.012 * np.sin(np.pi * _STEPS)
    y = start + (1.35 * spacing + 0.05) * (1.0 - (1.0 - _STEPS) ** 1.8)
    return x, y


def shoulder_bones(chest: Chest, plane: Plane, rng: np.random.Generator) -> Field:
    """Draw collar bones, shoulder blades and the heads of the upper arms."""
    layer = LineLayer(plane)
    for side, sign in ((chest.right, -1.0), (chest.left, 1.0)):
        lift = float(rng.uniform(-0.03, 0.03))
        end = side.wall + 0.18
        x = 0.07 + (end - 0.07) * _STEPS
        inner = side.apex + 0.20
        y = inner - (0.20 + lift) * _STEPS + 0.045 * np.sin(2.0 * np.pi * _STEPS)
        tip = (side.wall + 0.06, float(y[-1]) + 0.66)
        for top, control in ((end - 0.06, side.wall - 0.12), (end + 0.05, side.wall + 0.10)):
            # Both edges of the shoulder blade run down to its tip.
            weights = np.stack([(1.0 - _STEPS) ** 2, 2.0 * _STEPS * (1.0 - _STEPS), _STEPS**2])
            edge_x = weights.T @ np.array([top, control, tip[0]])
            edge_y = weights.T @ np.array([float(y[-1]) + 0.04, float(y[-1]) + 0.35, tip[1]])
            layer.curve(sign * edge_x, edge_y, 0.026, 0.28)
        head_y = float(y[-1]) + 0.09
        layer.disc(sign * (end + 0.12), head_y, 0.095, 0.70)
        shaft = np.array([end + 0.15, end + 0.24])
        layer.curve(sign * shaft, np.array([head_y, head_y + 0.6]), 0.11, 0.55)
        layer.curve(sign * shaft, np.array([head_y + 0.05, head_y + 0.6]), 0.05, 0.38)
        layer.curve(sign * x, y, 0.056, 1.0)
        layer.curve(sign * x, y, 0.028, 0.70)
    return layer.field(0.008)


def spine(plane: Plane) -> Field:
    """Draw the column of vertebrae."""
    layer = LineLayer(plane)
    pitch = 0.115
    for index in range(20):
        y = -1.15 + index * pitch
        half = 0.062 + 0.0012 * index
        layer.curve(np.array([-half, half]), np.array([y, y]), 0.088, 0.75)
        layer.curve(np.array([-half, half]), np.array([y - 0.044, y - 0.044]), 0.012, 1.0)
        for sign in (-1.0, 1.0):
            layer.disc(sign * 0.040, y, 0.017, 1.0)
            layer.curve(np.array([sign * half, sign * (half + 0.05)]), np.array([y, y - 0.015]), 0.030, 0.45)
    return layer.field(0.008)


def vessels(chest: Chest, plane: Plane, rng: np.random.Generator) -> Field:
    """Draw the arteries and veins that branch from each lung's root."""
    layer = LineLayer(plane)
    for side, sign in ((chest.right, -1.0), (chest.left, 1.0)):
        root_y = side.apex + 0.50 * (side.dome - side.apex) - (0.03 if sign > 0 else 0.0)
        for _ in range(10):
            angle = float(rng.uniform(-1.3, 1.4))
            start = (side.inner + float(rng.uniform(0.0, 0.06)), root_y + 0.16 * angle)
            _branch(layer, rng, sign, start, angle, float(rng.uniform(0.018, 0.034)), depth=3)
    return layer.field(0.009)


def _branch(
    layer: LineLayer,
    rng: np.random.Generator,
    sign: float,
    start: tuple[float, float],
    angle: float,
    width: float,
    depth: int,
) -> None:
    length = float(rng.uniform(0.10, 0.20))
    bend = float(rng.uniform(-0.5, 0.5))
    middle = (start[0] + 0.5 * length * np.cos(angle), start[1] + 0.5 * length * np.sin(angle))
    end = (middle[0] + 0.5 * length * np.cos(angle + bend), middle[1] + 0.5 * length * np.sin(angle + bend))
    x, y = np.array([start[0], middle[0], end[0]]), np.array([start[1], middle[1], end[1]])
    layer.curve(sign * x, y, width, min(1.0, 0.35 + 22.0 * width))
    if depth:
        for turn in (rng.uniform(0.1, 0.6), -rng.uniform(0.1, 0.6)):
            _branch(
                layer, rng, sign, (float(end[0]), float(end[1])), angle + bend + float(turn), 0.66 * width, depth - 1
            )
