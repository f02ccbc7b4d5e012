"""The classic remedy: keep some examples of each former task and go on practising them.

One trunk for all tasks, and an output layer for each. Every step adds the L1 loss on a batch of examples kept from a
former task, the tasks taking turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

from benchmarks.evidence.baselines.many_outputs import ManyOutputs
from piggygan.training import Batch, Turn

L1_WEIGHT = 100.0


class Replay(ManyOutputs):
    """Joint practice with kept examples; they are stored, and in a clinic they are patients' films.

    Args:
        generator: Of the first task.
        first: The first task's name.
        kept: Examples kept of each task.
        batch_size: Examples practised a step.
    """

    def __init__(self, generator: nn.Module, first: str, kept: int = 20, batch_size: int = 4) -> None:
        super().__init__(generator, first)
        self._kept = kept
        self._batch_size = batch_size
        self._examples: dict[str, tuple[Tensor, Tensor]] = {}
        self._steps = 0

    def remember(self, task: str, pairs: Callable[[], Batch]) -> None:
        """Keep the first examples, as 8 bits."""
        if task not in self._examples:
            batch = pairs()
            self._examples[task] = (_as_bytes(batch.input[: self._kept]), _as_bytes(batch.target[: self._kept]))

    def turns(self, task: str, batch: Batch, turns: Iterator[Turn]) -> Iterator[Turn]:  # noqa: ARG002
        """Add the loss on kept examples to the generator's turn."""
        for turn in turns:
            if turn.player == "generator":
                former = [name for name in self._examples if name != task]
                name = former[self._steps % len(former)]
                self._steps += 1
                yield turn._replace(losses={**turn.losses, "replayed": self._practised(name, turn.losses["l1"].device)})
            else:
                yield turn

    def stored(self, task: str) -> dict[str, Tensor]:
        """Return the network and the kept examples: all of it changes with each task."""
        found = super().stored(task)
        for name, (inputs, targets) in self._examples.items():
            found |= {f"examples.{name}.input": inputs, f"examples.{name}.target": targets}
        return found

    def restore(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Put everything back."""
        super().restore(task, tensors)
        for name in [name.split(".")[1] for name in tensors if name.startswith("examples.") and name.endswith("input")]:
            self._examples[name] = (tensors[f"examples.{name}.input"], tensors[f"examples.{name}.target"])

    def _practised(self, task: str, device: torch.device) -> Tensor:
        inputs, targets = self._examples[task]
        chosen = torch.randperm(len(inputs))[: self._batch_size]
        batch = [_as_picture(part[chosen]).to(device) for part in (inputs, targets)]
        output = self.network(task)(batch[0])
        if batch[1].shape[1] == 1:
            output = output.mean(1, keepdim=True)
        return L1_WEIGHT * nn.functional.l1_loss(output, batch[1])


def _as_bytes(pictures: Tensor) -> Tensor:
    return ((pictures.cpu() + 1) * 127.5).round().to(torch.uint8)


def _as_picture(levels: Tensor) -> Tensor:
    return levels.float() / 127.5 - 1
