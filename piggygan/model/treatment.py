"""How each module of a generator would be treated: mixed, copied, shared or refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from torch import nn

from piggygan.layers.norms import NORMS
from piggygan.layers.wrappable import CONVOLUTIONS, patched, unsupported_convolution
from piggygan.model.patterns import Choices

USUAL = (*NORMS, nn.PReLU)
"""What each task has a copy of without being asked."""

Treatment = Literal["mixed", "per_task", "shared_frozen", "buffers", "refused"]
"""Built from a bank; a copy a task; learned with the base task and shared; a module that holds others, whose own
buffers are kept with the base task; nobody said how."""


@dataclass(frozen=True)
class PlannedModule:
    """What would become of one module.

    Attributes:
        path: Its first path in the generator.
        treatment: How it would be treated.
        reason: Why it is refused, else empty.
        cost: Parameters that a task would store here.
        undecided: The first of its own parameters, if it is refused because nobody said how to treat those.
        is_own: Whether it is a convolution that a task mixes nothing in: all filters are the task's own.
    """

    path: str
    module: nn.Module = field(repr=False, compare=False)
    treatment: Treatment
    reason: str
    cost: int
    undecided: str = ""
    is_own: bool = False

    @property
    def parameters(self) -> int:
        """Parameters that are treated so."""
        if self.treatment == "buffers":
            return 0
        return sum(parameter.numel() for parameter in self.module.parameters())


def treated(generator: nn.Module, chosen: Choices) -> Iterator[PlannedModule]:
    """Walk the tree, not below what is treated as a whole, each module once; costs are not known yet."""
    seen: set[int] = set()

    def walk(path: str, module: nn.Module) -> Iterator[PlannedModule]:
        if id(module) in seen:
            return
        seen.add(id(module))
        treatment, reason, undecided = _treatment(path, module, chosen)
        if treatment in ("per_task", "shared_frozen") and (problem := patched(module)):
            treatment, reason = "refused", problem
        if treatment is not None:
            if treatment == "refused" or module.state_dict():  # else there is nothing to treat
                yield PlannedModule(path, module, treatment, reason, 0, undecided)
            return
        if module._buffers:
            yield PlannedModule(path, module, "buffers", "", 0)
        for name, child in module.named_children():
            yield from walk(f"{path}.{name}" if path else name, child)

    yield from walk("", generator)


def _treatment(path: str, module: nn.Module, chosen: Choices) -> tuple[Treatment | None, str, str]:
    """Say how a module is treated, and if it is refused why; None for one that only holds others."""
    if problem := _without_values(module):
        return "refused", problem, ""
    if path and (treatment := chosen.treatment(path, module)):
        return treatment, "", ""
    if isinstance(module, CONVOLUTIONS):
        return *_of_convolution(path, module, chosen), ""
    if isinstance(module, USUAL):
        return "per_task", "", ""
    own = next((name for name, _ in module.named_parameters(recurse=False)), "")
    if own:
        return "refused", "", own
    if not module._modules and module.state_dict():
        return "shared_frozen", "", ""  # buffers only, such as a blur kernel: kept with the base task
    return None, "", ""


def _without_values(module: nn.Module) -> str:
    """Say why a module's own tensors have no values yet; empty if they have."""
    own = [*module._parameters.values(), *module._buffers.values()]
    if any(nn.parameter.is_lazy(tensor) for tensor in own if tensor is not None):
        return "is lazy: run the generator once so that its shapes are known"
    if any(tensor.is_meta for tensor in own if tensor is not None):
        return "is on the meta device and has no values: materialize the generator first"
    return ""


def _of_convolution(path: str, module: nn.Module, chosen: Choices) -> tuple[Treatment, str]:
    if not chosen.is_included(path, module):
        return "shared_frozen", ""
    problem = unsupported_convolution(module)
    return ("refused", problem) if problem else ("mixed", "")
