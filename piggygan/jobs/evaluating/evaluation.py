"""What came of an evaluation: every case, the means with their intervals, and what another task scored on the same."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

import torch

from piggygan.evaluation.intervals import ENOUGH_PATIENTS, MeanInterval, PairedComparison
from piggygan.jobs.evaluating.case_scores import Scores, Unit, score_of
from piggygan.jobs.evaluating.trust import Trust
from piggygan.prediction.summary import RefusedFile
from piggygan.terminal.about import INTENDED_USE, __version__

_BELOW = ("cases", "refused", "comparison", "trust")
_DOUBTS = ("expected_dice", "disagreement")


@dataclass(frozen=True)
class Case:
    """One pair that was scored.

    Attributes:
        name: Of the pair, as its files are called.
        patient: Whose it is; None if nobody knows.
        rows: Of its files, at which it was scored.
        columns: Likewise.
        scores: What the task's output scored.
        others: What the other task's output scored, if there was one.
        expected_dice: What the task expected its Dice to be, if it is calibrated.
        disagreement: How far the members of an ensemble differ on it.

    Example:
        >>> case = Case("film 1", "patient 7", 2500, 2048, {"dice": 0.94, "iou": 0.89})
        >>> case.scores["dice"]
        0.94
    """

    name: str
    patient: str | None
    rows: int
    columns: int
    scores: Scores
    others: Scores | None = None
    expected_dice: float | None = None
    disagreement: float | None = None


@dataclass(frozen=True)
class ScoreSummary:
    """One score over all cases where it is defined.

    Attributes:
        mean: With its interval.
        median: Of the cases.
        worst: The lowest, or the highest where a lower one is better.
        best: The other end.

    Example:
        >>> from piggygan.evaluation import mean_interval
        >>> summary = ScoreSummary(mean_interval([0.90, 0.92, 0.95]), median=0.92, worst=0.90, best=0.95)
        >>> round(summary.mean.mean, 3), summary.median
        (0.923, 0.92)
    """

    mean: MeanInterval
    median: float
    worst: float
    best: float


@dataclass(frozen=True)
class Comparison:
    """Another task on the same cases.

    Attributes:
        task: Its name.
        registry: Path of its registry.
        certificate: SHA-256 of its tensors.
        means: Its own means.
        differences: The evaluated task's score minus the other's.

    Example:
        >>> from piggygan.evaluation import mean_interval, paired_comparison
        >>> ours, theirs = [0.90, 0.92, 0.95], [0.88, 0.91, 0.93]
        >>> compared = {"dice": paired_comparison(ours, theirs)}
        >>> other = Comparison("lungs-old", "runs/clinic", "9f86d081", {"dice": mean_interval(theirs)}, compared)
        >>> round(other.differences["dice"].difference.mean, 4)
        0.0167
    """

    task: str
    registry: str
    certificate: str
    means: dict[str, MeanInterval]
    differences: dict[str, PairedComparison]

    def verdict(self, name: str) -> str:
        """Say in a word what a difference means: better, worse, or not sure where 0 lies in its interval."""
        interval = self.differences[name].difference
        if interval.low is None or interval.high is None or interval.low <= 0 <= interval.high:
            return "not sure"
        return "better" if (interval.mean > 0) == score_of(name).higher_is_better else "worse"


@dataclass(frozen=True)
class Evaluation:
    """What came of scoring a task.

    Attributes:
        task: Its name.
        registry: Path of its registry.
        certificate: SHA-256 of its tensors, as the registry certifies it.
        kind: What was compared: ``"masks"`` or ``"pairs"`` of pictures.
        headline: The score that cases are ordered by.
        settings: How the task predicted, by name.
        unit: Of distances between outlines; None for pictures.
        tolerance: Of NSD, in words; None for pictures.
        fingerprint: Of the data.
        cases: In the order of their names.
        refused: Files that could not be scored, and why.
        summaries: Each score over all cases.
        pooled: Scores of all pixels together, as of one picture.
        comparison: What another task scored.
        notes: What a person has to know before the numbers, one sentence each.
        trust: How far what the task says of itself can be trusted; None if it says nothing.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import json
        >>> from pathlib import Path
        >>> import piggygan as pg
        >>> from piggygan.data.synthetic import write_xrays
        >>> from piggygan.jobs import DataConfig, evaluate_task
        >>> model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2, out_channels=1), "lungs")
        >>> model.freeze_task("lungs")
        >>> with TemporaryDirectory() as folder:
        ...     pg.TaskRegistry(f"{folder}/clinic").commit(model, "lungs", image_size=32)
        ...     films = write_xrays(f"{folder}/films", 6, 48, seed=0)
        ...     sides = {"train": ["000.dcm", "001.dcm"], "val": ["002.dcm"], "test": ["003.dcm", "004.dcm"]}
        ...     _ = Path(folder, "films", "splits.json").write_text(json.dumps(sides))
        ...     data = DataConfig(data=Path(folder, "films"))
        ...     found = evaluate_task(f"{folder}/clinic", "lungs", data)
        >>> found.kind, found.headline, len(found.cases), found.refused
        ('masks', 'dice', 2, ())
    """

    task: str
    registry: str
    certificate: str
    kind: str
    headline: str
    settings: Mapping[str, str]
    unit: Unit | None
    tolerance: str | None
    fingerprint: str
    cases: tuple[Case, ...]
    refused: tuple[RefusedFile, ...]
    summaries: dict[str, ScoreSummary]
    pooled: dict[str, float]
    comparison: Comparison | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)
    trust: Trust | None = None

    @property
    def means(self) -> dict[str, float]:
        """The mean of each score, as :meth:`piggygan.TaskRegistry.commit` takes them."""
        return {name: summary.mean.mean for name, summary in self.summaries.items()}

    @property
    def patients(self) -> int | None:
        """How many patients there are; None if nobody knows."""
        owners = {case.patient for case in self.cases}
        return None if None in owners else len(owners)

    def from_worst(self) -> list[Case]:
        """Order the cases by the headline score, the worst first; of two alike by name."""
        sign = 1 if score_of(self.headline).higher_is_better else -1
        return sorted(self.cases, key=lambda case: (sign * (case.scores[self.headline] or 0.0), case.name))

    def as_dict(self) -> dict[str, Any]:
        """Give everything as plain values, for JSON, with versions and the intended use."""
        means = {name: asdict(summary) for name, summary in self.summaries.items()}
        return {
            "piggygan": __version__,
            "torch": str(torch.__version__),
            "intended_use": INTENDED_USE,
            **{name: value for name, value in vars(self).items() if name not in _BELOW},
            "summaries": means,
            "patients": self.patients,
            "comparison": None if self.comparison is None else asdict(self.comparison),
            "trust": None if self.trust is None else asdict(self.trust),
            "refused": [asdict(file) for file in self.refused],
            "cases": [asdict(case) for case in self.cases],
        }

    def to_json(self) -> str:
        """Write it as JSON in ASCII: names that are no text are escaped."""
        return json.dumps(self.as_dict(), indent=2, allow_nan=False) + "\n"

    def to_csv(self) -> bytes:
        """Write a row a case: its name as it is given, its size, and every score; an empty cell is not defined.

        Scores of another task have ``other`` before their names. Names are written in UTF-8; those that are no text
        as the bytes that they are.
        """
        file = io.StringIO(newline="")
        rows = csv.writer(file)
        names = list(self.cases[0].scores)
        others = [f"other {name}" for name in names] if self.comparison else []
        doubts = [name for name in _DOUBTS if any(getattr(case, name) is not None for case in self.cases)]
        rows.writerow(["name", "patient", "rows", "columns", *names, *others, *doubts])
        for case in self.cases:
            scores = [*case.scores.values(), *(case.others.values() if case.others else ())]
            scores += [getattr(case, name) for name in doubts]
            rows.writerow([case.name, case.patient or "", case.rows, case.columns, *map(_cell, scores)])
        return file.getvalue().encode("utf-8", errors="surrogateescape")


def summarized(name: str, found: Sequence[float], mean: MeanInterval) -> ScoreSummary:
    """Gather a score over cases."""
    low, high = min(found), max(found)
    worst, best = (low, high) if score_of(name).higher_is_better else (high, low)
    return ScoreSummary(mean, median(found), worst, best)


def notes_on(
    summaries: Mapping[str, ScoreSummary], cases: Sequence[Case], *, refused: int, one_sided: int
) -> list[str]:
    """Say what has to be known before the numbers."""
    notes = []
    mean = next(iter(summaries.values())).mean
    owners_are_known = all(case.patient is not None for case in cases)
    if mean.low is None:
        notes.append("All files are of one patient: there is no interval.")
    elif mean.is_rough:
        whose = "patients" if owners_are_known else "files"
        notes.append(
            f"There are {mean.patients} {whose}: below {ENOUGH_PATIENTS} an interval is rough, and rather too narrow."
        )
    if not owners_are_known:
        notes.append(
            "Nobody said whose file each is, so each counts for itself: if several are of one patient, intervals are "
            "too narrow. --by-patient finds patients in names."
        )
    if refused:
        notes.append(f"{refused} of {refused + len(cases)} files could not be scored; means are of the others.")
    if one_sided:
        notes.append(
            f"In {one_sided} of {len(cases)} cases one of the two masks is empty: HD95 and ASSD are the picture's "
            f"diagonal there, and NSD is 0."
        )
    return notes


def _cell(score: float | None) -> str:
    return "" if score is None else repr(score)
