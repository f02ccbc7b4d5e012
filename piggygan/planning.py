"""How each module of a generator would be treated, and what a task would cost, before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from torch import nn

from piggygan.allocation import Fraction, layer_fractions, worth_mixing
from piggygan.bypasses import bypasses
from piggygan.errors import ConfigurationError, UnsupportedModuleError
from piggygan.filters import DEFAULT_FRACTION, task_parameters_count, unconstrained_count
from piggygan.norms import NORMS
from piggygan.obstacles import obstacles
from piggygan.patterns import Choices, Pattern
from piggygan.support import CONVOLUTIONS, patched, unsupported_convolution
from piggygan.tables import text_table

Treatment = Literal["mixed", "per_task", "shared_frozen", "buffers", "refused"]
"""Built from a bank; a copy a task; learned with the base task and shared; a module that holds others, whose own
buffers are kept with the base task; nobody said how."""

USUAL = (*NORMS, nn.PReLU)
"""What each task has a copy of without being asked."""


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


@dataclass(frozen=True)
class Plan:
    """How a generator would be wrapped; prints as a table.

    Attributes:
        modules: Every module that holds numbers, in order of registration.
        problems: Why the generator as a whole cannot be wrapped.
        output_layer: Path of the convolution that makes the output, wholly unconstrained by default.
    """

    modules: tuple[PlannedModule, ...]
    problems: tuple[str, ...]
    output_layer: str

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
        lines.append(f"a task that draws on the base task stores {self.share:.1%} of the network")
        return "\n".join(lines)


def plan(
    generator: nn.Module,
    *,
    unconstrained_fraction: Fraction = DEFAULT_FRACTION,
    per_task: Sequence[Pattern] = (),
    shared_frozen: Sequence[Pattern] = (),
    include: Sequence[Pattern] | None = None,
    output_layer: str | None = None,
) -> Plan:
    """Say how a generator would be wrapped and what a second task would cost; nothing is touched.

    Arguments as for :class:`~piggygan.MultiTaskGenerator` and its ``add_task``.

    Raises:
        ConfigurationError: If a pattern matches nothing, or a module is matched twice.

    Example:
        >>> from torch import nn
        >>> print(plan(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 3, 1))))
        module         type      treatment  parameters  a task stores
        0            Conv2d          mixed         224            110
        1       BatchNorm2d       per_task          16             16
        2            Conv2d  mixed, output          27             27
        a task that draws on the base task stores 57.3% of the network
    """
    chosen = Choices(generator, per_task, shared_frozen, include)
    found = list(_treated(generator, chosen))
    sizes = {
        entry.path: entry.module.weight.numel()
        for entry in found
        if entry.treatment == "mixed" and isinstance(entry.module, CONVOLUTIONS)
    }
    convolutions = list(sizes)
    if output_layer is not None and output_layer not in convolutions:
        raise ConfigurationError(
            f"output_layer {output_layer!r} is not a mixed convolution of {type(generator).__name__}; "
            f"the last ones are {', '.join(convolutions[-3:]) or 'none'}."
        )
    last = output_layer or (convolutions[-1] if convolutions else "")
    fractions = {**layer_fractions(unconstrained_fraction, sizes), last: 1.0}
    modules = tuple(_counted(entry, fractions.get(entry.path, 1.0)) for entry in found)
    wrapped = {entry.path: entry.module for entry in found if entry.treatment not in ("buffers", "refused")}
    problems = [*obstacles(generator), *bypasses(generator, wrapped)]
    if not convolutions and not any(entry.treatment == "refused" for entry in found):
        problems.append(f"{type(generator).__name__} has no convolution: there are no filters to build on")
    return Plan(modules, tuple(problems), last)


def check_possible(planned: Plan) -> None:
    """Refuse what cannot be wrapped rightly, all of it by name.

    Raises:
        UnsupportedModuleError: If there is anything such.
    """
    if planned.is_possible:
        return
    kinds = ", ".join(kind.__name__ for kind in planned.undecided) or "..."
    raise UnsupportedModuleError(
        f"this generator cannot be wrapped, and is as it was: {'; '.join(planned.refusals)}. For a module with "
        f"parameters say what it is, by type or path: per_task=[{kinds}] gives each task a copy, shared_frozen=[...] "
        f"lets all tasks use the base task's."
    )


def _undecided(kind: type[nn.Module], found: Sequence[PlannedModule]) -> str:
    """Name all modules of one type that nobody said how to treat."""
    first = found[0]
    if len(found) > 1:
        return f"{len(found)} modules of type {kind.__name__} have parameters, such as {first.path}.{first.undecided}"
    if not first.path:
        return f"the generator itself ({kind.__name__}) has {first.undecided}: move it into a module of its own"
    return f"{first.path} ({kind.__name__}) has {first.undecided}"


def _treated(generator: nn.Module, chosen: Choices) -> Iterator[PlannedModule]:
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


def _counted(entry: PlannedModule, fraction: float) -> PlannedModule:
    """Say what a task that draws on the base task would store."""
    module = entry.module
    if entry.treatment == "per_task":
        return replace(entry, cost=entry.parameters)
    if entry.treatment != "mixed" or not isinstance(module, CONVOLUTIONS):
        return entry
    c_out, groups = module.out_channels, module.groups
    filter_size = module.weight.numel() // c_out
    is_depthwise = 1 < groups == module.in_channels
    fraction = 1.0 if is_depthwise else worth_mixing(fraction, filter_size=filter_size, bank=c_out // groups)
    own = unconstrained_count(c_out, fraction, groups)
    bias = 0 if module.bias is None else c_out
    count = task_parameters_count(filter_size=filter_size, c_out=c_out, bank=c_out, unconstrained=own, groups=groups)
    return replace(entry, cost=count + bias, is_own=own == c_out)
