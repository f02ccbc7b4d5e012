"""Figures of scores and losses, as PNG bytes that read well on a white page.

matplotlib is used through its ``Figure`` objects only: no ``pyplot``, no state that outlives a call, so figures can
be drawn in any thread and without a display. Line colours are those of Okabe and Ito, which people with any of
the common colour-vision deficiencies can tell apart; nothing is said by colour alone.

The bytes hold no date and no version, so equal numbers give equal files. They name their size (192 dots an inch),
from which the report page knows how large to show them.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from piggygan.errors import ConfigurationError
from piggygan.report.lettering import INK, MUTED, drawable, font, lettering

if TYPE_CHECKING:
    from jaxtyping import Float

DOTS_PER_INCH = 192
"""Twice the 96 of a web page, so that figures stay sharp on dense screens and on paper."""

_LINE_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_LINE_STYLES = ("-", "--", ":")
_WORST_TO_BEST = LinearSegmentedColormap.from_list("worst to best", ["#eaf2f8", "#9cc5e0", "#2f80b7", "#0b4a7a"])

_LONGEST_TITLE = 64
_TITLE_LETTER = 0.108  # inches

_Shade = Callable[[float], float]


def heat_map(
    matrix: Sequence[Sequence[float | None]],
    row_names: Sequence[str],
    column_names: Sequence[str],
    title: str = "",
    *,
    row_axis: str = "",
    column_axis: str = "",
    higher_is_better: bool = True,
    digits: int = 3,
) -> bytes:
    """Draw a matrix as coloured cells with their values written in; unknown cells are hatched.

    Args:
        matrix: Rows of values; None is unknown.
        row_names: One for each row, top to bottom.
        column_names: One for each column, left to right.
        title: Set above, at the left.
        row_axis: What the rows are, such as "after learning".
        column_axis: What the columns are, such as "score on".
        higher_is_better: Which end of the scale is dark: the better one.
        digits: How many are written after the decimal point.

    Returns:
        A PNG file.

    Raises:
        ConfigurationError: If there is no cell, the names do not match the rows and columns, or a value is not a
            finite number.
    """
    _check_matrix(matrix, row_names, column_names)
    rows, columns = [_named(name) for name in row_names], [_named(name) for name in column_names]
    figure = Figure(figsize=_heat_map_inches(rows, columns, title, row_axis), layout="constrained")
    axes = figure.subplots()
    shade = _shading([value for row in matrix for value in row if value is not None], higher_is_better)
    for y, row in enumerate(matrix):
        for x, value in enumerate(row):
            _draw_cell(axes, x, y, value, shade, digits)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), columns, **lettering(9))
    axes.set_yticks(range(len(rows)), rows, **lettering(9))
    axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    axes.xaxis.set_label_position("top")
    axes.spines[:].set_visible(False)
    _set_words(figure, axes, title, column_axis, row_axis)
    return _png_of(figure)


def loss_curves(
    histories: Mapping[str, Sequence[float]],
    title: str = "",
    *,
    x_axis: str = "step",
    y_axis: str = "loss",
    smoothing: float = 0.9,
) -> bytes:
    """Draw losses over steps: a smoothed line each, with the values themselves faint behind it.

    Args:
        histories: Values in order, under the name of each loss; those that are not finite leave a gap.
        title: Set above, at the left.
        x_axis: What one value is: a step, an epoch.
        y_axis: What the values are.
        smoothing: Weight of the past in the running average, from 0 (none) up to, not including, 1.

    Returns:
        A PNG file, 1382 x 691 pixels.

    Raises:
        ConfigurationError: If there is no history, one is empty, or the smoothing is outside [0, 1).
    """
    _check_histories(histories, smoothing)
    figure = Figure(figsize=(7.2, 3.6), layout="constrained")
    axes = figure.subplots()
    lines: list[Line2D] = []
    for position, values in enumerate(histories.values()):
        colour = _LINE_COLOURS[position % len(_LINE_COLOURS)]
        style = _LINE_STYLES[position // len(_LINE_COLOURS) % len(_LINE_STYLES)]
        steps = range(1, len(values) + 1)
        if smoothing:
            axes.plot(steps, _finite(values), color=colour, alpha=0.25, linewidth=0.7)
        marker = "o" if len(values) == 1 else ""  # a line through a single point cannot be seen
        lines += axes.plot(steps, smoothed(values, smoothing), style, color=colour, linewidth=1.8, marker=marker)
    _draw_legend(figure, lines, list(histories))
    axes.margins(x=0.01)
    axes.tick_params(length=0, labelsize=8.5, labelcolor=MUTED)
    axes.grid(axis="y", color="#e1e6ea", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#9aa5af")
    _set_words(figure, axes, title, x_axis, y_axis)
    return _png_of(figure)


def smoothed(values: Sequence[float], smoothing: float) -> Float[np.ndarray, " steps"]:
    """Average a history over its recent past: exponential weights, made to sum to 1 from the first value on.

    At values that are not finite the result is NaN and the average passes over them.

    Args:
        values: In order.
        smoothing: Weight of the past, from 0 (the values as they are) up to, not including, 1.

    Example:
        >>> smoothed([4.0, 1.0], smoothing=0.5).tolist()  # (0.5 * 4 + 1 * 1) / 1.5
        [4.0, 2.0]
    """
    result = np.full(len(values), np.nan)
    total = weight = 0.0
    for position, value in enumerate(values):
        if math.isfinite(value):
            total = smoothing * total + value
            weight = smoothing * weight + 1.0
            result[position] = total / weight
    return result


def _check_matrix(
    matrix: Sequence[Sequence[float | None]], row_names: Sequence[str], column_names: Sequence[str]
) -> None:
    sizes = [len(row) for row in matrix]
    if not row_names or not column_names or sizes != [len(column_names)] * len(row_names):
        raise ConfigurationError(
            f"a heat map with {len(row_names)} row names and {len(column_names)} column names "
            f"cannot show rows of {sizes} values: give a name for each row and column, and at least one cell"
        )
    strange = [value for row in matrix for value in row if value is not None and not math.isfinite(value)]
    if strange:
        raise ConfigurationError(f"a heat map cannot show {strange[0]}: give None for what is unknown")


def _check_histories(histories: Mapping[str, Sequence[float]], smoothing: float) -> None:
    empty = [name for name, values in histories.items() if len(values) == 0]
    if not histories or empty:
        raise ConfigurationError(f"loss curves need at least one history and a value in each, empty: {empty}")
    if not 0.0 <= smoothing < 1.0:
        raise ConfigurationError(f"`smoothing` is {smoothing}, but must be at least 0 and less than 1")


def _shading(values: Sequence[float], higher_is_better: bool) -> _Shade:
    """Map values to 0..1, worst to best; where all are the same there is no worst, and all are in the middle."""
    low, high = min(values, default=0.0), max(values, default=0.0)

    def shade(value: float) -> float:
        position = 0.5 if high == low else (value - low) / (high - low)
        return position if higher_is_better else 1.0 - position

    return shade


def _draw_cell(axes: Axes, x: int, y: int, value: float | None, shade: _Shade, digits: int) -> None:
    corner = (x - 0.5, y - 0.5)
    if value is None:
        axes.add_patch(Rectangle(corner, 1, 1, facecolor="white", edgecolor="#d5dbe0", hatch="////", linewidth=0))
    else:
        position = shade(value)
        axes.add_patch(Rectangle(corner, 1, 1, facecolor=_WORST_TO_BEST(position), linewidth=0))
        axes.text(x, y, f"{value:.{digits}f}", ha="center", va="center", **lettering(10, _readable_on(position)))
    axes.add_patch(Rectangle(corner, 1, 1, facecolor="none", edgecolor="white", linewidth=2))


def _readable_on(position: float) -> str:
    """Choose the colour of text on a cell: at every shade its contrast is at least 4.5:1."""
    return "white" if position > 0.695 else "black"


def _draw_legend(figure: Figure, lines: Sequence[Line2D], names: Sequence[str]) -> None:
    numbers = [str(position) for position in range(len(lines))]
    legend = figure.legend(
        lines, numbers, loc="outside lower center", ncols=4, frameon=False, prop=font(9), labelcolor=INK
    )
    # Names go in afterwards: matplotlib drops a label that begins with "_", and would read "$" as mathematics.
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(_named(name))


def _heat_map_inches(rows: Sequence[str], columns: Sequence[str], title: str, row_axis: str) -> tuple[float, float]:
    """Give a size that has room for every word: a letter of a name takes about 0.09 inches."""
    cell = max(0.95, 0.1 + 0.09 * max(len(name) for name in columns))
    width = 0.7 + 0.09 * max(len(name) for name in rows) + cell * len(columns)
    title_width = 0.3 + _TITLE_LETTER * len(_named(title, _LONGEST_TITLE))
    return max(width, title_width), max(1.1 + 0.5 * len(rows), 1.0 + 0.09 * len(_named(row_axis)))


def _set_words(figure: Figure, axes: Axes, title: str, x_axis: str, y_axis: str) -> None:
    axes.set_xlabel(_named(x_axis), labelpad=8, **lettering(9, MUTED))
    axes.set_ylabel(_named(y_axis), labelpad=8, **lettering(9, MUTED))
    if title:
        figure.suptitle(_named(title, _LONGEST_TITLE), x=0.008, ha="left", **lettering(11, weight="bold"))


def _named(name: str, longest: int = 28) -> str:
    """Shorten a name that would push the figure off the page."""
    text = drawable(name)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _finite(values: Sequence[float]) -> Float[np.ndarray, " steps"]:
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _png_of(figure: Figure) -> bytes:
    file = io.BytesIO()
    # No "Software" entry: it names matplotlib's version, and the same numbers should give the same bytes.
    FigureCanvasAgg(figure).print_figure(file, dpi=DOTS_PER_INCH, format="png", metadata={"Software": None})
    return file.getvalue()
