"""A plan: what would become of each module of a generator, what a task would cost, and what stands in the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from torch import nn

from piggygan.model.ends import End
from piggygan.terminal.tables import text_table

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


@dataclass(frozen=True)
class Plan:
    """How a generator would be wrapped; prints as a table.

    Attributes:
        modules: Every module that holds numbers, in order of registration.
        problems: Why the generator as a whole cannot be wrapped.
        output: The convolution that makes the output, wholly unconstrained by default.
        input: The convolution that takes the input.
    """

    modules: tuple[PlannedModule, ...]
    problems: tuple[str, ...]
    output: End
    input: End

    @property
    def output_layer(self) -> str:
        """Path of the convolution that makes the output."""
        return self.output.layer

    @property
    def is_possible(self) -> bool:
        """Whether the generator can be wrapped so."""
        return not self.refusals

    @property
    def refusals(self) -> tuple[str, ...]:
        """Everything that stands in the way; modules of one type that nobody said how to treat together."""
        refused = [entry for entry in self.modules if entry.treatment == "refused"]
        undecided: dict[type[nn.Module], list[PlannedModule]] = {}
        for entry in refused:
            if entry.undecided:
                undecided.setdefault(type(entry.module), []).append(entry)
        others = (f"{entry.path} {entry.reason}" for entry in refused if not entry.undecided)
        return (*self.problems, *others, *(_undecided(kind, found) for kind, found in undecided.items()))

    @property
    def undecided(self) -> tuple[type[nn.Module], ...]:
        """Types of modules with parameters that have to be named, in ``per_task`` or in ``shared_frozen``."""
        found = [type(entry.module) for entry in self.modules if entry.undecided and entry.path]
        return tuple(dict.fromkeys(found))

    @property
    def share(self) -> float:
        """What a task would store, as a share of the whole network."""
        whole = sum(entry.parameters for entry in self.modules)
        return sum(entry.cost for entry in self.modules) / whole if whole else 0.0

    def of(self, *treatments: Treatment) -> dict[str, nn.Module]:
        """Return the modules of some treatments by path."""
        return {entry.path: entry.module for entry in self.modules if entry.treatment in treatments}

    def _remark(self, entry: PlannedModule) -> str:
        if entry.path == self.output_layer:
            return ", output"
        return ", all own" if entry.is_own else ""

    def __str__(self) -> str:
        rows = [
            [
                entry.path or "(the generator)",
                type(entry.module).__name__,
                entry.treatment + self._remark(entry),
                f"{entry.parameters:,}",
                f"{entry.cost:,}",
            ]
            for entry in self.modules
        ]
        lines = [text_table(["module", "type", "treatment", "parameters", "a task stores"], rows)]
        lines += [f"refused: {problem}" for problem in self.refusals]
        for name, end in (("in_channels", self.input), ("out_channels", self.output)):
            if end.fixed:
                lines.append(f"all tasks have the same {name}: {end.fixed}")
        lines.append(f"a task that draws on the base task stores {self.share:.1%} of the network")
        return "\n".join(lines)


def _undecided(kind: type[nn.Module], found: Sequence[PlannedModule]) -> str:
    """Name all modules of one type that nobody said how to treat."""
    first = found[0]
    if len(found) > 1:
        return f"{len(found)} modules of type {kind.__name__} have parameters, such as {first.path}.{first.undecided}"
    if not first.path:
        return f"the generator itself ({kind.__name__}) has {first.undecided}: move it into a module of its own"
    return f"{first.path} ({kind.__name__}) has {first.undecided}"
