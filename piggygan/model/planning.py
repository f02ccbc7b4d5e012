"""How each module of a generator would be treated, and what a task would cost, before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from torch import nn

from piggygan.errors import ConfigurationError, UnsupportedModuleError
from piggygan.layers.bypasses import bypasses
from piggygan.layers.filters import DEFAULT_FRACTION, task_parameters_count, unconstrained_count
from piggygan.layers.norms import NORMS
from piggygan.layers.wrappable import CONVOLUTIONS, patched, unsupported_convolution
from piggygan.model.allocation import Fraction, layer_fractions, worth_mixing
from piggygan.model.ends import choose_ends, find_ends
from piggygan.model.obstacles import obstacles
from piggygan.model.patterns import Choices, Pattern
from piggygan.model.plan import Plan, PlannedModule, Treatment

USUAL = (*NORMS, nn.PReLU)
"""What each task has a copy of without being asked."""


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


def plan(
    generator: nn.Module,
    *,
    unconstrained_fraction: Fraction = DEFAULT_FRACTION,
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
        0            Conv2d          mixed         224            110
        1       BatchNorm2d       per_task          16             16
        2            Conv2d  mixed, output          27             27
        a task that draws on the base task stores 57.3% of the network
    """
    chosen = Choices(generator, per_task, shared_frozen, include)
    found = list(_treated(generator, chosen))
    treated = {entry.path: entry.module for entry in found if entry.treatment not in ("buffers", "refused")}
    sizes = {
        entry.path: entry.module.weight.numel()
        for entry in found
        if entry.treatment == "mixed" and isinstance(entry.module, CONVOLUTIONS)
    }
    convolutions = {path: module for path, module in treated.items() if path in sizes}
    for argument, layer in (("output_layer", output_layer), ("input_layer", input_layer)):
        if layer is not None and layer not in convolutions:
            raise ConfigurationError(
                f"{argument} {layer!r} is not a mixed convolution of {type(generator).__name__}; there are "
                f"{_some(list(convolutions))}."
            )
    is_refused = any(entry.treatment == "refused" for entry in found)
    problems = [*obstacles(generator), *bypasses(generator, treated)]
    if not convolutions and not is_refused:
        problems.append(f"{type(generator).__name__} has no convolution: there are no filters to build on")
    is_known = bool(problems) or is_refused or (output_layer and input_layer)
    ends = None if is_known else find_ends(generator, treated)
    output, entrance = choose_ends(ends, convolutions, output_layer, input_layer)
    fractions = {**layer_fractions(unconstrained_fraction, sizes), output.layer: 1.0}
    modules = tuple(_counted(entry, fractions.get(entry.path, 1.0)) for entry in found)
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
