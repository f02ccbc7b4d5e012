"""What the unpaired job found, on one page: pictures there and back, scores, costs, losses and the proof."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from verdict import HEADLINE, Verdict

import piggygan as pg
from piggygan.data import PairDataset
from piggygan.evaluation.report import (
    Block,
    KeyFigure,
    Page,
    Proof,
    Section,
    Table,
    Text,
    Tone,
    cycle_gallery,
    gallery,
    loss_chart,
    write_page,
)
from piggygan.training import History

SHOWN = 3
"""Test images of each task on the page: the first, the middle and the last by name."""
TASKS = ("facades", "lungs")
DIRECTIONS = ("forward", "backward")
SIDES = {"facades": ("photo", "labels", "photo again"), "lungs": ("film", "mask", "film again")}


@dataclass(frozen=True)
class Measured:
    """What a pair made of the test sets, by task.

    Attributes:
        outputs: Of ``forward``.
        cycles: Of ``backward`` on those.
        scores: By name.
        digests: SHA-256 of the bytes of each direction's outputs.
    """

    outputs: dict[str, Tensor]
    cycles: dict[str, Tensor]
    scores: dict[str, dict[str, float]]
    digests: dict[str, dict[str, str]]


@dataclass
class Result:
    """Everything that the run found; ``measured[task]`` is what the pair could do after learning a task."""

    measured: dict[str, Measured] = field(default_factory=dict)
    histories: dict[str, History] = field(default_factory=dict)
    fresh: dict[str, Any] = field(default_factory=dict)
    fixed: dict[str, dict[str, float]] = field(default_factory=dict)
    """What the best answer scores that is the same for every input."""
    overheads: dict[str, pg.Overhead] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def is_proven(self) -> bool:
        """Whether facades had the same bytes after lungs, both tasks in a fresh process, and certificates held.

        All of it in both directions.
        """
        first, last = self.measured["facades"].digests, self.measured["lungs"].digests
        kept = first["facades"] == last["facades"]
        return kept and self.fresh["digests"] == last and self.fresh["is_sound"] is True

    @property
    def verdict(self) -> Verdict:
        """What may be said of it, by what ``forward`` makes: of pictures made backward no score says enough."""
        scores = {task: self.measured["lungs"].scores[task][score] for task, score in HEADLINE.items()}
        return Verdict(scores, {task: self.fixed[task][score] for task, score in HEADLINE.items()}, self.is_proven)

    def cost(self, direction: str) -> float:
        """Return what lungs cost as a share of a generator."""
        return self.overheads[direction]["lungs"].share

    def summary(self) -> str:
        """Say in a few lines what came out."""
        scores = self.measured["lungs"].scores
        shown = {"facades": ("pixel_accuracy", "class_accuracy", "class_iou"), "lungs": ("dice", "iou", "accuracy")}
        lines = [
            f"{task}: " + ", ".join(f"{name} {scores[task][name]:.3f}" for name in (*names, "cycle_l1"))
            for task, names in shown.items()
        ]
        lines.append(f"byte-equal in both directions, in a fresh process too: {'yes' if self.is_proven else 'NO'}")
        lines += [self.verdict.reason(task) for task in self.verdict.not_learned]
        lines.append(", ".join(f"{name}: lungs cost {self.cost(name):.1%}" for name in DIRECTIONS))
        lines.append(f"{self.seconds:.0f} seconds")
        return "\n".join(lines)


def write_report(folder: Path, result: Result, tests: Mapping[str, PairDataset]) -> Path:
    """Write ``report.html`` and ``result.json``."""
    page = Page(
        title=result.verdict.title("Two generators", "learned facades, then lungs, without a pair, and forgot nothing"),
        lead=(
            "A CycleGAN was trained to make labels of photos and photos of labels, from photos and labels that did not "
            "belong together; then masks of chest X-rays, and X-rays of masks. Pairs were only scored."
        ),
        notes=result.verdict.notes(),
        key_figures=_key_figures(result),
        sections=[
            *(Section(f"{task.capitalize()}: there and back", _pictures(result, tests, task)) for task in TASKS),
            Section("Scores", _scores(result)),
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
    verdict = result.verdict
    return [
        _score_figure(verdict, "lungs", "Lungs, Dice", "the same mask for every film"),
        _score_figure(verdict, "facades", "Facades, pixel accuracy", "the same labels for every photo"),
        KeyFigure(
            "Facades after lungs",
            "byte-equal" if result.is_proven else "NOT PROVEN",
            "in both directions, and in a fresh process",
            verdict.tone if verdict.is_good or not result.is_proven else "plain",
        ),
        KeyFigure("Cost of lungs", f"{max(map(result.cost, DIRECTIONS)):.1%}", "of each generator's parameters"),
    ]


def _score_figure(verdict: Verdict, task: str, label: str, floor: str) -> KeyFigure:
    tone: Tone = "bad" if task in verdict.not_learned else "plain"
    return KeyFigure(label, f"{verdict.scores[task]:.3f}", f"{floor}: {verdict.fixed[task]:.3f}", tone)


def _pictures(result: Result, tests: Mapping[str, PairDataset], task: str) -> list[Block]:
    pairs = [tests[task][index] for index in shown_indices(len(tests[task]))]
    measured, names = result.measured["lungs"], SIDES[task]
    made = [measured.outputs[task][index] for index in shown_indices(len(tests[task]))]
    back = [measured.cycles[task][index] for index in shown_indices(len(tests[task]))]
    rows: list[list[Tensor | None]] = [
        [pair.input, pair.target, output] for pair, output in zip(pairs, made, strict=True)
    ]
    columns = [names[0], "truth", names[1]]
    return [
        gallery(rows, [""] * len(rows), columns, "Test images, each with its truth."),
        cycle_gallery([pair.input for pair in pairs], made, back, names, "There with forward, back with backward."),
    ]


def _scores(result: Result) -> list[Block]:
    blocks: list[Block] = []
    for task in TASKS:
        found = [
            (after, result.measured[after].scores[task]) for after in TASKS if task in result.measured[after].scores
        ]
        names = list(found[0][1])
        rows = [[f"after {after}", *(f"{scores[name]:.3f}" for name in names)] for after, scores in found]
        blocks.append(Table([task, *(name.replace("_", " ") for name in names)], rows))
    return blocks


def _proof(result: Result) -> list[Block]:
    before, after = (result.measured[task].digests for task in TASKS)
    fresh = result.fresh["digests"]
    proofs = [
        proof
        for name in DIRECTIONS
        for proof in (
            Proof(f"facades, {name}: before and after lungs", before["facades"][name], after["facades"][name]),
            Proof(f"facades, {name}: in a fresh process", before["facades"][name], fresh["facades"][name]),
            Proof(f"lungs, {name}: in a fresh process", after["lungs"][name], fresh["lungs"][name]),
        )
    ]
    return [
        result.verdict.proof(),
        Text("SHA-256 of the bytes of all test outputs, and the certificates that the registry checks for itself."),
        *proofs,
        Table(["certificate"], [[line] for line in result.fresh["verified"]]),
    ]


def _costs(result: Result) -> list[Block]:
    rows = [
        [name, cost.task, f"{cost.parameters:,}", f"{cost.size / 1e6:.1f}", f"{cost.share:.1%}"]
        for name, overhead in result.overheads.items()
        for cost in overhead.tasks
    ]
    return [Table(["generator", "task", "parameters", "MB", "share of a generator"], rows)]


def _losses(result: Result) -> list[Block]:
    blocks: list[Block] = []
    for title, history in result.histories.items():
        curves = {name: [record.losses[name] for record in history.epochs] for name in history.epochs[0].losses}
        for player in ("generators", "discriminators"):
            own = {name.removeprefix(f"{player}."): c for name, c in curves.items() if name.startswith(player)}
            blocks.append(loss_chart(own, f"{title}: {player}", x_axis="epoch", smoothing=0.0))
    return blocks


def _as_dict(result: Result) -> dict[str, Any]:
    return {
        "settings": {name: str(value) for name, value in result.settings.items()},
        "seconds": result.seconds,
        "scores": {f"after {after}": measured.scores for after, measured in result.measured.items()},
        "byte_equal": result.is_proven,
        "fixed_answers": result.fixed,
        "not_learned": list(result.verdict.not_learned),
        "fresh_process": result.fresh,
        "overheads": {name: overhead.as_dict() for name, overhead in result.overheads.items()},
    }


def footer(settings: Mapping[str, Any], seconds: float) -> str:
    """Say with what settings and versions a page was made, and how long it took."""
    chosen = ", ".join(f"{name} {value}" for name, value in settings.items())
    versions = f"piggygan {pg.__version__}, torch {torch.__version__}, Python {platform.python_version()}"
    took = f"{seconds:.0f} seconds on {torch.get_num_threads()} threads"
    return f"{chosen}. {took}. {versions}."


def shown_indices(count: int) -> list[int]:
    """Choose which test pictures are shown: the first, the middle and the last."""
    return sorted({0, count // 2, count - 1})[:SHOWN]
