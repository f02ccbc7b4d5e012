"""One score of several methods or moments, as coloured cells; equal colours are equal scores wherever they stand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Literal, get_args

from piggygan.errors import ConfigurationError

Hue = Literal["blue", "green", "violet", "ochre"]
HUES: tuple[Hue, ...] = get_args(Hue)
"""The colours that a score map can be shaded in."""

WORST_TO_BEST: Mapping[Hue, tuple[tuple[int, int, int], ...]] = MappingProxyType(
    {
        "blue": ((234, 242, 248), (156, 197, 224), (47, 128, 183), (11, 74, 122)),
        "green": ((233, 245, 239), (150, 209, 184), (38, 140, 104), (4, 84, 60)),
        "violet": ((244, 238, 248), (204, 178, 222), (139, 92, 172), (84, 39, 117)),
        "ochre": ((250, 243, 230), (232, 197, 134), (183, 123, 32), (112, 67, 4)),
    }
)
"""Colours, as RGB in 0..255, at the worst end of a scale, at one third, at two thirds and at the best end."""


@dataclass(frozen=True)
class Cell:
    """How one value is shown.

    Attributes:
        text: The value, rounded; a dash if it is not known.
        colour: Of the cell, as CSS reads it; empty if the value is not known.
        is_dark: Whether its text has to be white.
    """

    text: str
    colour: str = ""
    is_dark: bool = False


@dataclass(frozen=True)
class ScoreMap:
    """A matrix of one score: rows and columns are methods, or what had been learned by then.

    Colours run over a fixed scale, never from the least to the greatest of the values shown, so that two maps of one
    score can be set side by side. A map holds one score: accuracy and Dice do not share one.

    Args:
        score: What every value is, such as "lungs, Dice".
        row_names: One for each row, top to bottom.
        column_names: One for each column, left to right.
        values: Rows of values; None is unknown. A value outside the scale has the colour of its nearer end.
        scale: The two ends of the colours, worst first: ``(0, 1)`` where higher is better, ``(2, 0)`` for an error.
        hue: Of the colours: one for each score of a page, as no two scores can be compared.
        digits: How many are written after the decimal point.

    Raises:
        ConfigurationError: If there is no cell, the names do not match the rows and columns, a value is not a finite
            number, or the scale has no length.

    Example:
        >>> kept = ScoreMap("facades, pixel accuracy", ["piggygan"], ["after facades", "after lungs"], [[0.69, 0.69]])
        >>> [cell.text for cell in kept.cells[0]], kept.cells[0][0] == kept.cells[0][1]
        (['0.690', '0.690'], True)
    """

    kind: ClassVar[str] = "score_map"
    score: str
    row_names: Sequence[str]
    column_names: Sequence[str]
    values: Sequence[Sequence[float | None]]
    scale: tuple[float, float] = (0.0, 1.0)
    hue: Hue = "blue"
    digits: int = 3

    def __post_init__(self) -> None:
        sizes = [len(row) for row in self.values]
        if not self.row_names or not self.column_names or sizes != [len(self.column_names)] * len(self.row_names):
            raise ConfigurationError(
                f"a map with {len(self.row_names)} row names and {len(self.column_names)} column names "
                f"cannot show rows of {sizes} values: give a name for each row and column, and at least one cell"
            )
        strange = [value for row in self.values for value in row if value is not None and not math.isfinite(value)]
        if strange:
            raise ConfigurationError(f"a map cannot show {strange[0]}: give None for what is unknown")
        if self.scale[0] == self.scale[1] or not all(map(math.isfinite, self.scale)):
            raise ConfigurationError(
                f"the scale runs from {self.scale[0]} to {self.scale[1]}: give two ends that differ"
            )

    @property
    def cells(self) -> tuple[tuple[Cell, ...], ...]:
        """What stands in each cell."""
        return tuple(tuple(self._cell(value) for value in row) for row in self.values)

    @property
    def legend(self) -> str:
        """The scale, in words."""
        worst, best = self.scale
        return f"{self.score}: pale is {worst:g}, dark is {best:g}."

    def _cell(self, value: float | None) -> Cell:
        if value is None:
            return Cell("–")
        worst, best = self.scale
        colour = shade((value - worst) / (best - worst), self.hue)
        return Cell(f"{value:.{self.digits}f}", f"rgb({colour[0]}, {colour[1]}, {colour[2]})", is_dark(colour))


def shade(position: float, hue: Hue) -> tuple[int, int, int]:
    """Give the colour, as RGB in 0..255, of a place on the way from worst (0) to best (1)."""
    stops = WORST_TO_BEST[hue]
    place = min(max(position, 0.0), 1.0) * (len(stops) - 1)
    low = min(int(place), len(stops) - 2)
    pairs = zip(stops[low], stops[low + 1], strict=True)
    red, green, blue = (round(start + (end - start) * (place - low)) for start, end in pairs)
    return red, green, blue


def is_dark(colour: tuple[int, int, int]) -> bool:
    """Say whether white text stands out from a colour more than black text does (relative luminance, WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (level / 255 for level in colour)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05
