"""What one and the same answer for every input scores: a task that scores no more was not learned."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from piggygan.data.pairs import PairDataset
from piggygan.data.unpaired import UnpairedDataset
from piggygan.evaluation.fixed_answers import fixed_mask
from piggygan.jobs.data import TaskData
from piggygan.jobs.evaluating.scoring import HEADLINES, headline, score_side
from piggygan.jobs.training.learner import Learner
from piggygan.jobs.training.looking import validated
from piggygan.jobs.training.preparing import Prepared

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


def floor_of(data: TaskData, batch_size: int, side: PairDataset | UnpairedDataset | None = None) -> dict[str, float]:
    """Score the best fixed answer of the training side on another one.

    Of masks it is the one with the highest mean Dice, class by class; of pictures the median of each pixel, than which
    no picture has a smaller mean absolute difference. Sides that nobody paired have none.

    Args:
        data: The sides.
        batch_size: How many pictures are scored at once.
        side: The one that is scored; by default the one that is scored last.
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
    if side is None:
        side = data.test if data.test is not None else data.validation
    return score_side(FixedAnswer({}, "", answer), data, side, batch_size).scores


def is_learned(kind: str, scores: dict[str, float], floor: dict[str, float]) -> bool | None:
    """Say whether a task scores more than its floor; None where there is no floor.

    Pictures count as learned by L1 or by SSIM: no one picture is nearer by L1 than the median of all, and photos that
    pix2pix makes of facade labels are farther than that (0.344 against 0.335 at 128 px), but have the structure of
    their targets (SSIM 0.099 against 0.055).

    Example:
        >>> is_learned("masks", {"dice": 0.9}, {"dice": 0.7}), is_learned("pairs", {"l1": 0.2}, {"l1": 0.1})
        (True, False)
        >>> is_learned("pairs", {"l1": 0.344, "ssim": 0.099}, {"l1": 0.335, "ssim": 0.055})
        True
    """
    if not floor:
        return None
    by_structure = kind == "pairs" and scores.get("ssim", math.nan) > floor.get("ssim", math.nan)
    return by_structure or headline(kind, scores) > headline(kind, floor)


def unlearned(prepared: Prepared, epochs: int, kept: int) -> str | None:
    """Say what a task scores on the validation side if that is no more than its floor; else None.

    Args:
        prepared: The task, as it would be committed.
        epochs: How many it learned.
        kept: The epoch whose networks these are.
    """
    data, batch_size = prepared.data, int(prepared.config.training.batch_size or 1)
    floor = floor_of(data, batch_size, data.validation)
    scores = validated(prepared, kept)
    if is_learned(data.kind, scores, floor) is not False:
        return None
    name, _ = HEADLINES[data.kind]
    return (
        f"{prepared.files.name!r} is not learned: after {epochs} epoch{'s' * (epochs != 1)} it scores {name} "
        f"{scores[name]:.4g} on the validation side, and one and the same answer for every input {floor[name]:.4g}"
    )
