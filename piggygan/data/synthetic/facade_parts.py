"""The parts of a generated facade: windows, doors, shops, balconies, and how each is labelled."""

from __future__ import annotations

import numpy as np

from piggygan.data.palette import CMP_INDEX
from piggygan.data.synthetic.canvas import Box, Canvas, Colour, Point
from piggygan.data.synthetic.facade_style import FacadeStyle, mixed, tinted


def paint_window(canvas: Canvas, style: FacadeStyle, box: Box, rng: np.random.Generator) -> None:
    """Paint a window with its frame, glass, curtains and bars."""
    left, top, right, bottom = box
    border = 0.10 * (right - left)
    label = CMP_INDEX["window"]
    rise = _rise(style, box)
    canvas.ellipse((left, top - rise, right, top + rise), style.frame, label)
    canvas.box(box, style.frame, label)
    inner = (left + border, top + border, right - border, bottom - border)
    _paint_glass(canvas, inner, rng)
    _paint_bars(canvas, style, inner)
    if style.arched:  # a fanlight
        canvas.polygon(_pediment(inner[0], inner[2], top + 0.3 * border, rise - border, rounded=True), (70, 84, 100))
    # The wall is thick: its upper edge throws a shadow on the glass.
    canvas.darken([(left, top), (right, top), (right, top + 0.9 * border), (left, top + 0.9 * border)], 150)


def _rise(style: FacadeStyle, box: Box) -> float:
    """Return how far a window's arch stands over its box."""
    return min(0.32 * (box[2] - box[0]), 0.13 * style.storey_height) if style.arched else 0.0


def _paint_glass(canvas: Canvas, box: Box, rng: np.random.Generator) -> None:
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    darkness = rng.uniform(0.7, 1.35)
    glass = tinted((52, 64, 78), darkness)
    canvas.box(box, glass)
    reflection = rng.uniform()
    curtain = rng.uniform()
    if reflection < 0.6:  # the sky, in the upper part, cut off aslant
        depth = height * rng.uniform(0.25, 0.6)
        slant = height * rng.uniform(-0.2, 0.2)
        canvas.polygon(
            [(left, top), (right, top), (right, top + depth + slant), (left, top + depth - slant)],
            mixed(glass, (150, 175, 200), 0.55),
        )
    if curtain < 0.45:
        cloth = tinted((214, 208, 196), rng.uniform(0.75, 1.0))
        drawn = width * rng.uniform(0.12, 0.3)
        canvas.polygon([(left, top), (left + drawn, top), (left + 0.5 * drawn, bottom), (left, bottom)], cloth)
        canvas.polygon([(right, top), (right - drawn, top), (right - 0.5 * drawn, bottom), (right, bottom)], cloth)
    elif curtain > 0.93:  # somebody is at home
        canvas.box((left, top, right, bottom), (236, 205, 140))


def _paint_bars(canvas: Canvas, style: FacadeStyle, box: Box) -> None:
    left, top, right, bottom = box
    bar = 0.085 * (right - left)
    across = {"cross": (0.34,), "sash": (0.5,), "casement": (), "triple": (0.28,)}[style.bars]
    down = {"cross": (0.5,), "sash": (), "casement": (0.5,), "triple": (0.33, 0.67)}[style.bars]
    for share in across:
        y = top + share * (bottom - top)
        canvas.box((left, y - bar / 2, right, y + bar / 2), style.frame)
    for share in down:
        x = left + share * (right - left)
        canvas.box((x - bar / 2, top, x + bar / 2, bottom), style.frame)


def paint_surround(canvas: Canvas, style: FacadeStyle, box: Box) -> None:
    """Paint what belongs to a window and stands out of the wall: its cornice and its sill."""
    left, top, right, bottom = box
    width = right - left
    over, height = 0.16 * width, max(0.018, 0.26 * width)
    base = top - _rise(style, box) - 0.008
    label = CMP_INDEX["cornice"]
    if style.cornice == "flat":
        canvas.box((left - over, base - 0.7 * height, right + over, base), style.trim, label, depth=0.011)
        canvas.box((left - over, base - 0.25 * height, right + over, base), tinted(style.trim, 0.82))
    elif style.cornice != "none":
        canvas.polygon(
            _pediment(left - over, right + over, base, 1.25 * height, rounded=style.cornice == "arch"),
            style.trim,
            depth=0.011,
        )
        canvas.polygon(
            _pediment(left, right, base - 0.22 * height, 0.72 * height, rounded=style.cornice == "arch"),
            tinted(style.trim, 0.78),
        )
        canvas.mark((left - over, base - 1.25 * height, right + over, base), label)
    if style.sills:
        sill = (left - 0.12 * width, bottom, right + 0.12 * width, bottom + max(0.017, 0.16 * width))
        canvas.box(sill, tinted(style.trim, 1.06), CMP_INDEX["sill"], depth=0.012)


def _pediment(left: float, right: float, base: float, height: float, *, rounded: bool) -> list[Point]:
    middle, half = 0.5 * (left + right), 0.5 * (right - left)
    if not rounded:
        return [(left, base), (middle, base - height), (right, base)]
    angles = np.linspace(np.pi, 0.0, 13)
    return [(float(middle + half * np.cos(a)), float(base - height * np.sin(a))) for a in angles]


def paint_shutters(canvas: Canvas, style: FacadeStyle, box: Box) -> None:
    """Paint an open shutter on either side of a window."""
    left, top, right, bottom = box
    leaf = 0.42 * (right - left)
    for start in (left - leaf - 0.003, right + 0.003):
        canvas.box((start, top, start + leaf, bottom), style.blind, CMP_INDEX["blind"], depth=0.006)
        slats = max(4, round((bottom - top) / 0.016))
        for slat in range(1, slats):
            y = top + (bottom - top) * slat / slats
            inset = 0.14 * leaf
            canvas.box((start + inset, y - 0.0025, start + leaf - inset, y + 0.0025), tinted(style.blind, 0.7))


def paint_roller(canvas: Canvas, style: FacadeStyle, box: Box, share: float) -> None:
    """Paint a roller blind that is let down over ``share`` of a window."""
    left, top, right, bottom = box
    edge = top + share * (bottom - top)
    canvas.box((left, top, right, edge), style.blind, CMP_INDEX["blind"])
    for y in np.arange(top + 0.010, edge, 0.013):
        canvas.box((left, float(y), right, float(y) + 0.003), tinted(style.blind, 0.82))
    canvas.box((left, edge - 0.005, right, edge), tinted(style.blind, 0.6))


def paint_balcony(canvas: Canvas, style: FacadeStyle, left: float, right: float, floor: float) -> None:
    """Paint a balcony whose slab lies at ``floor``, with the railing above it."""
    height = 0.36 * style.storey_height
    slab = 0.10 * style.storey_height
    whole = (left, floor - height, right, floor + slab)
    canvas.mark(whole, CMP_INDEX["balcony"])
    if style.railing == "solid":
        canvas.box((left, floor - height, right, floor), tinted(style.trim, 0.95), depth=0.02)
        canvas.box((left, floor - height, right, floor - 0.84 * height), tinted(style.trim, 1.1))
        balusters = max(3, round((right - left) / 0.022))
        step = (right - left) / balusters
        for baluster in range(balusters):
            x = left + (baluster + 0.5) * step
            canvas.box((x - 0.26 * step, floor - 0.72 * height, x + 0.26 * step, floor), tinted(style.trim, 0.62))
    else:
        iron = (46, 44, 46)
        posts = max(4, round((right - left) / 0.013))
        for post in range(posts + 1):
            x = left + (right - left) * post / posts
            canvas.line([(x, floor - height), (x, floor)], iron, 0.0042)
        canvas.box((left, floor - height, right, floor - height + 0.010), iron)
        canvas.box((left, floor - 0.3 * height, right, floor - 0.3 * height + 0.006), iron)
    canvas.box((left - 0.006, floor, right + 0.006, floor + slab), tinted(style.trim, 0.92), depth=0.026)
    canvas.box((left - 0.006, floor + 0.55 * slab, right + 0.006, floor + slab), tinted(style.trim, 0.66))


def paint_door(canvas: Canvas, style: FacadeStyle, box: Box) -> None:
    """Paint a door of two leaves with a light above it, in a stone surround."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    border = 0.14 * width
    canvas.box((left - border, top - border, right + border, bottom), style.trim, depth=0.008)
    if style.arched:
        canvas.ellipse((left - border, top - 0.5 * width, right + border, top + 0.5 * width), style.trim)
        canvas.ellipse((left, top - 0.36 * width, right, top + 0.36 * width), (70, 82, 96), CMP_INDEX["door"])
    canvas.box(box, style.door, CMP_INDEX["door"])
    light = top + 0.2 * height
    canvas.box((left + 0.08 * width, top + 0.04 * height, right - 0.08 * width, light), (66, 80, 96))
    middle = 0.5 * (left + right)
    for start, stop in ((left + 0.09 * width, middle - 0.05 * width), (middle + 0.05 * width, right - 0.09 * width)):
        for upper, lower in ((0.27, 0.56), (0.62, 0.92)):
            canvas.box((start, top + upper * height, stop, top + lower * height), tinted(style.door, 0.68))
    canvas.line([(middle, light), (middle, bottom)], tinted(style.door, 0.5), 0.004)
    canvas.darken([(left, top), (right, top), (right, top + 0.08 * height), (left, top + 0.08 * height)], 150)


def paint_shop(canvas: Canvas, box: Box, rng: np.random.Generator) -> None:
    """Paint a shop front: a sign, an awning at times, a large pane with goods behind it."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    brand = _BRANDS[int(rng.integers(len(_BRANDS)))]
    canvas.box(box, tinted(brand, 0.55), CMP_INDEX["shop"])
    pane = (left + 0.05 * width, top + 0.26 * height, right - 0.05 * width, bottom - 0.12 * height)
    canvas.box(pane, (74, 80, 86))
    goods = rng.uniform(size=(4, 4))
    for item in range(4):
        x = pane[0] + (item + 0.15 + 0.2 * goods[item, 0]) * (pane[2] - pane[0]) / 4
        tall = (0.25 + 0.45 * goods[item, 1]) * (pane[3] - pane[1])
        colour = mixed(_BRANDS[int(goods[item, 2] * len(_BRANDS))], (235, 215, 170), 0.6)
        canvas.box((x, pane[3] - tall, x + 0.15 * (pane[2] - pane[0]), pane[3]), colour)
    canvas.polygon(
        [(pane[0], pane[1]), (pane[0] + 0.35 * width, pane[1]), (pane[0], pane[1] + 0.5 * height)], (128, 142, 156)
    )
    canvas.box((left + 0.485 * width, pane[1], left + 0.515 * width, pane[3]), tinted(brand, 0.5))
    _paint_sign(canvas, (left, top, right, top + 0.20 * height), brand, rng)
    if rng.uniform() < 0.5:
        _paint_awning(canvas, (left - 0.01, top + 0.18 * height, right + 0.01, top + 0.44 * height), brand)


def _paint_sign(canvas: Canvas, box: Box, brand: Colour, rng: np.random.Generator) -> None:
    left, top, right, bottom = box
    canvas.box(box, brand, depth=0.008)
    ink: Colour = (245, 240, 228)
    x = left + 0.18 * (right - left)
    letters = rng.uniform(0.6, 1.4, size=7) * (right - left) * 0.06
    for letter in letters:  # unreadable on purpose: strokes that look like a name from afar
        canvas.box((x, top + 0.28 * (bottom - top), x + float(letter), bottom - 0.28 * (bottom - top)), ink)
        x += float(letter) + 0.02 * (right - left)


def _paint_awning(canvas: Canvas, box: Box, brand: Colour) -> None:
    left, top, right, bottom = box
    canvas.polygon(
        [(left + 0.01, top), (right - 0.01, top), (right, bottom), (left, bottom)], brand, CMP_INDEX["shop"], depth=0.03
    )
    stripes = max(3, round((right - left) / 0.028))
    step, step_above = (right - left) / stripes, (right - left - 0.02) / stripes
    for stripe in range(0, stripes, 2):
        below, above = left + stripe * step, left + 0.01 + stripe * step_above
        canvas.polygon(
            [(above, top), (above + step_above, top), (below + step, bottom), (below, bottom)], (240, 234, 222)
        )


_BRANDS: tuple[Colour, ...] = (
    (158, 36, 40),
    (30, 78, 122),
    (28, 96, 66),
    (96, 52, 92),
    (62, 54, 48),
    (196, 122, 34),
    (44, 44, 50),
)
