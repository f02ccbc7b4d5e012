"""Figures of methods set against one another: quality against what is stored, and what is stored against tasks."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from piggygan.evaluation.report.figures import DOTS_PER_INCH
from piggygan.evaluation.report.lettering import INK, MUTED, font, lettering

KEPT_TO_FORGOTTEN = LinearSegmentedColormap.from_list("kept to forgotten", ["#0072B2", "#E69F00", "#D55E00"])
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")


@dataclass(frozen=True)
class Point:
    """One method in the figure of quality against storage.

    Attributes:
        method: Its name, written beside the point.
        share: Parameters stored, as a share of separate networks.
        quality: Mean final score.
        forgetting: Mean fall from the best score, 0 or more; the colour.
        spread: Standard deviation over seeds; 0 for one seed.
    """

    method: str
    share: float
    quality: float
    forgetting: float
    spread: float = 0.0


def quality_against_parameters(points: Sequence[Point], title: str) -> bytes:
    """Draw each method as a point: right is more storage, up is better, orange has forgotten."""
    figure = Figure(figsize=(7.6, 4.6), layout="constrained")
    axes = figure.subplots()
    worst = max([0.05, *(point.forgetting for point in points)])
    for point in points:
        axes.errorbar(point.share, point.quality, yerr=point.spread or None, color="#9aa5af", linewidth=1, zorder=1)
    drawn = axes.scatter(
        [point.share for point in points],
        [point.quality for point in points],
        c=[max(0.0, point.forgetting) for point in points],
        cmap=KEPT_TO_FORGOTTEN,
        vmin=0.0,
        vmax=worst,
        s=[90 if point.method == "ours" else 42 for point in points],
        zorder=2,
    )
    for point, place in zip(points, _label_places(points), strict=True):
        weight = "bold" if point.method == "ours" else "normal"
        axes.annotate(
            point.method,
            (point.share, point.quality),
            place,
            textcoords="offset points",
            va="center",
            ha="left" if place[0] > 0 else "right",
            **lettering(8, weight=weight),
        )
    bar = figure.colorbar(drawn, ax=axes, fraction=0.03, pad=0.02)
    bar.set_label("forgetting", **lettering(8.5, MUTED))
    bar.ax.tick_params(length=0, labelsize=8, labelcolor=MUTED)
    bar.outline.set_visible(False)
    _plain(axes)
    axes.margins(x=0.16, y=0.1)
    axes.set_xlabel("parameters stored for all tasks, as a share of separate networks", **lettering(9, MUTED))
    axes.set_ylabel("mean score over tasks, at the end", **lettering(9, MUTED))
    figure.suptitle(title, x=0.008, ha="left", **lettering(11, weight="bold"))
    return _png_of(figure)


def cost_against_tasks(curves: Mapping[str, Sequence[float]], title: str, unit: str) -> bytes:
    """Draw what each method stores for 1, 2, 3 ... tasks."""
    figure = Figure(figsize=(7.6, 4.0), layout="constrained")
    axes = figure.subplots()
    for number, (method, values) in enumerate(curves.items()):
        style = ("-", "--", ":")[number // len(COLOURS) % 3]
        width = 2.4 if method == "ours" else 1.5
        axes.plot(
            range(1, len(values) + 1),
            values,
            style,
            color=COLOURS[number % len(COLOURS)],
            linewidth=width,
            label=method,
        )
    figure.legend(loc="outside right center", frameon=False, prop=font(8.5), labelcolor=INK)
    _plain(axes)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("tasks", **lettering(9, MUTED))
    axes.set_ylabel(unit, **lettering(9, MUTED))
    figure.suptitle(title, x=0.008, ha="left", **lettering(11, weight="bold"))
    return _png_of(figure)


def _label_places(points: Sequence[Point]) -> list[tuple[float, float]]:
    """Choose for each name an offset from its point, in points of type, at which it covers no other name or point."""
    taken = [_box(point, points, (-4.0, 0.0), 1) for point in points]
    places = []
    for point in points:
        offsets = [(side * 8.0, 11.0 * step) for step in (0, 1, -1, 2, -2, 3, -3, 4, -4) for side in (1, -1)]
        boxes = [_box(point, points, offset, len(point.method)) for offset in offsets]
        free = [number for number, box in enumerate(boxes) if not any(_overlap(box, other) for other in taken)]
        chosen = free[0] if free else 0
        taken.append(boxes[chosen])
        places.append(offsets[chosen])
    return places


def _box(
    point: Point, points: Sequence[Point], offset: tuple[float, float], letters: int
) -> tuple[float, float, float, float]:
    """Return about where words would be, in points of type: left, right, bottom, top."""
    shares, qualities = [other.share for other in points], [other.quality for other in points]
    x = 340.0 * (point.share - min(shares)) / ((max(shares) - min(shares)) or 1.0) + offset[0]
    y = 210.0 * (point.quality - min(qualities)) / ((max(qualities) - min(qualities)) or 1.0) + offset[1]
    long = 5.2 * letters
    left = x if offset[0] >= -4 else x - long
    return left, left + max(long, 8.0), y - 5, y + 5


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def _plain(axes: Axes) -> None:
    axes.tick_params(length=0, labelsize=8.5, labelcolor=MUTED)
    axes.grid(color="#e1e6ea", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)


def _png_of(figure: Figure) -> bytes:
    file = io.BytesIO()
    # No "Software" entry: it names matplotlib's version, and the same numbers should give the same bytes.
    FigureCanvasAgg(figure).print_figure(file, dpi=DOTS_PER_INCH, format="png", metadata={"Software": None})
    return file.getvalue()
