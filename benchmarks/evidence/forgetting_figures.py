"""Figures of methods set against one another: quality beside what is stored, and what is stored against tasks."""

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
        method: Its name.
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
    """Draw a row a method: its quality, orange where it has forgotten, beside what it stores; best first."""
    best_first = sorted(points, key=lambda point: point.quality)
    rows = range(len(best_first))
    figure = Figure(figsize=(7.6, 1.3 + 0.34 * len(points)), layout="constrained")
    quality, storage = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    worst = max([0.05, *(point.forgetting for point in points)])
    colours = [KEPT_TO_FORGOTTEN(max(0.0, point.forgetting) / worst) for point in best_first]
    values = [point.quality for point in best_first]
    quality.hlines(rows, [0.0] * len(values), values, color="#e1e6ea", zorder=1)
    quality.errorbar(
        values, rows, xerr=[point.spread for point in best_first], fmt="none", color="#5b6670", linewidth=2, zorder=2
    )
    quality.scatter(values, rows, c=colours, s=54, zorder=3)
    storage.barh(rows, [point.share for point in best_first], color="#9aa5af", height=0.55)
    for row, point in enumerate(best_first):
        said = f"{point.quality:.3f}" + (f", lost {point.forgetting:.3f}" if point.forgetting > 0.0005 else "")
        place = {"textcoords": "offset points", "va": "center", "ha": "left"}
        quality.annotate(said, (point.quality + point.spread, row), (7, 0), **place, **lettering(8, MUTED))
        storage.annotate(f"{point.share:.2f}", (point.share, row), (4, 0), **place, **lettering(8, MUTED))
    for axes in (quality, storage):
        _plain(axes)
        axes.grid(visible=False, axis="y")
        axes.set_xlim(0.0, 1.25 * axes.get_xlim()[1])  # room for the numbers
    quality.set_yticks(list(rows), [point.method for point in best_first], **lettering(8.5))
    for label, point in zip(quality.get_yticklabels(), best_first, strict=True):
        label.set_fontweight("bold" if point.method == "ours" else "normal")
    quality.set_xlabel("mean score over tasks, at the end", **lettering(9, MUTED))
    storage.set_xlabel("stored, as a share of separate networks", **lettering(9, MUTED))
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
