"""Short trainings, what they end in, and batches that go bad."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from piggygan.training import TrainingOptions


def quick(**options: Any) -> TrainingOptions:
    return TrainingOptions(**{"epochs": 2, "progress": False, **options})


def digest(objective: Any) -> str:
    """Say which bytes an objective's networks hold, running statistics included."""
    state = hashlib.sha256()
    for role, module in sorted(objective.modules().items()):
        for name, tensor in module.state_dict().items():
            state.update(f"{role}.{name}".encode() + tensor.cpu().numpy().tobytes())
    return state.hexdigest()


def nan_at(make_pair: Any, *bad_steps: int, steps: int) -> Any:
    """Give batches whose targets at some steps, counted over all epochs from 1, are NaN."""

    class Batches:
        step = 0

        def __iter__(self) -> Iterator[Any]:
            for value in (0.1, 0.2, 0.3, 0.4)[:steps]:
                self.step += 1
                images = torch.full((1, 1, 16, 16), value) + torch.linspace(-0.5, 0.5, 16)
                yield make_pair(images, -images * (np.nan if self.step in bad_steps else 1.0), ["x"])

    return Batches()
