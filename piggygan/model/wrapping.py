"""Putting a layer that holds tasks in the place of each planned module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from piggygan.layers.convolutions import PiggybackConvolution, layer_kind
from piggygan.layers.kernel_cache import KernelCache
from piggygan.layers.norms import NORMS, TaskNorm
from piggygan.layers.own_buffers import OwnBuffers
from piggygan.layers.per_task import PerTask, SharedFrozen
from piggygan.layers.selection import Selection
from piggygan.layers.ways.choice import CostModel
from piggygan.model.plan import Plan
from piggygan.model.treatment import PlannedModule

Layer = PiggybackConvolution | PerTask | SharedFrozen | OwnBuffers


@dataclass(frozen=True)
class Wrapping:
    """How a generator was wrapped, by exact paths: what has to be known to wrap another one alike.

    Attributes:
        output_layer: The convolution that makes the output.
        input_layer: The convolution that takes the input.
        per_task: Modules with a copy a task, norms and PReLU aside, which always have one.
        shared_frozen: Modules that all tasks share.
    """

    output_layer: str
    input_layer: str
    per_task: tuple[str, ...] = ()
    shared_frozen: tuple[str, ...] = ()


def make_layers(
    planned: Plan, base_task: str, selection: Selection, costs: CostModel, cache: KernelCache
) -> dict[str, Layer]:
    """Make a layer for each planned module, by path; the generator is not touched yet."""

    def layer(entry: PlannedModule) -> Layer:
        kind = layer_kind(entry.module)
        if entry.treatment == "mixed" and kind is not None:
            return kind(entry.module, base_task, selection, entry.path, costs, cache)
        if entry.treatment == "buffers":
            return OwnBuffers(entry.module, base_task, entry.path)
        if entry.treatment == "shared_frozen":
            return SharedFrozen(entry.module, base_task)
        return (TaskNorm if isinstance(entry.module, NORMS) else PerTask)(entry.module, base_task, selection)

    return {entry.path: layer(entry) for entry in planned.modules}


def put_in_place(generator: nn.Module, planned: Plan, layers: Mapping[str, Layer]) -> nn.Module:
    """Put each layer where its module was, everywhere it was, and return the root."""
    wrappers: dict[int, nn.Module] = {
        id(entry.module): layers[entry.path] for entry in planned.modules if entry.treatment != "buffers"
    }
    for parent in list(generator.modules()):
        for name, child in list(parent._modules.items()):
            if id(child) in wrappers and id(parent) not in wrappers:
                setattr(parent, name, wrappers[id(child)])
    return wrappers.get(id(generator), generator)
