"""What each task costs: parameters and bytes, against a whole network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from piggygan.files.precision import shortened
from piggygan.layers.convolutions import PiggybackConvolution
from piggygan.layers.tasks import Task
from piggygan.model.wrapping import Layer
from piggygan.terminal.tables import text_table


@dataclass(frozen=True)
class LayerOverhead:
    """What one task stores in one layer.

    Attributes:
        path: Where the layer is in the generator.
        filters: Numbers in filters of the task's own; for the base task, in all filters.
        factors: Numbers in its factorization matrix.
        biases: Numbers in its bias.
        copies: Learned numbers of a module that each task has a copy of, such as a norm's scale and shift.
        statistics: Running statistics: stored, not learned.
        size: Bytes of all of it.
        effective: Learned numbers that the layer computes with: those of an ordinary layer.
    """

    path: str
    filters: int = 0
    factors: int = 0
    biases: int = 0
    copies: int = 0
    statistics: int = 0
    size: int = 0
    effective: int = 0

    @property
    def parameters(self) -> int:
        """Learned numbers that are stored."""
        return self.filters + self.factors + self.biases + self.copies


@dataclass(frozen=True)
class TaskOverhead:
    """What one task stores.

    Attributes:
        task: Its name.
        layers: One entry a layer, in the generator's order.
        share: Its stored parameters as a share of the base task's whole network.
    """

    task: str
    layers: tuple[LayerOverhead, ...]
    share: float

    @property
    def parameters(self) -> int:
        """Learned numbers that are stored."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def effective(self) -> int:
        """Learned numbers that it computes with: those of the network that it folds to."""
        return sum(layer.effective for layer in self.layers)

    @property
    def filters(self) -> int:
        """Numbers in filters of its own."""
        return sum(layer.filters for layer in self.layers)

    @property
    def factors(self) -> int:
        """Numbers in factorization matrices."""
        return sum(layer.factors for layer in self.layers)

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(layer.size for layer in self.layers)

    def table(self) -> str:
        """Show every layer in a line."""
        rows = [
            [layer.path, *(f"{n:,}" for n in (layer.filters, layer.factors, layer.biases + layer.copies, layer.size))]
            for layer in self.layers
        ]
        return text_table([self.task, "own filters", "factors", "biases, norms", "bytes"], rows)


@dataclass(frozen=True)
class Overhead:
    """What all tasks of a generator cost; prints as a table.

    Attributes:
        tasks: One entry a task, oldest first.

    Example:
        >>> import piggygan as pg
        >>> model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=5, width=8), "facades")
        >>> model.freeze_task("facades")
        >>> model.add_task("lungs", out_channels=1)
        >>> cost = model.overhead()
        >>> [task.task for task in cost.tasks], cost["lungs"].share < 0.4
        (['facades', 'lungs'], True)
    """

    tasks: tuple[TaskOverhead, ...]

    @property
    def parameters(self) -> int:
        """Learned numbers that all tasks store."""
        return sum(task.parameters for task in self.tasks)

    @property
    def share_of_separate_networks(self) -> float:
        """Stored parameters of all tasks as a share of what one whole network a task would have."""
        return self.parameters / sum(task.effective for task in self.tasks)

    def __getitem__(self, task: str) -> TaskOverhead:
        return next(entry for entry in self.tasks if entry.task == task)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "tasks": [
                {
                    "task": task.task,
                    "parameters": task.parameters,
                    "effective": task.effective,
                    "bytes": task.size,
                    "share": task.share,
                    "layers": [asdict(layer) for layer in task.layers],
                }
                for task in self.tasks
            ],
            "parameters": self.parameters,
            "share_of_separate_networks": self.share_of_separate_networks,
        }

    def __str__(self) -> str:
        rows = [
            [
                task.task,
                *(f"{number:,}" for number in (task.parameters, task.effective, task.filters, task.factors)),
                f"{task.size / 1e6:.1f}",
                f"{task.share:.1%}",
            ]
            for task in self.tasks
        ]
        header = ["task", "stored", "effective", "own filters", "factors", "MB", "share"]
        share = self.share_of_separate_networks
        return f"{text_table(header, rows)}\nin all {self.parameters:,} parameters, {share:.1%} of separate networks"


def overhead_of(layers: Mapping[str, Layer], tasks: Iterable[Task]) -> Overhead:
    """Count what tasks store in all layers, the base task first: its parameters are the whole network's."""
    counted = [
        TaskOverhead(task.name, tuple(_layer_overhead(layer, path, task) for path, layer in layers.items()), share=1.0)
        for task in tasks
    ]
    whole = counted[0].parameters
    return Overhead(tuple(replace(task, share=task.parameters / whole) for task in counted))


def _layer_overhead(layer: Layer, path: str, task: Task) -> LayerOverhead:
    """Count what one task stores in one layer."""
    tensors = layer.tensors(task.name)
    size = sum(tensor.nbytes for tensor in shortened(tensors, task.stored).values())
    numbers = {name: tensor.numel() for name, tensor in tensors.items()}
    if isinstance(layer, PiggybackConvolution):
        filters = numbers.get("weight", 0) + numbers.get("unconstrained", 0)
        biases = numbers.get("bias", 0)
        return LayerOverhead(
            path,
            filters=filters,
            factors=numbers.get("factors", 0),
            biases=biases,
            size=size,
            effective=layer.kernel_numel(task.name) + biases,
        )
    learned = sum(numbers.get(name, 0) for name in layer.parameter_names)
    effective = sum(layer.tensors(layer.base_task)[name].numel() for name in layer.parameter_names)
    return LayerOverhead(
        path, copies=learned, statistics=sum(numbers.values()) - learned, size=size, effective=effective
    )
