"""How sure to be of a task's masks: a temperature, fitted on films that it did not learn from."""

from __future__ import annotations

import torch

from piggygan.data.batches import batches
from piggygan.evaluation.temperature import TemperatureFit
from piggygan.jobs.data import TaskData
from piggygan.jobs.training.learner import Learner


def fitted_temperature(learner: Learner, data: TaskData, batch_size: int) -> float | None:
    """Fit the temperature of a task of masks on its validation side; of a member of an ensemble that is its fold.

    Args:
        learner: The networks, frozen; they are put into evaluation mode.
        data: The sides.
        batch_size: How many at once.

    Returns:
        None if the task makes no masks of one class, they are all alike, or an output is no number.
    """
    if data.kind != "masks" or data.out_channels != 1:
        return None
    learner.generator.eval()
    data.validation.set_epoch(0)
    fit = TemperatureFit()
    with torch.inference_mode():
        for batch in batches(data.validation, batch_size, shuffle=False):
            outputs = learner.translate(batch.input).cpu()
            if not bool(outputs.isfinite().all()):
                return None
            fit.update(outputs, batch.target)
    return fit.temperature()
