"""What a page may say of a run: praise rests on what was measured, and on nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from piggygan.data import CMP_PALETTE, PairDataset
from piggygan.errors import FrozenTaskError
from piggygan.evaluation import fixed_label_picture, fixed_mask, picture_label_scores, segmentation_scores
from piggygan.evaluation.report import Note, Tone

PALETTE = [facade_class.rgb for facade_class in CMP_PALETTE]
HEADLINE = {"facades": "pixel_accuracy", "lungs": "dice"}
"""The score of each task by which it is judged."""
SCORE_NAMES = {"facades": "pixel accuracy", "lungs": "Dice"}


@dataclass(frozen=True)
class Verdict:
    """What was found, in words.

    Args:
        scores: The headline score of each task at the end.
        fixed: What the best answer scores that is the same for every input; a task that scores no more was not learned.
        is_proven: Whether the outputs had the same bytes wherever they had to, and every certificate held.
    """

    scores: Mapping[str, float]
    fixed: Mapping[str, float]
    is_proven: bool

    @property
    def not_learned(self) -> tuple[str, ...]:
        """Tasks that score no more than an answer that never looks at its input; NaN is no score."""
        return tuple(task for task, score in self.scores.items() if not score > self.fixed[task])

    @property
    def is_good(self) -> bool:
        """Whether the page may be green: everything was learned, and nothing forgotten."""
        return self.is_proven and not self.not_learned

    @property
    def tone(self) -> Tone:
        """How to colour what rests on all of it."""
        return "good" if self.is_good else "bad"

    def title(self, subject: str, success: str) -> str:
        """Give the heading of a page.

        Args:
            subject: Who learned, such as "One generator".
            success: What may be said of it if everything is as hoped, such as "learned both and forgot nothing".
        """
        if self.is_good:
            return f"{subject} {success}"
        if not self.is_proven:
            return f"{subject} trained on facades, then on lungs: the proof failed"
        return f"{subject} trained on facades, then on lungs: {_listed(self.not_learned)} not learned"

    def notes(self) -> list[Note]:
        """Say first what the numbers below are worth; nothing if all is as hoped."""
        failed = [Note("The outputs are not the same bytes, or a certificate failed: see the proof.", "bad")]
        return [*([] if self.is_proven else failed), *(Note(self.reason(task), "bad") for task in self.not_learned)]

    def reason(self, task: str) -> str:
        """Say why a task does not count as learned."""
        return (
            f"{task.capitalize()} were not learned: {SCORE_NAMES[task]} {self.scores[task]:.3f}, "
            f"where one and the same answer for every input scores {self.fixed[task]:.3f}. "
            "Train for more epochs, with a larger --width or more images."
        )

    def check(self) -> None:
        """Refuse to pass over a proof that failed.

        Raises:
            FrozenTaskError: If it did.
        """
        if not self.is_proven:
            raise FrozenTaskError("the outputs are not the same bytes, or a certificate failed: see the report's proof")

    def proof(self) -> Note:
        """Say what the digests show."""
        if not self.is_proven:
            return Note("The outputs differ, or a certificate failed.", "bad")
        if self.not_learned:
            return Note("Of the outputs not one bit changed; but what was not learned cannot be forgotten.", "plain")
        return Note("Nothing was forgotten, not one bit.", "good")


def fixed_scores(
    learned_from: Mapping[str, PairDataset], scored_on: Mapping[str, PairDataset]
) -> dict[str, dict[str, float]]:
    """Score the best fixed answer of each task: found on the pairs to learn from, scored on the others.

    Args:
        learned_from: The pairs of "facades" and of "lungs" that are learned from.
        scored_on: Those that were kept back.
    """
    facades, lungs = targets_of(scored_on["facades"]), targets_of(scored_on["lungs"])
    labels = fixed_label_picture(targets_of(learned_from["facades"]), PALETTE)
    mask = fixed_mask(targets_of(learned_from["lungs"]))
    return {
        "facades": picture_label_scores(labels.expand_as(facades), facades, PALETTE).as_dict(),
        "lungs": segmentation_scores(mask.expand_as(lungs), lungs).as_dict(),
    }


def targets_of(dataset: PairDataset) -> Tensor:
    """Stack the targets of a data set."""
    return torch.stack([dataset[index].target for index in range(len(dataset))])


def _listed(tasks: tuple[str, ...]) -> str:
    return f"{' and '.join(tasks)} were"
