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
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from piggygan.errors import ConfigurationError
from piggygan.evaluation.report.blocks import Chart
from piggygan.evaluation.report.lettering import INK, MUTED, drawable, font, lettering

if TYPE_CHECKING:
    from jaxtyping import Float

DOTS_PER_INCH = 192
"""Twice the 96 of a web page, so that figures stay sharp on dense screens and on paper."""

_LINE_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_LINE_STYLES = ("-", "--", ":")

_LONGEST_TITLE = 34


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
        A PNG file, 672 x 556 pixels: on a page as wide as a phone, so that its letters never shrink.

    Raises:
        ConfigurationError: If there is no history, one is empty, or the smoothing is outside [0, 1).

    Example:
        >>> png = loss_curves({"L1": [0.9, 0.6, 0.5], "GAN": [0.7, 0.7, 0.6]}, "Training", x_axis="epoch")
        >>> png[1:4]
        b'PNG'
    """
    _check_histories(histories, smoothing)
    figure = Figure(figsize=(3.5, 2.9), layout="constrained")
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
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))  # there is no epoch 2.5
    if max(map(len, histories.values())) == 1:
        axes.set_xticks([1])
    axes.tick_params(length=0, labelsize=8.5, labelcolor=MUTED)
    axes.grid(axis="y", color="#e1e6ea", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#9aa5af")
    _set_words(figure, axes, title, x_axis, y_axis)
    return _png_of(figure)


def loss_chart(
    histories: Mapping[str, Sequence[float]],
    title: str,
    *,
    x_axis: str = "step",
    y_axis: str = "loss",
    smoothing: float = 0.9,
) -> Chart:
    """Draw losses, or scores, for a page; arguments and errors are those of :func:`loss_curves`.

    Returns:
        The chart, whose words for those who cannot see it say where each loss began and where it ended.

    Example:
        >>> loss_chart({"L1": [0.9, 0.6, 0.5]}, "Training", x_axis="epoch").alt
        'Losses over each epoch, Training: L1 from 0.9 to 0.5'
    """
    png = loss_curves(histories, title, x_axis=x_axis, y_axis=y_axis, smoothing=smoothing)
    courses = [f"{name} from {values[0]:.3g} to {values[-1]:.3g}" for name, values in histories.items()]
    drawn = "Losses" if y_axis == "loss" else y_axis
    return Chart(png, "", f"{drawn} over each {x_axis}, {title}: {'; '.join(courses)}")


def reliability_chart(points: Sequence[tuple[float, float]]) -> Chart:
    """Draw a reliability diagram: what probabilities said against what was found; right ones lie on the diagonal.

    Args:
        points: Of each part of the pixels the mean probability and the share that is foreground, both 0..1.

    Returns:
        The chart, whose words name every point.

    Raises:
        ConfigurationError: If there is no point.

    Example:
        >>> reliability_chart([(0.05, 0.01), (0.95, 0.9)]).alt
        'Reliability: 0.05 is 0.01, 0.95 is 0.9'
    """
    if not points:
        raise ConfigurationError("there is no pixel to draw a reliability diagram of.")
    figure = Figure(figsize=(3.5, 2.9), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], _LINE_STYLES[2], color=MUTED, linewidth=1.0)
    axes.plot(*zip(*points, strict=True), color=_LINE_COLOURS[0], linewidth=1.8, marker="o")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    for side in (axes.xaxis, axes.yaxis):
        side.set_tick_params(labelsize=8, labelcolor=MUTED)
    _set_words(figure, axes, "Reliability", "probability", "share of foreground")
    said = ", ".join(f"{probability:.3g} is {share:.3g}" for probability, share in points)
    return Chart(_png_of(figure), "", f"Reliability: {said}")


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


def _check_histories(histories: Mapping[str, Sequence[float]], smoothing: float) -> None:
    empty = [name for name, values in histories.items() if len(values) == 0]
    if not histories or empty:
        raise ConfigurationError(f"loss curves need at least one history and a value in each, empty: {empty}")
    if not 0.0 <= smoothing < 1.0:
        raise ConfigurationError(f"`smoothing` is {smoothing}, but must be at least 0 and less than 1")


def _draw_legend(figure: Figure, lines: Sequence[Line2D], names: Sequence[str]) -> None:
    numbers = [str(position) for position in range(len(lines))]
    legend = figure.legend(
        lines, numbers, loc="outside lower center", ncols=2, frameon=False, prop=font(8.5), labelcolor=INK
    )
    # Names go in afterwards: matplotlib drops a label that begins with "_", and would read "$" as mathematics.
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(_named(name))


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
