"""What a task keeps of the films that it learned from: means over them, so that predicting can name unlike ones."""

from __future__ import annotations

import torch
from torch import Tensor

from piggygan.data.batches import batches
from piggygan.data.pairs import PairDataset
from piggygan.data.unpaired import UnpairedDataset
from piggygan.evaluation.familiarity import FEWEST, Familiarity, bottleneck_of
from piggygan.jobs.data import TaskData
from piggygan.jobs.training.learner import Learner

NOT_KEPT = (
    f"predict will not name unlike films: that needs {FEWEST} pictures to learn from, {FEWEST} of the validation side, "
    "and a network whose narrowest layer has at most 2048 channels."
)
"""Said where nothing is kept."""


def familiar_films(learner: Learner, data: TaskData, batch_size: int) -> Familiarity | None:
    """Learn what inputs of a task are like: statistics of the training side, and a threshold of the validation side.

    Args:
        learner: The networks, frozen; they are put into evaluation mode.
        data: The sides. Of the training side the variations of the first epoch are taken.
        batch_size: How many at once.

    Returns:
        None if there are too few.
    """
    if min(len(data.train), len(data.validation)) < FEWEST:
        return None
    return Familiarity.of(*(_features(learner, side, batch_size) for side in (data.train, data.validation)))


def _features(learner: Learner, side: PairDataset | UnpairedDataset, batch_size: int) -> Tensor:
    learner.generator.eval()
    side.set_epoch(0)
    found = []
    with torch.inference_mode():
        for batch in batches(side, batch_size, shuffle=False):
            with bottleneck_of(learner.generator) as bottleneck:
                learner.translate(batch.input)
            found.append(bottleneck.features)
    # Outside of inference mode, which marks its tensors.
    return torch.cat(found).clone()
