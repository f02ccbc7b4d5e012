"""A plan: what would become of each module of a generator, what a task would store, and what stands in the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import nn

from piggygan.errors import ConfigurationError, UnsupportedModuleError
from piggygan.layers.bypasses import bypasses
from piggygan.layers.filters import DEFAULT_FRACTION, DEFAULT_MAX_BANK, task_parameters_count, unconstrained_count
from piggygan.layers.starts import bank_limit
from piggygan.layers.wrappable import CONVOLUTIONS
from piggygan.model.allocation import Fraction, layer_fractions, worth_mixing
from piggygan.model.ends import End, choose_ends, find_ends
from piggygan.model.obstacles import obstacles
from piggygan.model.patterns import Choices, Pattern
from piggygan.model.treatment import PlannedModule, Treatment, treated
from piggygan.terminal.tables import text_table


@dataclass(frozen=True)
class Plan:
    """How a generator would be wrapped; prints as a table.

    Attributes:
        modules: Every module that holds numbers, in order of registration.
        problems: Why the generator as a whole cannot be wrapped.
        output: The convolution that makes the output, wholly unconstrained by default.
        input: The convolution that takes the input.

    Example:
        >>> import piggygan as pg
        >>> found = pg.plan(pg.UNetGenerator(depth=5, width=8))
        >>> found.is_possible, found.output_layer, found.refusals
        (True, 'model.model.3', ())
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


def plan(
    generator: nn.Module,
    *,
    unconstrained_fraction: Fraction = DEFAULT_FRACTION,
    max_bank: float | None = DEFAULT_MAX_BANK,
    per_task: Sequence[Pattern] = (),
    shared_frozen: Sequence[Pattern] = (),
    include: Sequence[Pattern] | None = None,
    output_layer: str | None = None,
    input_layer: str | None = None,
) -> Plan:
    """Say how a generator would be wrapped and what a second task would cost; nothing is touched.

    Arguments as for :class:`~piggygan.MultiTaskGenerator` and its ``add_task``.

    Raises:
        ConfigurationError: If a pattern matches nothing, or a module is matched twice.

    Example:
        >>> from torch import nn
        >>> print(plan(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 3, 1))))
        module         type      treatment  parameters  a task stores
        0            Conv2d          mixed         224             74
        1       BatchNorm2d       per_task          16             16
        2            Conv2d  mixed, output          27             27
        a task that draws on the base task stores 43.8% of the network
    """
    chosen = Choices(generator, per_task, shared_frozen, include)
    found = list(treated(generator, chosen))
    kept = {entry.path: entry.module for entry in found if entry.treatment not in ("buffers", "refused")}
    sizes = {
        entry.path: entry.module.weight.numel()
        for entry in found
        if entry.treatment == "mixed" and isinstance(entry.module, CONVOLUTIONS)
    }
    convolutions = {path: module for path, module in kept.items() if path in sizes}
    for argument, layer in (("output_layer", output_layer), ("input_layer", input_layer)):
        if layer is not None and layer not in convolutions:
            raise ConfigurationError(
                f"{argument} {layer!r} is not a mixed convolution of {type(generator).__name__}; there are "
                f"{_some(list(convolutions))}."
            )
    is_refused = any(entry.treatment == "refused" for entry in found)
    problems = [*obstacles(generator), *bypasses(generator, kept)]
    if not convolutions and not is_refused:
        problems.append(f"{type(generator).__name__} has no convolution: there are no filters to build on")
    is_known = bool(problems) or is_refused or (output_layer and input_layer)
    ends = None if is_known else find_ends(generator, kept)
    output, entrance = choose_ends(ends, convolutions, output_layer, input_layer)
    fractions = {**layer_fractions(unconstrained_fraction, sizes), output.layer: 1.0}
    modules = tuple(_counted(entry, fractions.get(entry.path, 1.0), max_bank) for entry in found)
    return Plan(modules, tuple(problems), output, entrance)


def _some(paths: Sequence[str]) -> str:
    shown = paths if len(paths) <= 6 else [*paths[:3], "...", *paths[-3:]]
    return ", ".join(shown) or "none"


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


def _counted(entry: PlannedModule, fraction: float, max_bank: float | None) -> PlannedModule:
    """Say what a task that draws on the base task would store."""
    module = entry.module
    if entry.treatment == "per_task":
        return replace(entry, cost=entry.parameters)
    if entry.treatment != "mixed" or not isinstance(module, CONVOLUTIONS):
        return entry
    c_out, groups = module.out_channels, module.groups
    filter_size = module.weight.numel() // c_out
    is_depthwise = 1 < groups == module.in_channels
    bank = c_out // groups if max_bank is None else min(c_out // groups, bank_limit(max_bank, c_out // groups))
    fraction = 1.0 if is_depthwise else worth_mixing(fraction, filter_size=filter_size, bank=bank)
    own = unconstrained_count(c_out, fraction, groups)
    bias = 0 if module.bias is None else c_out
    count = task_parameters_count(filter_size=filter_size, c_out=c_out, bank=bank, unconstrained=own)
    return replace(entry, cost=count + bias, is_own=own == c_out)
