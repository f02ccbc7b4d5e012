"""The memory that a training step of a new task takes, against fine-tuning and naive composition.

    python -m benchmarks.speed.memory --out docs/benchmarks

Each contender's steps are taken in a process of its own (``children.py``): weights, gradients, Adam's state, saved
feature maps and whatever else the step needs at its peak.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tyro

from benchmarks.reporting import Rows
from benchmarks.speed.children import Contender, Peak, measure_peaks, subject_of
from benchmarks.speed.measuring import run
from benchmarks.speed.options import CommonOptions
from benchmarks.speed.subjects import Setting

CONTENDERS: tuple[Contender, ...] = ("fine-tuning", "piggygan", "naive composition")
MIB = 2**20


@dataclass(frozen=True)
class Options(CommonOptions):
    """What can be chosen on the command line; ``seconds`` has no meaning here."""

    batches: tuple[int, ...] = (1, 4)
    """Images a step."""


def main(options: Options) -> None:
    """Measure every setting and report."""
    run("memory", options, lambda skipped: measure(options, skipped))


def measure(options: Options, skipped: list[str]) -> Rows:
    """Measure the contenders' peaks in every setting; say in ``skipped`` what cannot be run."""
    settings = [options.setting(network, batch) for network in options.networks for batch in options.batches]
    subjects = [(setting, subject_of(setting, contender)) for setting in settings for contender in CONTENDERS]
    peaks = measure_peaks([subject for _, subject in subjects])
    references: dict[Setting, Peak] = {}
    rows: Rows = []
    for (setting, subject), peak in zip(subjects, peaks, strict=True):
        if isinstance(peak, str):
            skipped.append(f"{subject.contender} on {setting}: {peak}")
            continue
        if subject.contender == "fine-tuning":
            references[setting] = peak
        rows.append(_row(setting, subject.contender, peak, references.get(setting)))
    return rows


def _row(setting: Setting, contender: str, peak: Peak, reference: Peak | None) -> dict[str, Any]:
    return {
        "setting": str(setting),
        "step": contender,
        "whole MiB": peak.whole / MIB,
        "/ fine-tuning": None if reference is None else peak.whole / reference.whole,
        "own MiB": peak.own / MIB,
        "own / fine-tuning": None if reference is None else peak.own / reference.own,
    }


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
