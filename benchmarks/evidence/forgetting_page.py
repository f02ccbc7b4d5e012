"""The page of the evidence: tables, figures and pictures, from what the cells left and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import piggygan as pg
from benchmarks.evidence.findings import REFERENCE, Measure, Results, Run, Tasks, summary
from benchmarks.evidence.forgetting_figures import Point, cost_against_tasks, quality_against_parameters
from benchmarks.evidence.goals import goal_rows
from benchmarks.evidence.quality import nearest_to_median
from benchmarks.evidence.rates import rate_rows
from benchmarks.evidence.score_tables import claim_rows, cost_rows, photo_rows, score_rows
from piggygan.evaluation.report.blocks import Block, Chart, Note, Table, Text
from piggygan.evaluation.report.page import Page, Section, write_page
from piggygan.evaluation.report.pictures import gallery
from piggygan.evaluation.report.score_map import HUES, ScoreMap

VERSION = f"piggygan {pg.__version__}"
SHOWN = 3
"""Pictures of each task in a strip."""
IN_STRIPS = (
    REFERENCE,
    "ours",
    "low-rank",
    "low-rank-x16",
    "frozen-base",
    "binary-masks",
    "replay",
    "thin",
    "fine-tuning",
)
"""Methods of which pictures are shown, as far as they were run; numbers are shown of all."""


def write_forgetting_page(results: Results, folder: Path) -> Path:
    """Write ``forgetting.html``, and ``quality.png`` for the longest order, of several that of which most was run.

    Args:
        results: All cells.
        folder: With the ``samples`` of the cells; also where the page goes.

    Returns:
        The page.
    """
    orders = results.orders()
    sections = [section for tasks in orders for section in _sections(results, tasks, folder)]
    page = Page(
        title="What is forgotten, and what it costs",
        lead=(
            "One generator learns one task after another, by each of the methods below: on the same data, with the "
            "same network and the same number of steps. Scores are of test data that no choice rests on, except where "
            "a table says that they are of the validation side."
        ),
        sections=[*sections, Section("How to read this", [Text(EXPLANATIONS)])],
        footer=f"{len(results)} cells. {'; '.join(results.machines)}. {_described(results)}. {VERSION}.",
    )
    path = folder / "forgetting.html"
    write_page(path, page)
    if orders:
        longest = max(orders, key=lambda tasks: (len(tasks), sum(map(len, results.runs(tasks).values()))))
        (folder / "quality.png").write_bytes(_quality(results, longest))
    return path


EXPLANATIONS = """
Scores are means over test images: Dice for masks, pixel accuracy for labels, mean IoU of both classes for windows,
structural similarity for photos. With several seeds the standard deviation over seeds follows.

Average is the mean over tasks at the end. Incremental is the mean of the averages after every task: the average
incremental quality of CLoG (Zhang et al. 2024), whose average final quality is our average and whose forgetting rate
is backward transfer with the sign turned.

Backward transfer is the mean of final score minus score when just learned (Lopez-Paz and Ranzato 2017), forgetting
that of best score minus final score (Chaudhry et al. 2018). Forward transfer is the mean over later tasks of the score
when just learned minus that of a network from scratch with the same budget. Validated is the last reading of the
learning curve, the mean over later tasks: what choices are made by. The learning curve is the mean of its readings on
the validation side: the area under it. Same bytes: the outputs for all test images of all earlier tasks
have the SHA-256 that they had when the task was just learned.

Parameters count what all tasks together store, a bit of a mask as a 32nd; the bytes count running statistics and
replayed examples too. Seconds are of one processor core, readings of the learning curve left out.

Intervals are 95 % of a bootstrap over seeds and images, of the paired differences image by image. With one seed they
say nothing of what another seed would give.

Shown are the pictures whose score with separate networks is nearest to the median of those kept, from the first seed.
"""


def _sections(results: Results, tasks: Tasks, folder: Path) -> list[Section]:
    title = ", then ".join(tasks)
    found = score_rows(results, tasks)
    blocks: list[Block] = [
        _table(found, "Best average first."),
        _table(cost_rows(results, tasks), "What all tasks store together, and what learning and running one takes."),
    ]
    if len(found) > 1:
        said = "; ".join(f"{row['method']}: average {row['average']}" for row in found)
        blocks.append(Chart(_quality(results, tasks), "", f"Quality against stored parameters. {title}. {said}"))
    if compared := claim_rows(results, tasks):
        blocks.append(_table(compared, "What ours scores more than each other method at the end, with 95 % intervals."))
    if held := goal_rows(results, tasks):
        blocks.append(
            _table(held, "Against separate networks: ours as it comes and as advised, and what it may be below.")
        )
    if swept := rate_rows(results, tasks):
        blocks.append(_table(swept, "The same tasks at other learning rates: the validation side, last reading."))
    if photos := photo_rows(results, tasks):
        blocks.append(
            _table(photos, "Photos: structural similarity, and distances of distributions, where less is better.")
        )
    blocks += _score_maps(results, tasks)
    blocks.append(_growth(results, tasks))
    blocks += _strips(results, tasks, folder)
    return [Section(title, blocks)]


def _table(found: Sequence[Mapping[str, Any]], caption: str) -> Table:
    header = list(dict.fromkeys(name for row in found for name in row))
    ours = [number for number, row in enumerate(found) if "ours" in (row.get("method"), row.get("ours minus"))]
    return Table(header, [[row.get(name) for name in header] for row in found], caption, highlight=ours)


def _quality(results: Results, tasks: Tasks) -> bytes:
    runs = results.runs(tasks)
    seeds = max(map(len, runs.values()))
    points = []
    for method, own in runs.items():
        if len(own) < seeds:  # a mean of fewer seeds does not compare
            continue
        measures = summary(own, runs.get(REFERENCE, []))
        whole = len(tasks) * own[0].cells[0]["stored"]["parameters"]
        points.append(
            Point(
                method,
                measures["parameters"].mean / whole,
                measures["average"].mean,
                measures["forgetting"].mean,
                float(np.std(measures["average"].values)),
            )
        )
    said = "one seed" if seeds == 1 else f"{seeds} seeds, and their standard deviation"
    return quality_against_parameters(points, f"After {len(tasks)} tasks: quality and storage ({said})")


def _score_maps(results: Results, tasks: Tasks) -> list[Block]:
    """Show the score on each task after each task, method by method: one map, and so one scale, a task."""
    runs = results.runs(tasks)
    after = [f"after {task}" for task in tasks]
    return [
        ScoreMap(
            f"{task}, its score",
            list(runs),
            after[place:],
            [
                [_mean([run.matrix.rows[row][place] for run in own]) for row in range(place, len(tasks))]
                for own in runs.values()
            ],
            hue=HUES[place % len(HUES)],
        )
        for place, task in enumerate(tasks)
    ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = tuple(value for value in values if value is not None)
    return Measure(known).mean if known else None


def _growth(results: Results, tasks: Tasks) -> Block:
    curves = {
        method: [
            Run(method, tasks[:count], own[0].seed, own[0].cells[:count]).stored("bytes") / 1e6
            for count in range(1, len(tasks) + 1)
        ]
        for method, own in results.runs(tasks).items()
    }
    said = "; ".join(f"{method} {values[-1]:.1f} MB" for method, values in curves.items())
    png = cost_against_tasks(curves, "What all tasks store together", "MB")
    return Chart(png, "", f"Megabytes stored against tasks. After {len(tasks)}: {said}")


def _strips(results: Results, tasks: Tasks, folder: Path) -> list[Block]:
    runs = results.runs(tasks)
    if REFERENCE not in runs:
        return [Note("No pictures: separate networks, by which they are chosen, were not run.")]
    seed = runs[REFERENCE][0].seed
    shown = {m: run for m in IN_STRIPS for run in runs.get(m, []) if run.seed == seed}
    return [strip for task in tasks if (strip := _strip(shown, task, folder)) is not None]


def _strip(runs: Mapping[str, Run], task: str, folder: Path) -> Block | None:
    """Show a task's pictures at the end of the order; None where their files were not copied along."""
    found = runs[REFERENCE].final(task)
    places = nearest_to_median([found["by_image"][place] for place in found["samples"]], SHOWN)
    columns = {"input": folder / "samples" / f"input.{task}.png", "truth": folder / "samples" / f"truth.{task}.png"}
    for method, run in runs.items():
        last = run.tasks.index(task) if method == REFERENCE else -1
        name = run.cells[last]["learned"][-1]
        columns[method] = folder / "samples" / f"{name}.{task}.png"
    if not all(path.is_file() for path in columns.values()):
        return None
    pictures = [_pictures(path, len(found["samples"])) for path in columns.values()]
    grid: list[list[Tensor | None]] = [[column[place] for column in pictures] for place in places]
    return gallery(grid, [""] * len(grid), list(columns), f"{task}, after all tasks.")


def _pictures(path: Path, count: int) -> list[Tensor]:
    with Image.open(path) as image:
        levels = torch.from_numpy(np.array(image)).float()
    levels = levels[..., None] if levels.dim() == 2 else levels
    return list((levels / 127.5 - 1).movedim(-1, 0).chunk(count, dim=1))


def _described(results: Results) -> str:
    return ", ".join(f"{name} {value}" for name, value in results.setting.items())
