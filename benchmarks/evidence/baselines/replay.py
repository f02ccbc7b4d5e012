"""The classic remedy: keep some examples of each former task and go on practising them.

One trunk for all tasks, and an output layer for each, since two tasks may want different pictures of one photo. Every
step adds the L1 loss on a batch of examples kept from a former task, the tasks taking turns.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

from benchmarks.evidence.baselines.contender import Contender
from benchmarks.evidence.baselines.layers import convolutions
from piggygan.training import Batch, Turn

L1_WEIGHT = 100.0


class OneOutput(nn.Module):
    """A trunk with one of its output layers; the others are there to be practised.

    Args:
        trunk: Everything else.
        path: Of the output layer in the trunk.
        outputs: The output layers of all tasks.
        task: Whose output layer is used.
    """

    def __init__(self, trunk: nn.Module, path: str, outputs: nn.ModuleDict, task: str) -> None:
        super().__init__()
        self.trunk = trunk
        self.outputs = outputs
        self._path = path
        self._task = task

    def forward(self, images: Tensor) -> Tensor:
        """Translate."""
        self.trunk.set_submodule(self._path, self.outputs[self._task])
        translated: Tensor = self.trunk(images)
        return translated


class Replay(Contender):
    """Joint practice with kept examples; they are stored, and in a clinic they are patients' films.

    Args:
        generator: Of the first task.
        first: The first task's name.
        kept: Examples kept of each task.
        batch_size: Examples practised a step.
    """

    stores_all = True

    def __init__(self, generator: nn.Module, first: str, kept: int = 20, batch_size: int = 4) -> None:
        super().__init__(generator, first)
        self._kept = kept
        self._batch_size = batch_size
        self._path = list(convolutions(generator))[-1]
        self._outputs = nn.ModuleDict({first: generator.get_submodule(self._path)})
        self._examples: dict[str, tuple[Tensor, Tensor]] = {}
        self._steps = 0

    def begin(self, task: str) -> None:
        """Start from the last task's output layer."""
        self._outputs[task] = copy.deepcopy(list(self._outputs.values())[-1])

    def network(self, task: str) -> nn.Module:
        """Return the trunk with a task's output layer."""
        return OneOutput(self.generator, self._path, self._outputs, task)

    def remember(self, task: str, pairs: Callable[[], Batch]) -> None:
        """Keep the first examples, as 8 bits."""
        if task not in self._examples:
            batch = pairs()
            self._examples[task] = (_as_bytes(batch.input[: self._kept]), _as_bytes(batch.target[: self._kept]))

    def turns(self, task: str, turns: Iterator[Turn]) -> Iterator[Turn]:
        """Add the loss on kept examples to the generator's turn."""
        for turn in turns:
            if turn.player == "generator":
                former = [name for name in self._examples if name != task]
                name = former[self._steps % len(former)]
                self._steps += 1
                yield turn._replace(losses={**turn.losses, "replayed": self._practised(name, turn.losses["l1"].device)})
            else:
                yield turn

    def stored(self, task: str) -> dict[str, Tensor]:  # noqa: ARG002
        """Return the trunk, every output layer so far and the kept examples: all of it changes with each task."""
        trunk = {n: t for n, t in self.generator.state_dict().items() if not n.startswith(f"{self._path}.")}
        found = {f"trunk.{name}": tensor for name, tensor in trunk.items()}
        for name, output in self._outputs.items():
            found |= {f"output.{name}.{part}": tensor for part, tensor in output.state_dict().items()}
        for name, (inputs, targets) in self._examples.items():
            found |= {f"examples.{name}.input": inputs, f"examples.{name}.target": targets}
        return found

    def restore(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Put everything back."""
        if not any(name.startswith("trunk.") for name in tensors):  # the first task's, a plain network
            self.generator.load_state_dict(dict(tensors))
            return
        for name, tensor in self.stored(task).items():
            if not name.startswith("examples."):
                tensor.copy_(tensors[name])
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
