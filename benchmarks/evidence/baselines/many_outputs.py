"""One trunk that all tasks write over, and an output layer for each, since two tasks may want different pictures."""

from __future__ import annotations

import copy
from collections.abc import Mapping

from torch import Tensor, nn

from benchmarks.evidence.baselines.contender import Contender
from benchmarks.evidence.baselines.layers import convolutions


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


class ManyOutputs(Contender):
    """A network whose tasks share all but the output layer; what keeps the earlier ones is up to the subclass.

    Args:
        generator: Of the first task.
        first: The first task's name.
    """

    stores_all = True

    def __init__(self, generator: nn.Module, first: str) -> None:
        super().__init__(generator, first)
        self._path = list(convolutions(generator))[-1]
        self._outputs = nn.ModuleDict({first: generator.get_submodule(self._path)})

    def begin(self, task: str) -> None:
        """Start from the last task's output layer."""
        self._outputs[task] = copy.deepcopy(list(self._outputs.values())[-1])

    def network(self, task: str) -> nn.Module:
        """Return the trunk with a task's output layer."""
        return OneOutput(self.generator, self._path, self._outputs, task)

    def stored(self, task: str) -> dict[str, Tensor]:  # noqa: ARG002
        """Return the trunk and every output layer so far: all of it changes with each task."""
        trunk = {n: t for n, t in self.generator.state_dict().items() if not n.startswith(f"{self._path}.")}
        found = {f"trunk.{name}": tensor for name, tensor in trunk.items()}
        for name, output in self._outputs.items():
            found |= {f"output.{name}.{part}": tensor for part, tensor in output.state_dict().items()}
        return found

    def restore(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Put everything back."""
        if not any(name.startswith("trunk.") for name in tensors):  # the first task's, a plain network
            self.generator.load_state_dict(dict(tensors))
            return
        for name, tensor in ManyOutputs.stored(self, task).items():
            tensor.copy_(tensors[name])
