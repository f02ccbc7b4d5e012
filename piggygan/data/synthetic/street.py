"""What surrounds a generated facade: sky, neighbouring houses, the street, and what stands in the way."""

from __future__ import annotations

import numpy as np

from piggygan.data.synthetic.canvas import Canvas, Colour, smooth_noise
from piggygan.data.synthetic.facade_style import (
    BRICKS,
    PLASTERS,
    FacadeStyle,
    mixed,
    pick_colour,
    tinted,
)


def paint_surroundings(canvas: Canvas, style: FacadeStyle, rng: np.random.Generator) -> None:
    """Paint sky, the neighbouring houses and the street; all of it is background."""
    pixels = canvas.pixels
    height = np.linspace(0.0, 1.0, pixels, dtype=np.float32)[:, None, None]
    zenith = np.array(mixed((92, 142, 204), (176, 184, 194), float(rng.uniform(0.0, 1.0))), dtype=np.float32)
    sky = zenith + (np.array([232, 236, 240], dtype=np.float32) - zenith) * np.minimum(1.0, 2.2 * height)
    clouds = np.clip(smooth_noise(rng, pixels, (5, 3), octaves=3) * 1.3 - 0.1, 0.0, 0.85)[..., None]
    sky = sky + (250.0 - sky) * clouds
    canvas.replace(np.clip(sky, 0, 255).astype(np.uint8), (0.0, 0.0, 1.0, 1.0))
    for inner, outer in ((style.left, -0.05), (style.right, 1.05)):
        wall = tinted(pick_colour(rng, PLASTERS + BRICKS), 0.72)
        top = style.top + float(rng.uniform(-0.10, 0.22))
        left, right = min(inner, outer), max(inner, outer)
        canvas.box((left, top, right, 1.0), wall)
        canvas.box((left, top - 0.02, right, top + 0.01), tinted(wall, 0.7))
        for row in np.arange(top + 0.07, 0.85, 0.17):
            middle = inner + (0.06 if outer > inner else -0.06)
            canvas.box((middle - 0.022, float(row), middle + 0.022, float(row) + 0.08), (58, 62, 68))
    pavement = tinted((150, 146, 140), float(rng.uniform(0.8, 1.1)))
    canvas.box((0.0, style.bottom, 1.0, 1.0), pavement)
    canvas.box((0.0, style.bottom + 0.032, 1.0, 1.0), (92, 92, 96))
    canvas.box((0.0, style.bottom + 0.028, 1.0, style.bottom + 0.035), tinted(pavement, 1.25))


def paint_foreground(canvas: Canvas, style: FacadeStyle, rng: np.random.Generator) -> None:
    """Paint cars and trees in the photo alone: a label map says what is behind them."""
    for _ in range(int(rng.integers(0, 3))):
        paint = _CAR_PAINTS[int(rng.integers(len(_CAR_PAINTS)))]
        _paint_car(canvas, float(rng.uniform(0.05, 0.8)), style.bottom + 0.045, paint, bool(rng.uniform() < 0.5))
    if rng.uniform() < 0.3:
        side = float(rng.choice([rng.uniform(-0.02, 0.10), rng.uniform(0.90, 1.02)]))
        _paint_tree(canvas, side, style.bottom + 0.03, rng)


def _paint_car(canvas: Canvas, left: float, ground: float, paint: Colour, faces_left: bool) -> None:
    length, height = 0.19, 0.062
    outline = [
        (0.00, 0.20), (0.01, 0.52), (0.18, 0.60), (0.30, 0.98), (0.68, 1.00),
        (0.84, 0.62), (0.98, 0.52), (1.00, 0.20),
    ]  # fmt: skip
    panes = (
        [(0.24, 0.60), (0.33, 0.90), (0.48, 0.92), (0.48, 0.60)],
        [(0.51, 0.60), (0.51, 0.92), (0.66, 0.92), (0.78, 0.60)],
    )

    def placed(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(left + length * (x if faces_left else 1.0 - x), ground - height * y) for x, y in points]

    canvas.polygon(placed([(0.0, 0.02), (0.0, 0.22), (1.0, 0.22), (1.0, 0.02)]), (34, 34, 36))
    canvas.polygon(placed(outline), paint, depth=0.004)
    for pane in panes:
        canvas.polygon(placed(pane), (58, 68, 78))
    canvas.polygon(placed([(0.02, 0.36), (0.02, 0.40), (0.98, 0.40), (0.98, 0.36)]), tinted(paint, 0.75))
    for wheel in (0.20, 0.79):
        x, radius = left + length * (wheel if faces_left else 1.0 - wheel), 0.30 * height
        for share, colour in ((1.0, (28, 28, 30)), (0.5, (150, 150, 152))):
            r = radius * share
            middle = ground - radius + 0.004
            canvas.ellipse((x - r, middle - r, x + r, middle + r), colour)


def _paint_tree(canvas: Canvas, x: float, ground: float, rng: np.random.Generator) -> None:
    crown = ground - float(rng.uniform(0.30, 0.45))
    canvas.polygon([(x - 0.012, ground), (x - 0.006, crown), (x + 0.006, crown), (x + 0.012, ground)], (74, 60, 48))
    leaf = mixed((58, 84, 44), (96, 108, 56), float(rng.uniform()))
    leaves = rng.normal(size=(90, 2)) * np.array([0.048, 0.065]) + np.array([x, crown])
    for number, (across, down) in enumerate(leaves):
        radius = 0.010 + 0.012 * float(rng.uniform())
        # The later ones lie on top and towards the light.
        colour = tinted(leaf, 0.62 + 0.6 * number / len(leaves))
        canvas.ellipse((across - radius, down - radius, across + radius, down + radius), colour)


_CAR_PAINTS: tuple[Colour, ...] = (
    (150, 34, 36),
    (40, 62, 98),
    (196, 198, 200),
    (52, 54, 58),
    (226, 222, 212),
    (84, 104, 92),
)
