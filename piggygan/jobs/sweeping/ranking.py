"""Ranking: which setting scored most on the validation side, how far its seeds lie apart, and what to type for it."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from piggygan.files.durable import write_durably
from piggygan.jobs.evaluating.scoring import HEADLINES, headline
from piggygan.jobs.sweeping.settings import setting_words
from piggygan.jobs.sweeping.trial import Trial
from piggygan.terminal.about import INTENDED_USE, __version__
from piggygan.terminal.tables import text_table

SUMMARY, TABLE = "sweep.json", "sweep.csv"
CHOSEN_BY_VALIDATION = (
    "The choice is made on the validation side, on which the best of several looks better than it is: how good it is, "
    "the test side says once, when the line below has learned it."
)


@dataclass(frozen=True)
class Ranked:
    """One setting.

    Attributes:
        setting: What it varies.
        mean: Of the validation scores of its seeds; None if none has one.
        spread: Their standard deviation; None of fewer than two.
        scores: Validation score of each seed that was learned.
        unlearned: Seeds that score no more than one and the same answer for every input.
        failed: Why there is no result, by seed.
        stored: Bytes that the task stores, the mean of its seeds.
        seconds: Of learning, the mean of its seeds.
        folders: Of its runs, by seed.
    """

    setting: dict[str, Any]
    mean: float | None
    spread: float | None
    scores: dict[int, float]
    unlearned: tuple[int, ...]
    failed: dict[int, str]
    stored: int | None
    seconds: float | None
    folders: dict[int, str]


@dataclass(frozen=True)
class SweptTask:
    """What came of a sweep.

    Attributes:
        task: What was learned.
        kind: Of its data; None if nothing was learned.
        score: The validation score that settings are ranked by, such as ``dice``.
        ranked: The settings, the best first; those with a failed seed last.
        best: The line that learns the best one; None if none was learned.

    Example:
        >>> SweptTask("lungs", None, None, (), None).is_complete
        True
    """

    task: str
    kind: str | None
    score: str | None
    ranked: tuple[Ranked, ...]
    best: str | None

    @property
    def is_complete(self) -> bool:
        """Whether every run has a result."""
        return not any(one.failed for one in self.ranked)

    def lines(self, width: int | None = None) -> list[str]:
        """Write the table, and what a person should know of it.

        Args:
            width: Characters of a line of the table; None: as many as it takes.
        """
        name = f"val {self.score or 'score'}"
        header = ["setting", name, "spread", "seeds", "MB", "seconds"]
        lines = text_table(header, [_cells(one) for one in self.ranked], width).splitlines()
        for one in self.ranked:
            lines += [f"failed: {setting_words(one.setting)}, seed {seed}: {why}" for seed, why in one.failed.items()]
        if self._is_open():
            lines.append(
                "The first two differ by less than their seeds do: more --seeds would tell, or take the cheaper."
            )
        if self.best is not None:
            lines += [CHOSEN_BY_VALIDATION, self.best]
        return lines

    def _is_open(self) -> bool:
        first, second = (*self.ranked, None, None)[:2]
        if first is None or second is None or first.mean is None or second.mean is None:
            return False
        spreads = [one.spread for one in (first, second) if one.spread is not None]
        return bool(spreads) and abs(first.mean - second.mean) < max(spreads)

    def as_dict(self) -> dict[str, Any]:
        """Give everything as plain values, for JSON."""
        return {"piggygan": __version__, "intended_use": INTENDED_USE, "side": "val", **asdict(self)}

    def write(self, sweep: Path) -> None:
        """Write ``sweep.json`` and ``sweep.csv``, a row a run.

        Raises:
            OSError: If the system refused.
        """
        options = list(dict.fromkeys(name for one in self.ranked for name in one.setting))
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow([*options, "seed", f"val_{self.score or 'score'}", "learned", "failed", "folder"])
        for one in self.ranked:
            for seed, folder in one.folders.items():
                learned = "" if seed not in one.scores else seed not in one.unlearned
                values = [one.setting.get(name, "") for name in options]
                rows.writerow([*values, seed, one.scores.get(seed, ""), learned, one.failed.get(seed, ""), folder])
        write_durably(sweep / TABLE, text.getvalue().encode())
        write_durably(sweep / SUMMARY, (json.dumps(self.as_dict(), indent=2) + "\n").encode())


def rank(task: str, trials: Iterable[Trial], command: Sequence[str], words_of: dict[str, list[str]]) -> SweptTask:
    """Rank the settings of a sweep by what its runs left behind.

    Args:
        task: What was learned.
        trials: Its runs, those of one setting one after another.
        command: How the line of the best begins.
        words_of: What follows for each setting, by its words.
    """
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(setting_words(trial.setting), []).append(trial)
    kinds = {result.kind for group in groups.values() for trial in group if (result := trial.result) is not None}
    kind = min(kinds, default=None)
    score = None if kind is None else HEADLINES[kind][0]
    ranked = sorted((_of_setting(group, score) for group in groups.values()), key=lambda one: _order(one, kind))
    best = None
    if ranked and ranked[0].mean is not None:
        best = shlex.join([*command, *words_of[setting_words(ranked[0].setting)]])
    return SweptTask(task, kind, score, tuple(ranked), best)


def _of_setting(trials: list[Trial], score: str | None) -> Ranked:
    results = {trial.seed: trial.result for trial in trials}
    learned = {seed: result for seed, result in results.items() if result is not None}
    scores = {seed: result.scores["val"][score] for seed, result in learned.items() if score in result.scores["val"]}
    failures = {trial.seed: trial.failure for trial in trials if trial.seed not in scores}
    return Ranked(
        setting=trials[0].setting,
        mean=fmean(scores.values()) if scores else None,
        spread=stdev(scores.values()) if len(scores) > 1 else None,
        scores=scores,
        unlearned=tuple(seed for seed, one in learned.items() if any("is not learned" in note for note in one.notes)),
        failed={seed: "not learned yet" if one is None else one.reason for seed, one in failures.items()},
        stored=round(fmean(one.cost.size for one in learned.values())) if learned else None,
        seconds=fmean(one.seconds for one in learned.values()) if learned else None,
        folders={trial.seed: str(trial.folder) for trial in trials},
    )


def _order(one: Ranked, kind: str | None) -> tuple[bool, bool, float]:
    if one.mean is None or kind is None:
        return True, True, 0.0
    return False, bool(one.failed), -headline(kind, {HEADLINES[kind][0]: one.mean})


def _cells(one: Ranked) -> list[str]:
    count = len(one.folders)
    seeds = str(count) if len(one.scores) == count else f"{len(one.scores)} of {count}"
    if one.unlearned:
        seeds += f", {len(one.unlearned)} not learned"
    return [
        setting_words(one.setting),
        "-" if one.mean is None else f"{one.mean:.4g}",
        "-" if one.spread is None else f"{one.spread:.2g}",
        seeds,
        "-" if one.stored is None else f"{one.stored / 1e6:.2f}",
        "-" if one.seconds is None else f"{one.seconds:.0f}",
    ]
