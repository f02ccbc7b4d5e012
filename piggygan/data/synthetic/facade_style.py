"""What one generated building looks like as a whole: its measures, materials and colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from piggygan.data.synthetic.canvas import Colour

PLASTERS: Final[tuple[Colour, ...]] = (
    (224, 186, 112),
    (233, 220, 190),
    (216, 158, 132),
    (190, 201, 172),
    (178, 192, 204),
    (226, 224, 218),
    (205, 178, 150),
    (196, 120, 96),
)
BRICKS: Final[tuple[Colour, ...]] = ((150, 78, 60), (128, 86, 66), (172, 104, 76), (190, 158, 112))
_STONES: Final[tuple[Colour, ...]] = ((188, 182, 170), (170, 162, 148), (206, 196, 174))
_FRAMES: Final[tuple[Colour, ...]] = ((238, 236, 230), (238, 236, 230), (112, 74, 50), (70, 76, 70))
_BLINDS: Final[tuple[Colour, ...]] = ((64, 100, 78), (120, 62, 50), (74, 96, 124), (132, 120, 100))
_DOORS: Final[tuple[Colour, ...]] = ((104, 66, 42), (52, 78, 64), (58, 66, 92), (122, 44, 40))
_ROOFS: Final[tuple[Colour, ...]] = ((150, 76, 56), (96, 92, 94), (120, 68, 54), (82, 96, 92))


@dataclass(frozen=True)
class FacadeStyle:
    """What all windows and storeys of one building have in common. Lengths are in units of the picture's side."""

    material: str  # "brick", "plaster" or "stone"
    wall: Colour
    trim: Colour
    frame: Colour
    blind: Colour
    door: Colour
    roof: Colour
    storeys: int
    bays: int
    left: float
    right: float
    top: float
    bottom: float
    ground_height: float
    window_width: float  # as a fraction of a bay
    window_height: float  # as a fraction of a storey
    bars: str  # "cross", "sash", "casement" or "triple"
    arched: bool
    sills: bool
    cornice: str  # "none", "flat", "triangle" or "arch"
    blinds: str  # "none", "shutters" or "roller"
    balconies: str  # "none", "single", "column" or "long"
    railing: str  # "bars" or "solid"
    moldings: str  # "none", "top" or "all"
    pillars: str  # "none", "edges" or "all"
    panels: bool  # decorative panels between the storeys
    shops: bool
    pitched: bool  # a roof of tiles, else a flat one behind the top molding

    @property
    def storey_height(self) -> float:
        """Height of one upper storey."""
        return (self.bottom - self.top - self.ground_height) / self.storeys

    @property
    def bay_width(self) -> float:
        """Width of one column of windows with the wall beside it."""
        return (self.right - self.left) / self.bays

    def bay_center(self, bay: int) -> float:
        """Middle of a bay, counted from the left."""
        return self.left + (bay + 0.5) * self.bay_width


def tinted(colour: Colour, factor: float) -> Colour:
    """Make a colour darker (factor below 1) or lighter (above 1)."""
    red, green, blue = (min(255, max(0, round(channel * factor))) for channel in colour)
    return red, green, blue


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """Mix two colours; ``share`` is that of the second."""
    red, green, blue = (round(a * (1.0 - share) + b * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def pick_colour(rng: np.random.Generator, choices: tuple[Colour, ...]) -> Colour:
    """Draw one of several colours, a little darker or lighter."""
    colour = choices[int(rng.integers(len(choices)))]
    return tinted(colour, float(rng.uniform(0.92, 1.08)))


def draw_style(rng: np.random.Generator) -> FacadeStyle:
    """Draw the style of one building."""
    material = str(rng.choice(["plaster", "brick", "stone"], p=[0.55, 0.3, 0.15]))
    walls = {"plaster": PLASTERS, "brick": BRICKS, "stone": _STONES}[material]
    wall = pick_colour(rng, walls)
    pale: Colour = (236, 230, 216)
    blinds = str(rng.choice(["none", "shutters", "roller"], p=[0.4, 0.3, 0.3]))
    storeys = int(rng.integers(2, 5))
    left, right = float(rng.uniform(0.02, 0.15)), float(rng.uniform(0.85, 0.98))
    top = float(rng.uniform(0.12, 0.22))
    bottom = float(rng.uniform(0.90, 0.95))
    return FacadeStyle(
        material=material,
        wall=wall,
        trim=mixed(wall, pale, float(rng.uniform(0.45, 0.9))),
        frame=pick_colour(rng, _FRAMES),
        blind=pick_colour(rng, _BLINDS),
        door=pick_colour(rng, _DOORS),
        roof=pick_colour(rng, _ROOFS),
        storeys=storeys,
        bays=int(rng.integers(4 if right - left > 0.8 else 3, 6)),
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        ground_height=(bottom - top) / (storeys + 1) * float(rng.uniform(1.0, 1.2)),
        window_width=float(rng.uniform(0.32, 0.42) if blinds == "shutters" else rng.uniform(0.38, 0.52)),
        window_height=float(rng.uniform(0.50, 0.60)),
        bars=str(rng.choice(["cross", "sash", "casement", "triple"])),
        arched=bool(rng.uniform() < 0.2),
        sills=bool(rng.uniform() < 0.75),
        cornice=str(rng.choice(["none", "flat", "triangle", "arch"], p=[0.3, 0.35, 0.2, 0.15])),
        blinds=blinds,
        balconies=str(rng.choice(["none", "single", "column", "long"], p=[0.35, 0.25, 0.25, 0.15])),
        railing=str(rng.choice(["bars", "solid"], p=[0.7, 0.3])),
        moldings=str(rng.choice(["top", "all", "none"], p=[0.4, 0.5, 0.1])),
        pillars=str(rng.choice(["none", "edges", "all"], p=[0.5, 0.3, 0.2])),
        panels=bool(rng.uniform() < 0.35),
        shops=bool(rng.uniform() < 0.5),
        pitched=bool(rng.uniform() < 0.55),
    )
