"""How text is set inside figures, whoever wrote it.

Names of tasks and files end up in figures, and may hold anything: dollar signs, which matplotlib would take for
mathematics, line breaks, or characters that the font lacks, on which it warns.
"""

from __future__ import annotations

import functools
from typing import Any

from matplotlib.font_manager import FontProperties, findfont, get_font

INK = "#1b2127"
"""The colour of text that is read."""
MUTED = "#57626d"
"""The colour of text that explains, such as the names of axes; 6:1 against white."""

_FAMILY = "DejaVu Sans"  # comes with matplotlib, so figures look the same on every machine


def lettering(points: float, colour: str = INK, weight: str = "normal") -> dict[str, Any]:
    """Give the keyword arguments with which matplotlib sets a text as it stands, without reading it as TeX."""
    return {
        "fontsize": points,
        "color": colour,
        "fontweight": weight,
        "fontfamily": _FAMILY,
        "parse_math": False,
        "usetex": False,
    }


def font(points: float) -> FontProperties:
    """Give the font of :func:`lettering`, for measuring text."""
    return FontProperties(family=_FAMILY, size=points)


def drawable(text: str) -> str:
    r"""Put a text on one line and replace what the font cannot draw by the replacement character.

    Example:
        >>> drawable("scan\n7 肺.png")
        'scan 7 �.png'
    """
    on_one_line = " ".join(text.split())
    return "".join(letter if _has_glyph(letter) else "\N{REPLACEMENT CHARACTER}" for letter in on_one_line)


@functools.cache
def _has_glyph(letter: str) -> bool:
    return bool(get_font(findfont(font(9))).get_char_index(ord(letter)))
