"""Learning without forgetting (Li and Hoiem, ECCV 2016): the network answers for former tasks as it did before.

The answers of the network as it was are its teachers, on the new task's inputs: no example is kept.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import nn

from benchmarks.evidence.baselines.many_outputs import ManyOutputs
from piggygan.training import Batch, Turn

WEIGHT = 100.0
"""Of the mean absolute difference from the former answer, as that from the target has in pix2pix."""


class Distillation(ManyOutputs):
    """One network and an output layer a task, held near what it answered before the new task was begun.

    Args:
        generator: Of the first task.
        first: The first task's name.
    """

    def __init__(self, generator: nn.Module, first: str) -> None:
        super().__init__(generator, first)
        self._teachers: dict[str, nn.Module] = {}
        self._steps = 0

    def begin(self, task: str) -> None:
        """Keep the network as it is for the former tasks, and start from it."""
        former = {name: self.network(name) for name in self._outputs}
        self._teachers = {name: copy.deepcopy(network).requires_grad_(False).eval() for name, network in former.items()}
        super().begin(task)

    def turns(self, task: str, batch: Batch, turns: Iterator[Turn]) -> Iterator[Turn]:  # noqa: ARG002
        """Add to the generator's turn how far it is from a former answer; the tasks take turns."""
        for turn in turns:
            if turn.player != "generator" or not self._teachers:
                yield turn
                continue
            name = list(self._teachers)[self._steps % len(self._teachers)]
            self._steps += 1
            student, teacher = self.network(name), self._teachers[name]
            with torch.no_grad():
                wanted = teacher(batch.input)
            kept = WEIGHT * nn.functional.l1_loss(student(batch.input), wanted)
            yield turn._replace(losses={**turn.losses, "kept": kept})
