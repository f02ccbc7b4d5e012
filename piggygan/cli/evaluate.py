"""The subcommand that scores a task."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from piggygan.cli.commands import DONE, AsJson, show_error, show_result, terminal_width
from piggygan.cli.option_names import as_options
from piggygan.cli.predict import INCOMPLETE
from piggygan.cli.trust import Required, Requirements
from piggygan.data.mask_reader import Foreground
from piggygan.jobs.data import DataConfig
from piggygan.jobs.evaluating.evaluation import Evaluation
from piggygan.jobs.evaluating.page import COMPARISON_HEADER, SCORE_HEADER, comparison_rows, score_rows
from piggygan.jobs.evaluating.run import CASES, PAGE, EvaluationOptions, evaluate_task
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.training.learner import generator_of_own
from piggygan.registry import GENERATOR
from piggygan.terminal.about import INTENDED_USE
from piggygan.terminal.tables import text_table

EVALUATIONS = "evaluations"
_MOST_REFUSED = 10

RunOrRegistry = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN|REGISTRY")]
Folder = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")]
Plainly = Annotated[EvaluationOptions, tyro.conf.arg(name="")]


@dataclass(frozen=True)
class Evaluate:
    """Score a task on pairs, at their own size: masks (Dice, HD95, ASSD, NSD ...) or pictures (L1, PSNR, SSIM).

    Means have 95 % intervals that draw patients. Writes cases.csv, summary.json and a page with the worst, median and
    best cases, which show what the files show. Files that cannot be scored are listed, and the others go on.
    """

    registry: RunOrRegistry
    """Folder of the run or registry."""
    task: Annotated[str, tyro.conf.arg(metavar="TASK")]
    """Which task, or ensemble."""
    data: Folder = None
    """Data to score it on. By default the test side of its own."""
    images: Folder = None
    """Or images, with --masks of the same names."""
    masks: Folder = None
    """Their masks."""
    inputs: Folder = None
    """Or inputs, with --targets of the same names."""
    targets: Folder = None
    """What is to be made of them."""
    foreground: Annotated[Foreground | None, tyro.conf.arg(metavar="white|black", help_behavior_hint="")] = None
    """Of masks with two values, the one that is looked for. By default as the task was trained, else white."""
    out: Folder = None
    """New or empty. By default one beside the task's log."""
    compare_task: Annotated[str | None, tyro.conf.arg(metavar="TASK", help_behavior_hint="")] = None
    """Another task, on the same files."""
    compare_registry: Folder = None
    """Where that one is; by default of the same name."""
    options: Plainly = field(default_factory=EvaluationOptions)
    """How to score."""
    network: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """Which of several networks, such as forward."""
    net: Annotated[str | None, tyro.conf.arg(metavar="MODULE:FUNCTION", help_behavior_hint="")] = None
    """Makes a network of your own: code that is run."""
    strict: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Exit with 1 if a file could not be scored."""
    required: Required = field(default_factory=Requirements)
    json: AsJson = False

    def run(self) -> int:
        """Score, and print the means."""
        run = RunFolder.at(self.registry)
        registry = self.required.opened(run.registry_folder)
        if self.task not in registry.ensembles:
            registry.describe(self.task)  # nothing is made for a task that is not there
        generator = generator_of_own(registry, self.net, self.network or GENERATOR)
        out = self.out or _next_folder(run.task(self.task).root / EVALUATIONS)
        evaluation = evaluate_task(
            self.registry,
            self.task,
            self._chosen_data(),
            self.options,
            out=out,
            compare_task=self.compare_task,
            compare_registry=self.compare_registry,
            registry=registry,
            generator=generator,
            network=self.network,
            progress=True,
        )
        show_error(INTENDED_USE)
        fields = {"out": str(out), **evaluation.as_dict()}
        show_result(_lines(evaluation, out), fields, self.json)
        return INCOMPLETE if self.strict and evaluation.refused else DONE

    def _chosen_data(self) -> DataConfig | None:
        given = {name: getattr(self, name) for name in ("data", "images", "masks", "inputs", "targets")}
        return (
            DataConfig(**given, foreground=self.foreground)
            if any(path is not None for path in given.values())
            else None
        )


def _next_folder(folder: Path) -> Path:
    """Name a folder that is not there yet, by the next number."""
    number = 1
    while os.path.lexists(path := folder / f"{number:03d}"):
        number += 1
    return path


def _lines(evaluation: Evaluation, out: Path) -> list[str]:
    width = terminal_width(sys.stdout)
    lines = text_table(SCORE_HEADER, score_rows(evaluation), width).splitlines()
    if evaluation.comparison is not None:
        compared = evaluation.comparison
        lines += ["", f"compared with {compared.task!r} of {compared.registry}:"]
        lines += text_table(COMPARISON_HEADER, comparison_rows(compared), width).splitlines()
    lines += ["", *(f"note: {note}" for note in evaluation.notes)]
    lines += [
        f"not scored: {file.source!r}: {as_options(file.reason, Evaluate)}"
        for file in evaluation.refused[:_MOST_REFUSED]
    ]
    if (more := len(evaluation.refused) - _MOST_REFUSED) > 0:
        lines.append(f"not scored: {more} more, which {out / 'summary.json'} names")
    return [*lines, f"{len(evaluation.cases)} files scored: {out / PAGE}, {out / CASES}"]
