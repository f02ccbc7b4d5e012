"""Generated photographs of house fronts with their label maps, for demonstrations and tests.

They stand in for the CMP facades in pix2pix form: a photo, and the same front painted in the twelve colours of
:data:`~piggygan.data.palette.CMP_PALETTE`. Every building is drawn from its seed alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from piggygan.data.palette import CMP_INDEX
from piggygan.data.synthetic.camera import coloured, exposed, turned
from piggygan.data.synthetic.canvas import (
    Box,
    Canvas,
    check_count,
    check_seed,
    check_side,
    generator_of,
    smooth_noise,
)
from piggygan.data.synthetic.facade_parts import (
    paint_balcony,
    paint_door,
    paint_roller,
    paint_shop,
    paint_shutters,
    paint_surround,
    paint_window,
)
from piggygan.data.synthetic.facade_style import FacadeStyle, draw_style, mixed, tinted
from piggygan.data.synthetic.street import paint_foreground, paint_surroundings

if TYPE_CHECKING:
    from jaxtyping import Float32, UInt8


def generate_facade(
    seed_or_rng: int | np.random.Generator, size: int
) -> tuple[UInt8[np.ndarray, "size size 3"], UInt8[np.ndarray, "size size 3"]]:
    """Draw one house front and its label map.

    Args:
        seed_or_rng: A seed of at least 0, or a generator, which is then advanced. A seed gives the same
            building at every size.
        size: Side of the square picture in pixels, 32 to 4096.

    Returns:
        The photo and the label map, RGB, 0..255. Every label pixel is one of the palette's colours exactly.

    Raises:
        ConfigurationError: If ``size`` or a seed is outside its range.

    Example:
        >>> photo, labels = generate_facade(7, size=64)
        >>> photo.shape, labels.shape
        ((64, 64, 3), (64, 64, 3))
    """
    check_side(size)
    size = int(size)  # a number of 8 bits cannot be multiplied
    if isinstance(seed_or_rng, np.random.Generator):
        rng = seed_or_rng
    else:
        check_seed(seed_or_rng)
        rng = generator_of(seed_or_rng)
    style = draw_style(rng)
    # Thin bars and bricks are drawn larger and averaged; a 512 px picture needs less of that than a 64 px one.
    supersampling = 4 if size <= 64 else 3 if size <= 160 else 2
    canvas = Canvas(size * supersampling, light=float(rng.choice([-1.0, 1.0]) * rng.uniform(0.4, 0.9)))
    paint_surroundings(canvas, style, rng)
    _paint_roof(canvas, style, rng)
    _paint_wall(canvas, style, rng)
    _paint_trim(canvas, style)
    for storey in range(style.storeys):
        _paint_storey(canvas, style, storey, rng)
    _paint_ground_floor(canvas, style, rng)
    paint_foreground(canvas, style, rng)
    photo, labels, shade = turned(canvas, rng)
    return exposed(photo, shade, size, rng), coloured(labels, size)


def write_facades(folder: Path | str, count: int, size: int, seed: int) -> list[Path]:
    """Write pairs in pix2pix form: one PNG each, photo on the left, labels on the right.

    The files are ``000.png`` and so on. Picture ``i`` depends on ``seed`` and ``i`` only, so a larger
    ``count`` adds files and changes none.

    Args:
        folder: Made if it does not exist.
        count: How many pairs, at least 1.
        size: Side of one half in pixels, 32 to 4096; the files are twice as wide.
        seed: At least 0. The same arguments write the same bytes.

    Returns:
        The files, in order.

    Raises:
        ConfigurationError: If ``count``, ``size`` or ``seed`` is outside its range; nothing is written then.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     [path.name for path in write_facades(folder, 2, 32, seed=0)]
        ['000.png', '001.png']
    """
    check_count(count)
    check_side(size)
    check_seed(seed)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    paths = []
    for index in range(count):
        photo, labels = generate_facade(generator_of(seed, index), size)
        path = target / f"{index:03d}.png"
        Image.fromarray(np.concatenate([photo, labels], axis=1)).save(path)
        paths.append(path)
    return paths


def _paint_roof(canvas: Canvas, style: FacadeStyle, rng: np.random.Generator) -> None:
    if not style.pitched:
        return
    ridge = style.top - float(rng.uniform(0.07, 0.11))
    inset = float(rng.uniform(0.01, 0.07))
    for x in rng.uniform(style.left + 0.1, style.right - 0.1, size=int(rng.integers(0, 3))):
        canvas.box((float(x) - 0.02, ridge - 0.045, float(x) + 0.02, ridge + 0.03), (132, 88, 72))
        canvas.box((float(x) - 0.024, ridge - 0.052, float(x) + 0.024, ridge - 0.040), (96, 72, 62))
    label = CMP_INDEX["facade"]
    corners = [
        (style.left + inset, ridge),
        (style.right - inset, ridge),
        (style.right + 0.012, style.top),
        (style.left - 0.012, style.top),
    ]
    canvas.polygon(corners, style.roof, label)
    for row in np.arange(ridge + 0.008, style.top, 0.012):
        share = (float(row) - ridge) / (style.top - ridge)
        left, right = style.left + inset * (1.0 - share), style.right - inset * (1.0 - share)
        canvas.line([(left, float(row)), (right, float(row))], tinted(style.roof, 0.8), 0.003)
    if rng.uniform() < 0.6:
        for bay in range(style.bays):
            x, width = style.bay_center(bay), 0.10 * style.bay_width + 0.018
            canvas.box(
                (x - width - 0.01, ridge + 0.012, x + width + 0.01, style.top), tinted(style.trim, 0.9), label, 0.008
            )
            paint_window(canvas, style, (x - width, ridge + 0.025, x + width, style.top - 0.012), rng)


def _wall_texture(style: FacadeStyle, pixels: int, rng: np.random.Generator) -> Float32[np.ndarray, "side side"]:
    """Return by how much the wall's colour is multiplied in every pixel."""
    texture = 1.0 + 0.05 * smooth_noise(rng, pixels, (6, 6), octaves=4)
    stains = smooth_noise(rng, pixels, (2, 40))  # rain runs down
    texture -= 0.03 * np.clip(stains, 0.0, 1.0)
    if style.material == "plaster":
        return np.asarray(texture, dtype=np.float32)
    course, length, joint, spread = (
        (1 / 84, 1 / 34, 0.16, 0.10) if style.material == "brick" else (1 / 24, 1 / 11, 0.07, 0.07)
    )
    tones = rng.uniform(1.0 - spread, 1.0 + spread, size=(128, 128)).astype(np.float32)
    position = (np.arange(pixels, dtype=np.float32) + 0.5) / pixels
    row = position / course
    row_index = row.astype(np.int64)
    column = position[None, :] / length + 0.5 * (row_index[:, None] % 2)  # courses are laid half a brick apart
    texture *= tones[row_index[:, None] % 128, column.astype(np.int64) % 128]
    in_joint = ((row % 1.0) < joint)[:, None] | ((column % 1.0) < joint * course / length)
    joint_light = 1.22 if style.material == "brick" else 0.80
    return np.asarray(np.where(in_joint, texture * joint_light, texture), dtype=np.float32)


def _paint_wall(canvas: Canvas, style: FacadeStyle, rng: np.random.Generator) -> None:
    box = (style.left, style.top, style.right, style.bottom)
    texture = _wall_texture(style, canvas.pixels, rng)[..., None]
    wall = np.clip(texture * np.array(style.wall, dtype=np.float32), 0, 255).astype(np.uint8)
    canvas.replace(wall, box)
    canvas.mark(box, CMP_INDEX["facade"])
    if style.material == "plaster" and not style.shops:  # a base of large blocks
        edge = style.bottom - style.ground_height
        for y in np.arange(edge + 0.02, style.bottom, 0.028):
            canvas.line([(style.left, float(y)), (style.right, float(y))], tinted(style.wall, 0.78), 0.003)
    plinth: Box = (style.left, style.bottom - 0.025, style.right, style.bottom)
    canvas.box(plinth, tinted(mixed(style.wall, (120, 116, 110), 0.6), 0.85))


def _paint_trim(canvas: Canvas, style: FacadeStyle) -> None:
    """Paint pillars, which run down the front, and moldings, which run across it."""
    ground = style.bottom - style.ground_height
    edges = {"none": [], "edges": [0, style.bays], "all": list(range(style.bays + 1))}[style.pillars]
    half = 0.055 * style.bay_width + 0.006
    for edge in edges:
        x = min(max(style.left + edge * style.bay_width, style.left + half), style.right - half)
        canvas.box((x - half, style.top, x + half, ground), style.trim, CMP_INDEX["pillar"], depth=0.010)
        for y in (style.top + 0.045, ground - 0.03):
            canvas.box((x - half, y, x + half, y + 0.012), tinted(style.trim, 0.84))
    if style.moldings == "none":
        return
    label = CMP_INDEX["molding"]
    canvas.box(
        (style.left - 0.014, style.top - 0.012, style.right + 0.014, style.top + 0.030), style.trim, label, 0.024
    )
    canvas.box((style.left - 0.014, style.top - 0.012, style.right + 0.014, style.top), tinted(style.trim, 1.12))
    for x in np.arange(style.left + 0.004, style.right - 0.01, 0.022):
        canvas.box((float(x), style.top + 0.012, float(x) + 0.011, style.top + 0.026), tinted(style.trim, 0.68))
    storeys = range(1, style.storeys + 1) if style.moldings == "all" else (style.storeys,)
    for storey in storeys:
        y = style.top + storey * style.storey_height
        canvas.box((style.left, y - 0.011, style.right, y + 0.011), style.trim, label, depth=0.012)
        canvas.box((style.left, y + 0.003, style.right, y + 0.011), tinted(style.trim, 0.80))


def _window_box(style: FacadeStyle, bay: int, top: float, storey_height: float) -> Box:
    half = 0.5 * style.window_width * style.bay_width
    # A cornice over an arch needs the room of both.
    lowered = 0.07 if style.arched and style.cornice != "none" else 0.0
    upper = top + (0.27 + lowered) * storey_height
    return (
        style.bay_center(bay) - half,
        upper,
        style.bay_center(bay) + half,
        upper + (style.window_height - lowered) * storey_height,
    )


def _paint_storey(canvas: Canvas, style: FacadeStyle, storey: int, rng: np.random.Generator) -> None:
    top = style.top + storey * style.storey_height
    boxes = [_window_box(style, bay, top, style.storey_height) for bay in range(style.bays)]
    for box in boxes:
        paint_surround(canvas, style, box)
        paint_window(canvas, style, box, rng)
        if style.blinds == "shutters":
            paint_shutters(canvas, style, box)
        elif style.blinds == "roller" and (let_down := float(rng.uniform(-0.8, 0.9))) > 0.12:
            paint_roller(canvas, style, box, let_down)
        if style.panels and storey > 0 and style.moldings != "all":
            _paint_panel(canvas, style, (box[0], top - 0.055, box[2], top - 0.012))
    for first, last in _balconies(style, storey):
        paint_balcony(canvas, style, boxes[first][0] - 0.03, boxes[last][2] + 0.03, boxes[first][3] + 0.004)


def _balconies(style: FacadeStyle, storey: int) -> list[tuple[int, int]]:
    """Return the first and last bay of every balcony on one storey, counted from the top."""
    middle, is_lowest = style.bays // 2, storey == style.storeys - 1
    if style.balconies == "column":
        return [(middle, middle)]
    if style.balconies == "long" and is_lowest:
        return [(0, style.bays - 1)]
    if style.balconies == "single" and is_lowest:
        return [(bay, bay) for bay in range(style.bays) if bay == middle or bay % 2 == 1]
    return []


def _paint_panel(canvas: Canvas, style: FacadeStyle, box: Box) -> None:
    """Paint a relief in a frame."""
    left, top, right, bottom = box
    canvas.box(box, tinted(style.trim, 1.02), CMP_INDEX["deco"], depth=0.005)
    canvas.box((left + 0.006, top + 0.006, right - 0.006, bottom - 0.006), tinted(style.trim, 0.80))
    middle, radius = 0.5 * (left + right), 0.4 * (bottom - top)
    for shift in (-1.6, 0.0, 1.6):
        x, y = middle + shift * radius, 0.5 * (top + bottom)
        canvas.ellipse(
            (x - 0.8 * radius, y - 0.8 * radius, x + 0.8 * radius, y + 0.8 * radius), tinted(style.trim, 1.1)
        )


def _paint_ground_floor(canvas: Canvas, style: FacadeStyle, rng: np.random.Generator) -> None:
    top = style.bottom - style.ground_height
    door_bay = int(rng.integers(style.bays))
    for bay in range(style.bays):
        x, width = style.bay_center(bay), style.bay_width
        if bay == door_bay:
            half = min(0.30 * width, 0.062)
            paint_door(canvas, style, (x - half, top + 0.30 * style.ground_height, x + half, style.bottom))
        elif style.shops:
            shop = (x - 0.44 * width, top + 0.16 * style.ground_height, x + 0.44 * width, style.bottom - 0.012)
            paint_shop(canvas, shop, rng)
        else:
            box = _window_box(style, bay, top, style.ground_height)
            paint_surround(canvas, style, box)
            paint_window(canvas, style, box, rng)
    if style.panels:
        x = style.bay_center(door_bay)
        _paint_panel(canvas, style, (x - 0.06, top + 0.03, x + 0.06, top + 0.075))
