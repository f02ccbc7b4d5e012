"""The colours in which CMP facade label maps are painted.

The pix2pix facades set paints its twelve classes in every fifth colour of a 64-step "jet" scale, from dark
blue to dark red. Its files are JPEG, so a colour read from one is only near; the exact colours here are those
of the scale, and each is within two grey levels of the median of the flat regions of the set's training labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class FacadeClass(NamedTuple):
    """One class of a facade label map: its name and its colour, each channel 0..255.

    Example:
        >>> CMP_PALETTE[2].name, CMP_PALETTE[2].rgb
        ('window', (0, 128, 255))
    """

    name: str
    rgb: tuple[int, int, int]


CMP_PALETTE: Final[tuple[FacadeClass, ...]] = (
    FacadeClass("background", (0, 0, 223)),
    FacadeClass("facade", (0, 48, 255)),
    FacadeClass("window", (0, 128, 255)),
    FacadeClass("door", (0, 207, 255)),
    FacadeClass("cornice", (32, 255, 223)),  # over a window; a band across the facade is a molding
    FacadeClass("sill", (112, 255, 143)),
    FacadeClass("balcony", (191, 255, 64)),
    FacadeClass("blind", (255, 239, 0)),
    FacadeClass("deco", (255, 159, 0)),
    FacadeClass("molding", (255, 80, 0)),
    FacadeClass("pillar", (255, 0, 0)),
    FacadeClass("shop", (175, 0, 0)),
)
"""The twelve classes; a class's place in the tuple is its index."""

CMP_INDEX: Final[Mapping[str, int]] = MappingProxyType(
    {facade_class.name: index for index, facade_class in enumerate(CMP_PALETTE)}
)
"""The index of each class by its name."""
