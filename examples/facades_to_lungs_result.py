"""What the main job found: every score, digest and loss, and what may be said of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor
from verdict import HEADLINE, Verdict

import piggygan as pg
from piggygan.evaluation import TaskMatrix
from piggygan.training import History

OURS, RIVAL = "piggygan", "fine-tuning"


@dataclass(frozen=True)
class Measured:
    """What a network made of the test sets: outputs, scores and digests of the outputs' bytes, by task."""

    outputs: dict[str, Tensor]
    scores: dict[str, dict[str, float]]
    digests: dict[str, str]


@dataclass
class Result:
    """Everything that the run found; ``measured[method, task]`` is what a method could do after learning a task."""

    measured: dict[tuple[str, str], Measured] = field(default_factory=dict)
    histories: dict[str, History] = field(default_factory=dict)
    fresh: dict[str, Any] = field(default_factory=dict)
    fixed: dict[str, dict[str, float]] = field(default_factory=dict)
    """What the best answer scores that is the same for every input."""
    overhead: pg.Overhead | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def scores(self, method: str, after: str, task: str) -> dict[str, float]:
        """Return the scores on ``task`` after ``after`` was learned."""
        return self.measured[method, after].scores[task]

    def matrix(self, method: str) -> TaskMatrix:
        """Put the headline scores of one method into a task matrix."""
        matrix = TaskMatrix(list(HEADLINE))
        for (name, after), measured in self.measured.items():
            for on, score in HEADLINE.items():
                known = on in measured.scores and not (after == "facades" and on == "lungs")
                if name == method and known:
                    matrix.record(after=after, on=on, score=measured.scores[on][score])
        return matrix

    @property
    def is_proven(self) -> bool:
        """Whether facades had the same bytes after lungs, both tasks in a fresh process, and certificates held."""
        last = self.measured[OURS, "lungs"].digests
        return self.facades_are_kept and self.fresh["digests"] == last and self.fresh["is_sound"] is True

    @property
    def facades_are_kept(self) -> bool:
        """Whether facades had the same bytes after lungs."""
        first, last = self.measured[OURS, "facades"].digests, self.measured[OURS, "lungs"].digests
        return first["facades"] == last["facades"]

    @property
    def verdict(self) -> Verdict:
        """What may be said of it."""
        scores = {task: self.scores(OURS, "lungs", task)[score] for task, score in HEADLINE.items()}
        fixed = {task: self.fixed[task][score] for task, score in HEADLINE.items()}
        return Verdict(scores, fixed, self.is_proven)

    def facades_accuracy(self, method: str) -> tuple[float, float]:
        """Return the pixel accuracy of facades before and after lungs were learned."""
        before, after = (self.scores(method, task, "facades")["pixel_accuracy"] for task in HEADLINE)
        return before, after

    def summary(self) -> str:
        """Say in a few lines what came out."""
        lines = []
        for method in (OURS, RIVAL):
            before, after = self.facades_accuracy(method)
            dice = self.scores(method, "lungs", "lungs")["dice"]
            lines.append(f"{method:12} lungs Dice {dice:.3f}, facades pixel accuracy {before:.3f} -> {after:.3f}")
        lines.append(f"facades byte-equal, in a fresh process too: {'yes' if self.is_proven else 'NO'}")
        lines += [self.verdict.reason(task) for task in self.verdict.not_learned]
        if self.overhead is not None:
            lines.append(str(self.overhead))
        lines.append(f"{self.seconds:.0f} seconds")
        return "\n".join(lines)
