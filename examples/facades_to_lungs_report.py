"""What the main job found, on one page: pictures, task matrices, costs, losses and the proof."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from facades_to_lungs_result import OURS, RIVAL, Result
from torch import Tensor
from verdict import HEADLINE, SCORE_NAMES

import piggygan as pg
from piggygan.data import PairDataset
from piggygan.evaluation.report import (
    HUES,
    Block,
    Gallery,
    KeyFigure,
    Page,
    Proof,
    ScoreMap,
    Section,
    Table,
    Text,
    gallery,
    loss_chart,
    picture_grid,
    write_page,
)

SHOWN = 3
"""Test images of each task on the page: the first, the middle and the last by name."""


Tests = Mapping[str, PairDataset]
"""The pairs of each task that were kept back."""


def write_report(folder: Path, result: Result, tests: Tests) -> Path:
    """Write ``report.html`` and ``result.json``, and the page's main picture as ``strip.png``."""
    facades, lungs = _facade_strip(result, tests), _lung_strip(result, tests)
    (folder / "strip.png").write_bytes(_headline_strip(result, tests))
    page = Page(
        title=result.verdict.title("One generator", "learned facades, then lungs, and forgot nothing"),
        lead=(
            "A pix2pix U-Net was trained to label facades, then to find lungs in chest X-rays: once with piggygan and "
            "once by fine-tuning, from the same start, on the same films, for the same number of steps."
        ),
        notes=result.verdict.notes(),
        key_figures=_key_figures(result),
        sections=[
            Section("Facades, before and after lungs", facades),
            Section("Lungs", lungs),
            Section("What was learned and what was forgotten", _matrices(result)),
            Section("The proof", _proof(result)),
            Section("What a task costs", _costs(result)),
            Section("Losses", _losses(result)),
        ],
        footer=footer(result.settings, result.seconds),
    )
    path = folder / "report.html"
    write_page(path, page)
    (folder / "result.json").write_text(json.dumps(_as_dict(result), indent=2), encoding="utf-8")
    return path


def _key_figures(result: Result) -> list[KeyFigure]:
    ours, rival = (result.scores(method, "lungs", "lungs")["dice"] for method in (OURS, RIVAL))
    before, after = result.facades_accuracy(RIVAL)
    cost = result.overhead["lungs"].share if result.overhead else float("nan")
    verdict = result.verdict
    floor = f"the same mask for every film: {verdict.fixed['lungs']:.3f}"
    return [
        KeyFigure(
            "Lungs, Dice",
            f"{ours:.3f}",
            f"fine-tuning the whole network: {rival:.3f}; {floor}",
            "bad" if "lungs" in verdict.not_learned else "plain",
        ),
        KeyFigure(
            "Facades with piggygan",
            "byte-equal" if result.is_proven else "NOT PROVEN",
            f"before, after, and in a fresh process; pixel accuracy {verdict.scores['facades']:.2f}",
            verdict.tone if verdict.is_good or not result.is_proven else "plain",
        ),
        KeyFigure(
            "Facades with fine-tuning",
            f"{before:.2f} to {after:.2f}",
            "pixel accuracy before and after",
            "bad" if after < before else "plain",
        ),
        KeyFigure("Cost of the new task", f"{cost:.1%}", "of the parameters of a network"),
    ]


def _facade_strip(result: Result, tests: Tests) -> list[Block]:
    chosen = shown_indices(len(tests["facades"]))
    columns = {
        "input": [tests["facades"][index].input for index in chosen],
        "truth": [tests["facades"][index].target for index in chosen],
        "after facades": [result.measured[OURS, "facades"].outputs["facades"][index] for index in chosen],
        "after lungs, piggygan": [result.measured[OURS, "lungs"].outputs["facades"][index] for index in chosen],
        "after lungs, fine-tuning": [result.measured[RIVAL, "lungs"].outputs["facades"][index] for index in chosen],
    }
    before, after = result.facades_accuracy(RIVAL)
    same = "the same bytes" if result.facades_are_kept else "NOT the same bytes"
    caption = (
        f"Test facades. With piggygan the outputs after lungs are {same} as before; with fine-tuning pixel accuracy "
        f"went from {before:.3f} to {after:.3f}."
    )
    return [_gallery(columns, caption)]


def _lung_strip(result: Result, tests: Tests) -> list[Block]:
    chosen = shown_indices(len(tests["lungs"]))
    columns = {
        "input": [tests["lungs"][index].input for index in chosen],
        "truth": [tests["lungs"][index].target for index in chosen],
        "piggygan": [result.measured[OURS, "lungs"].outputs["lungs"][index] for index in chosen],
        "fine-tuning": [result.measured[RIVAL, "lungs"].outputs["lungs"][index] for index in chosen],
    }
    names = ("dice", "iou", "accuracy", "precision", "recall")
    scores = {method: result.scores(method, "lungs", "lungs") for method in (OURS, RIVAL)}
    rows = [
        [f"{method}, {kind}", *(f"{scores[method][name + suffix]:.3f}" for name in names)]
        for method in (OURS, RIVAL)
        for kind, suffix in (("mean over films", ""), ("pooled pixels", "_pooled"))
    ]
    return [
        _gallery(columns, "Test films, with the output as the network gives it; above 0 counts as lung."),
        Table(["", "Dice", "IoU", "accuracy", "precision", "recall"], rows, f"{len(tests['lungs'])} test films."),
    ]


def _matrices(result: Result) -> list[Block]:
    matrices = {method: result.matrix(method) for method in (OURS, RIVAL)}
    blocks: list[Block] = [Text("Each score has its own colours, and one scale wherever it stands on this page.")]
    rows = []
    columns = [f"after {after}" for after in HEADLINE]
    for (task, name), hue in zip(SCORE_NAMES.items(), HUES, strict=False):
        found = [[matrix.score(after=after, on=task) for after in HEADLINE] for matrix in matrices.values()]
        blocks.append(ScoreMap(f"{task.capitalize()}, {name}", list(matrices), columns, found, hue=hue))
    for method, matrix in matrices.items():
        values = (matrix.average(), matrix.backward_transfer(), matrix.forgetting())
        rows.append([method, *("" if value is None else f"{value:.4f}" for value in values)])
    caption = "Backward transfer: Lopez-Paz and Ranzato 2017. Forgetting: Chaudhry et al. 2018."
    blocks.append(Table(["", "average", "backward transfer", "forgetting"], rows, caption))
    blocks.append(
        Table(
            ["facades", "pixel accuracy", "class accuracy", "class IoU", "L1"],
            [
                [
                    f"{method}, after {after}",
                    *(f"{value:.3f}" for value in result.scores(method, after, "facades").values()),
                ]
                for method in (OURS, RIVAL)
                for after in HEADLINE
            ],
            "Every pixel counts as the class of the nearest palette colour, in output and truth alike.",
        )
    )
    return blocks


def _proof(result: Result) -> list[Block]:
    before, after = result.measured[OURS, "facades"].digests, result.measured[OURS, "lungs"].digests
    fresh = result.fresh["digests"]
    return [
        result.verdict.proof(),
        Text("SHA-256 of the bytes of all test outputs, and the certificates that the registry checks for itself."),
        Proof("facades: before and after lungs were learned", before["facades"], after["facades"]),
        Proof("facades: from the registry, in a fresh process", before["facades"], fresh["facades"]),
        Proof("lungs: from the registry, in a fresh process", after["lungs"], fresh["lungs"]),
        Table(["certificate"], [[line] for line in result.fresh["verified"]]),
    ]


def _costs(result: Result) -> list[Block]:
    if result.overhead is None:
        return []
    rows = [
        [
            cost.task,
            f"{cost.parameters:,}",
            f"{cost.filters:,}",
            f"{cost.factors:,}",
            f"{cost.size / 1e6:.1f}",
            f"{cost.share:.1%}",
        ]
        for cost in result.overhead.tasks
    ]
    header = ["task", "parameters", "own filters", "factors", "MB", "share of a network"]
    together = result.overhead.share_of_separate_networks
    return [Table(header, rows, f"Both together: {together:.1%} of two separate networks.")]


def _losses(result: Result) -> list[Block]:
    blocks: list[Block] = []
    for title, history in result.histories.items():
        curves: dict[str, Sequence[float]] = {
            name: [record.losses[name] for record in history.epochs] for name in history.epochs[0].losses
        }
        # The L1 term is weighted by 100: beside the others it would flatten them.
        for name, part in (("likeness", {"generator.l1"}), ("adversarial", set(curves) - {"generator.l1"})):
            shown = {key.removeprefix("generator."): curves[key] for key in sorted(part)}
            blocks.append(loss_chart(shown, f"{title}: {name}", x_axis="epoch", smoothing=0.0))
    return blocks


def footer(settings: Mapping[str, Any], seconds: float) -> str:
    """Say with what settings and versions a page was made, and how long it took."""
    chosen = ", ".join(f"{name} {value}" for name, value in settings.items())
    versions = f"piggygan {pg.__version__}, torch {torch.__version__}, Python {platform.python_version()}"
    took = f"{seconds:.0f} seconds on {torch.get_num_threads()} threads"
    return f"{chosen}. {took}. {versions}."


def _headline_strip(result: Result, tests: Tests) -> bytes:
    """Make the one picture that tells the story: a facade and a film, before and after."""
    facade, film = shown_indices(len(tests["facades"]))[0], shown_indices(len(tests["lungs"]))[0]
    first, last = result.measured[OURS, "facades"], result.measured[OURS, "lungs"]
    rival = result.measured[RIVAL, "lungs"]
    rows: list[list[Tensor | None]] = [
        [
            tests["facades"][facade].input,
            tests["facades"][facade].target,
            first.outputs["facades"][facade],
            last.outputs["facades"][facade],
            rival.outputs["facades"][facade],
        ],
        [
            tests["lungs"][film].input,
            tests["lungs"][film].target,
            None,
            last.outputs["lungs"][film],
            rival.outputs["lungs"][film],
        ],
    ]
    columns = ["input", "truth", "after task 1", "after task 2, piggygan", "after task 2, fine-tuned"]
    return picture_grid(rows, ["facades", "lungs"], columns)


def _gallery(columns: Mapping[str, Sequence[Tensor]], caption: str) -> Gallery:
    rows: list[list[Tensor | None]] = [list(row) for row in zip(*columns.values(), strict=True)]
    return gallery(rows, [""] * len(rows), list(columns), caption)


def shown_indices(count: int) -> list[int]:
    """Choose which test pictures are shown: the first, the middle and the last."""
    return sorted({0, count // 2, count - 1})[:SHOWN]


def _as_dict(result: Result) -> dict[str, Any]:
    return {
        "settings": {name: str(value) for name, value in result.settings.items()},
        "seconds": result.seconds,
        "scores": {f"{method} after {after}": found.scores for (method, after), found in result.measured.items()},
        "matrices": {method: result.matrix(method).as_dict() for method in (OURS, RIVAL)},
        "byte_equal": result.is_proven,
        "fixed_answers": result.fixed,
        "not_learned": list(result.verdict.not_learned),
        "fresh_process": result.fresh,
        "overhead": result.overhead.as_dict() if result.overhead else None,
    }
