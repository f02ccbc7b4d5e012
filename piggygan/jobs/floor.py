"""What one and the same answer for every input scores: a task that scores no more was not learned."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from piggygan.evaluation.fixed_answers import fixed_mask
from piggygan.jobs.data import TaskData
from piggygan.jobs.learner import Learner
from piggygan.jobs.scoring import headline, score_side

TARGETS = 64
"""Of the training side, from everywhere in it, from which the answer is made."""


@dataclass(frozen=True)
class FixedAnswer(Learner):
    """Gives the same picture for every input.

    Attributes:
        answer: The picture.
    """

    answer: Tensor

    def translate(self, images: Tensor) -> Tensor:
        """Give it, as often as there are inputs."""
        return self.answer.expand(len(images), *self.answer.shape)


def floor_of(data: TaskData, batch_size: int) -> dict[str, float]:
    """Score the best fixed answer of the training side on the side that is scored last.

    Of masks it is the one with the highest mean Dice, class by class; of pictures the median of each pixel, than which
    no picture has a smaller mean absolute difference. Sides that nobody paired have none.
    """
    if data.kind == "unpaired":
        return {}
    data.train.set_epoch(0)
    count = min(TARGETS, len(data.train))
    targets = torch.stack([data.train[number * len(data.train) // count].target for number in range(count)])
    if data.kind == "masks":
        answer = torch.cat([fixed_mask(targets[:, [channel]]) for channel in range(targets.shape[1])])
    else:
        answer = targets.median(0).values
    side = data.test if data.test is not None else data.validation
    return score_side(FixedAnswer({}, "", answer), data, side, batch_size).scores


def is_learned(kind: str, scores: dict[str, float], floor: dict[str, float]) -> bool | None:
    """Say whether a task scores more than its floor; None where there is no floor.

    Example:
        >>> is_learned("masks", {"dice": 0.9}, {"dice": 0.7}), is_learned("pairs", {"l1": 0.2}, {"l1": 0.1})
        (True, False)
    """
    return headline(kind, scores) > headline(kind, floor) if floor else None
