"""The anatomy behind a generated chest radiograph, as fields over the plane of the picture.

Coordinates: ``x`` to the right and ``y`` down, 0 in the middle, the picture's edges at -1 and 1 before the
patient is moved and turned. A PA film shows the patient's right side on the left. Fields are soft
(0..1, an edge as wide as ``soft``) where they are only seen, and exact where they make the mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from piggygan.data.synthetic.canvas import smooth_noise

if TYPE_CHECKING:
    from jaxtyping import Bool, Float32

    Field = Float32[np.ndarray, "side side"]
    Mask = Bool[np.ndarray, "side side"]


@dataclass(frozen=True)
class Side:
    """One half of a thorax. Lengths are in half sides of the picture, ``x`` counted away from the midline."""

    apex: float  # y of the top of the lung
    wall: float  # x of the chest wall where it is widest
    dome: float  # y of the top of the diaphragm
    dome_at: float  # x of that top
    inner: float  # x of the mediastinum's edge
    opacity: float  # 0 clear, 1 as dense as the heart


@dataclass(frozen=True)
class Chest:
    """The plan of one patient. ``right`` is the patient's right, seen on the left."""

    right: Side
    left: Side
    shoulder: float  # y of the shoulders
    girth: float  # x of the body's outline below the arms
    heart_width: float
    heart_height: float
    heart_tilt: float
    bone: float  # how bright ribs are
    rib_drop: float  # how much a rib falls from the spine to the wall
    ribs: int
    breast: float  # 0 none
    gas: float  # 0 none: the bubble in the stomach


def draw_chest(rng: np.random.Generator) -> Chest:
    """Draw the plan of one patient."""
    apex = rng.uniform(-0.78, -0.66)
    wall = rng.uniform(0.60, 0.75)
    dome = rng.uniform(0.30, 0.58)
    haze = rng.uniform(0.0, 0.25) if rng.uniform() < 0.75 else rng.uniform(0.25, 0.55)

    def side(lower: float) -> Side:
        return Side(
            apex=float(apex + rng.uniform(-0.03, 0.03)),
            wall=float(wall + rng.uniform(-0.03, 0.03)),
            dome=float(dome + lower + rng.uniform(-0.03, 0.03)),
            dome_at=float(rng.uniform(0.48, 0.58) * wall),
            inner=float(rng.uniform(0.11, 0.15)),
            opacity=float(np.clip(haze + rng.uniform(-0.08, 0.08), 0.0, 0.6)),
        )

    right, left = side(0.0), side(float(rng.uniform(0.02, 0.10)))  # the liver lifts the right dome
    return Chest(
        right=right,
        left=left,
        shoulder=float(apex + rng.uniform(0.0, 0.08)),
        girth=float(wall + rng.uniform(0.12, 0.22)),
        heart_width=float(wall * rng.uniform(0.42, 0.56)),
        heart_height=float((dome - apex) * rng.uniform(0.25, 0.31)),
        heart_tilt=float(rng.uniform(0.45, 0.75)),
        bone=float(rng.uniform(0.13, 0.25)),
        rib_drop=float(rng.uniform(0.10, 0.24)),
        ribs=int(rng.integers(9, 11)),
        breast=float(rng.uniform(0.07, 0.15) if rng.uniform() < 0.35 else 0.0),
        gas=float(rng.uniform(0.15, 0.35) if rng.uniform() < 0.5 else 0.0),
    )


class Plane:
    """The coordinates of every pixel in the patient's own frame: moved, turned, scaled, a little uneven."""

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self.size = size
        self.scale = float(rng.uniform(0.96, 1.12))
        self.turn = float(np.deg2rad(rng.uniform(-5.0, 5.0)))
        self.shift = (float(rng.uniform(-0.05, 0.05)), float(rng.uniform(-0.04, 0.06)))
        centers = ((np.arange(size, dtype=np.float32) + 0.5) / size) * 2.0 - 1.0
        x, y = np.meshgrid(centers - self.shift[0], centers - self.shift[1])
        cosine, sine = np.cos(self.turn), np.sin(self.turn)
        bend = 0.014  # no outline of a body is an exact ellipse
        self.x = ((cosine * x + sine * y) / self.scale + bend * smooth_noise(rng, size, (6, 6))).astype(np.float32)
        self.y = ((cosine * y - sine * x) / self.scale + bend * smooth_noise(rng, size, (6, 6))).astype(np.float32)

    def pixels(self, x: np.ndarray, y: np.ndarray, side: int) -> list[tuple[float, float]]:
        """Place points of the patient's frame in a picture of ``side`` pixels (without the unevenness)."""
        cosine, sine = np.cos(self.turn), np.sin(self.turn)
        across = (cosine * x - sine * y) * self.scale + self.shift[0]
        down = (sine * x + cosine * y) * self.scale + self.shift[1]
        return [((float(a) + 1.0) * side / 2, (float(d) + 1.0) * side / 2) for a, d in zip(across, down, strict=True)]


def softened(distance: Field, soft: float) -> Field:
    """Turn a distance to an edge (positive inside) into 0..1 across an edge as wide as ``soft``."""
    return np.asarray((0.5 * (1.0 + np.tanh(2.0 * distance / soft))), dtype=np.float32)


def heart_distance(chest: Chest, plane: Plane) -> Field:
    """Return how deep inside the heart and great vessels every pixel lies, below 0 outside."""
    x, y = plane.x, plane.y
    bottom = 0.5 * (chest.right.dome + chest.left.dome) + 0.02
    middle_x, middle_y = 0.24 * chest.heart_width, bottom - 0.72 * chest.heart_height
    cosine, sine = np.cos(chest.heart_tilt), np.sin(chest.heart_tilt)
    along = cosine * (x - middle_x) + sine * (y - middle_y)
    across = -sine * (x - middle_x) + cosine * (y - middle_y)
    muscle = 1.0 - np.hypot(along / chest.heart_width, across / (0.82 * chest.heart_height))
    muscle = muscle * 0.8 * chest.heart_height
    arch = chest.left.apex + 0.38
    knob = 0.070 - np.hypot(x - 0.105, 0.7 * (y - arch))  # the arch of the aorta
    # The vessels' stem widens from the arch down to the heart, more so to the patient's left.
    lower = np.clip((y - arch) / (bottom - arch), 0.0, 1.1)
    stem = np.where(x > 0.03, 0.075 + 0.30 * lower**1.7, 0.115 + 0.09 * lower) - np.abs(x - 0.03)
    stem = np.minimum(stem, np.minimum(bottom + 0.1 - y, y - arch + 0.10))
    # A smooth maximum: the parts of the heart's outline run into each other.
    blend = 0.030
    parts = np.stack([muscle, knob, stem]) / blend
    highest = parts.max(axis=0)
    return np.asarray((blend * (highest + np.log(np.exp(parts - highest).sum(axis=0)))), dtype=np.float32)


def lung_distance(plane: Plane, side: Side, sign: float, heart: Field) -> Field:
    """Return how deep inside one lung every pixel lies, below 0 outside.

    A lung is the chest's half, without heart and mediastinum, above the diaphragm.

    ``sign`` is -1 for the patient's right lung, seen on the left, and 1 for the left; ``heart`` is the
    field of :func:`heart_distance`.
    """
    x, y = sign * plane.x, plane.y
    widest = side.dome - 0.05
    height = np.clip((widest - y) / (widest - side.apex), 0.0, 1.2)  # 0 at the widest, 1 at the apex
    # The outer wall is a quarter of a superellipse about a line near the apex's middle.
    axis = 0.42 * side.wall
    left_over = 1.0 - height**2.2
    reach = np.sign(left_over) * np.abs(left_over) ** 0.52
    outer = axis + (side.wall - axis) * reach - x
    # Towards the apex the inner edge rounds outwards, past the great vessels.
    lean = 1.0 - np.sqrt(1.0 - np.clip(height, 0.0, 1.0) ** 6)
    inner = x - side.inner - (axis - side.inner) * lean
    above = -abdomen_distance(plane, side, sign)
    return np.asarray(np.minimum(np.minimum(outer, inner), np.minimum(above, -heart)), dtype=np.float32)


def abdomen_distance(plane: Plane, side: Side, sign: float) -> Field:
    """Return how far below one dome of the diaphragm every pixel lies, below 0 above it."""
    across = (sign * plane.x - side.dome_at) / side.wall
    dome = side.dome + np.where(across > 0.0, 1.15, 0.55) * across**2 * side.wall
    return np.asarray((plane.y - dome), dtype=np.float32)


def body_distance(chest: Chest, plane: Plane) -> Field:
    """Return how deep inside the body every pixel lies: trunk, neck, shoulders with raised elbows' stumps."""
    x, y = np.abs(plane.x), plane.y
    trunk = chest.girth + 0.06 * np.clip(y, -1.0, 1.0) - x
    fall = np.clip((x - 0.16) / 0.9, 0.0, 1.5)
    shoulder = y - (chest.shoulder - 0.16 + 0.42 * fall**1.6)
    upper = np.minimum(shoulder, 1.35 - x)
    arm = np.minimum(upper, 0.12 - y + 0.1 * x)
    neck = 0.20 + 0.25 * np.clip(y - chest.shoulder + 0.30, 0.0, 1.0) - x
    return np.asarray(
        np.maximum(np.maximum(np.minimum(trunk, shoulder), arm), np.minimum(neck, 0.2 - y)), dtype=np.float32
    )
