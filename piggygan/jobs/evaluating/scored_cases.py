"""Pairs through one or two tasks, one after the other, and what each output scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from piggygan.data.folders import PairFiles
from piggygan.errors import ConfigurationError, DatasetError, PiggyganError
from piggygan.evaluation.intervals import mean_interval, paired_comparison
from piggygan.files.regular import shown
from piggygan.jobs.evaluating.case_scores import (
    MaskScoring,
    Measure,
    PictureScoring,
    Scored,
    Scores,
    Scoring,
    is_one_sided,
    look_inverted,
)
from piggygan.jobs.evaluating.contender import Contender
from piggygan.jobs.evaluating.evaluation import Case, Comparison, ScoreSummary, summarized
from piggygan.jobs.evaluating.scored_pairs import PALETTES, ScoredPairs, spacings_of
from piggygan.jobs.evaluating.trust import Trust, Trusting
from piggygan.prediction.ensemble import Pooled
from piggygan.prediction.summary import RefusedFile
from piggygan.terminal.progress import progress_bar


class Translated(NamedTuple):
    """A pair and what each contender makes of its image, all at the files' own rows and columns."""

    image: Tensor
    target: Tensor
    outputs: list[Tensor]


class ScoredCases:
    """Scores pair after pair; whatever is wrong with one file is the end of that file.

    Args:
        contenders: The task, and maybe another one to compare it with.
        pairs: What they are scored on.
        owners: Patients by names of pairs; empty where they are not known.
        spacing: Millimetres of a pixel's sides; empty: as the files say.
        tolerance: Of NSD; None: the usual one.
        seed: Of the draws of intervals.

    Attributes:
        cases: Those that could be scored.
        refused: The other files.
        measure: In what distances are measured.

    Raises:
        ConfigurationError: If the contenders see pictures of other channels.
    """

    def __init__(
        self,
        contenders: Sequence[Contender],
        pairs: ScoredPairs,
        *,
        owners: Mapping[str, str],
        spacing: Sequence[float] = (),
        tolerance: float | None = None,
        seed: int = 0,
    ) -> None:
        takes = {contender.task: contender.ensemble.in_channels for contender in contenders}
        if len(set(takes.values())) > 1:
            listed = " and ".join(f"{name!r} takes {count} channels" for name, count in takes.items())
            raise ConfigurationError(f"{listed}: tasks that see other pictures are not compared.")
        self._contenders = contenders
        self._pairs = pairs
        self._owners = owners
        self._seed = seed
        self._found = spacings_of(pairs.files)
        self.measure = _measure(pairs.files, self._found, spacing, tolerance)
        self.cases: list[Case] = []
        self.refused = [RefusedFile(one.name, "DataError", one.reason) for one in pairs.left_out]
        self._pixels: list[Tensor] = []
        self._trusting = Trusting()
        self.scorings = [self._scoring(contender) for contender in contenders]

    @property
    def headline(self) -> str:
        """The score that cases are ordered by."""
        return self.scorings[0].headline

    def run(self, progress: bool) -> None:
        """Score all pairs.

        Raises:
            DatasetError: If none can be scored.
        """
        with progress_bar(progress) as bar:
            counted = bar.add_task("", total=len(self._pairs.files), note="")
            for files in self._pairs.files:
                self._add(files)
                bar.update(counted, advance=1, note=f"{len(self.refused)} refused" if self.refused else "")
        if not self.cases:
            raise DatasetError(
                f"none of {len(self.refused)} files could be scored; the first: {self.refused[0].reason}"
            )

    def translated(self, name: str) -> Translated:
        """Read a pair and translate it; masks are made hard.

        Raises:
            DataError, InputError: If it cannot be read or translated.
        """
        files = next(files for files in self._pairs.files if files.name == name)
        made, _ = self._translated(files)
        outputs = [
            scoring.hard(output) if isinstance(scoring, MaskScoring) else output
            for scoring, output in zip(self.scorings, made.outputs, strict=True)
        ]
        return made._replace(outputs=outputs)

    def summaries(self) -> dict[str, ScoreSummary]:
        """Gather each score over the cases where it is defined."""
        found = {}
        for name in self.cases[0].scores:
            values, owners = _defined([(case, case.scores) for case in self.cases], name)
            if values:
                found[name] = summarized(name, values, mean_interval(values, owners, seed=self._seed))
        return found

    def pooled(self) -> dict[str, float]:
        """Score all pixels of all cases together."""
        return self.scorings[0].pooled(torch.stack(self._pixels).sum(0))

    def comparison(self) -> Comparison | None:
        """Compare the two contenders case by case; None if there is one."""
        if len(self._contenders) == 1:
            return None
        other = self._contenders[1]
        means, differences = {}, {}
        for name in self.cases[0].scores:
            both = [case for case in self.cases if None not in (case.scores[name], (case.others or {})[name])]
            if not both:
                continue
            ours, owners = _defined([(case, case.scores) for case in both], name)
            theirs, _ = _defined([(case, case.others or {}) for case in both], name)
            means[name] = mean_interval(theirs, owners, seed=self._seed)
            differences[name] = paired_comparison(ours, theirs, owners, seed=self._seed)
        return Comparison(other.task, other.registry, other.certificate, means, differences)

    @property
    def trust(self) -> Trust | None:
        """How far what the task says of itself can be trusted; None if it says nothing."""
        return self._trusting.found()

    @property
    def one_sided(self) -> int:
        """How many cases have a mask that is empty while its target is not, or the other way round."""
        return sum(map(is_one_sided, self._pixels)) if self._pairs.kind == "masks" else 0

    @property
    def look_inverted(self) -> bool:
        """Whether outputs agree better with the inverse of the masks."""
        return self._pairs.kind == "masks" and look_inverted(torch.stack(self._pixels).sum(0))

    @property
    def measured_files(self) -> int:
        """How many files say how large a pixel is."""
        return len(self._found)

    def _scoring(self, contender: Contender) -> Scoring:
        if self._pairs.kind == "masks":
            return MaskScoring(contender.options, self.measure, self._pairs.classes)
        return PictureScoring(None if self._pairs.palette is None else PALETTES[self._pairs.palette])

    def _translated(self, files: PairFiles) -> tuple[Translated, Pooled]:
        """Translate a pair; beside it is what the first contender says of itself."""
        image, target = self._pairs.reader.read(files)
        height, width = self._found.get(files.name, (1.0, 1.0))
        made = [contender.judged(image, height / width) for contender in self._contenders]
        return Translated(image, target, [one.output for one in made]), made[0]

    def _add(self, files: PairFiles) -> None:
        try:
            (_, target, outputs), own = self._translated(files)
            scored: list[Scored] = [
                scoring.score(files.name, output, target)
                for scoring, output in zip(self.scorings, outputs, strict=True)
            ]
        except Exception as error:
            reason = str(error)
            if not isinstance(error, PiggyganError):  # its text may quote anything
                reason = f"{shown(files.image)} cannot be scored: that failed ({type(error).__name__})."
            self.refused.append(RefusedFile(files.name, type(error).__name__, " ".join(reason.split())))
            return
        rows, columns = target.shape[-2:]
        scores = [one.scores for one in scored]
        others = scores[1] if len(scores) > 1 else None
        case = Case(files.name, self._owners.get(files.name), rows, columns, scores[0], others)
        if self._pairs.kind == "masks":
            case = replace(case, expected_dice=own.expected_dice, disagreement=own.disagreement)
            self._trusting.add(own, target, case.scores["dice"] or 0.0)
        self.cases.append(case)
        self._pixels.append(scored[0].pixels)


def _measure(
    files: Sequence[PairFiles],
    found: Mapping[str, tuple[float, float]],
    spacing: Sequence[float],
    tolerance: float | None,
) -> Measure:
    """Choose the unit of distances: millimetres only where every file has them."""
    names = [pair.name for pair in files]
    if spacing:
        return Measure("mm", dict.fromkeys(names, (spacing[0], spacing[-1])), tolerance)
    return Measure("mm" if names and found.keys() >= set(names) else "pixels", found, tolerance)


def _defined(scored: Sequence[tuple[Case, Scores]], name: str) -> tuple[list[float], list[str] | None]:
    """Give a score where it is defined, and whose case each is."""
    kept = [(case.patient, value) for case, scores in scored if (value := scores[name]) is not None]
    owners = [owner for owner, _ in kept if owner is not None]
    return [value for _, value in kept], owners if len(owners) == len(kept) else None
