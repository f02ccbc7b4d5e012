"""How each module of a generator would be treated, and what a task would cost, before anything is touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from piggygan.allocation import dealt_evenly
from piggygan.errors import ConfigurationError, UnsupportedModuleError
from piggygan.filters import DEFAULT_FRACTION, task_parameters_count, unconstrained_count
from piggygan.norms import NORMS
from piggygan.support import CONVOLUTIONS, unsupported_convolution
from piggygan.tables import text_table

Treatment = Literal["mixed", "per_task", "shared_frozen", "refused"]
"""Built from a bank; a copy a task; learned with the base task and shared; nobody said how."""

Pattern = str | type[nn.Module]
"""A module's path, with ``*`` and ``?`` as in file names, or its type."""

Fraction = float | Mapping[str, float]
"""The share of unconstrained weights of a whole generator, dealt out evenly over its layers; or the share of
unconstrained filters of each layer, by its path, or by patterns of paths of which the first that matches counts."""

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
    """

    path: str
    module: nn.Module = field(repr=False, compare=False)
    treatment: Treatment
    reason: str
    cost: int

    @property
    def parameters(self) -> int:
        """Parameters that the module has."""
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
        """Everything that stands in the way."""
        refused = (f"{entry.path} {entry.reason}" for entry in self.modules if entry.treatment == "refused")
        return (*self.problems, *refused)

    @property
    def share(self) -> float:
        """What a task would store, as a share of the whole network."""
        whole = sum(entry.parameters for entry in self.modules)
        return sum(entry.cost for entry in self.modules) / whole if whole else 0.0

    def of(self, *treatments: Treatment) -> dict[str, nn.Module]:
        """Return the modules of some treatments by path."""
        return {entry.path: entry.module for entry in self.modules if entry.treatment in treatments}

    def __str__(self) -> str:
        rows = [
            [
                entry.path or "(the generator)",
                type(entry.module).__name__,
                entry.treatment + (", output" if entry.path == self.output_layer else ""),
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
    chosen = _Patterns(generator, per_task, shared_frozen, include)
    found = list(_treated(generator, chosen))
    sizes = {
        path: module.weight.numel()
        for path, module, treatment, _ in found
        if treatment == "mixed" and isinstance(module, CONVOLUTIONS)
    }
    convolutions = list(sizes)
    if output_layer is not None and output_layer not in convolutions:
        raise ConfigurationError(
            f"output_layer {output_layer!r} is not a mixed convolution of {type(generator).__name__}; "
            f"the last ones are {', '.join(convolutions[-3:]) or 'none'}."
        )
    last = output_layer or (convolutions[-1] if convolutions else "")
    fractions = {**layer_fractions(unconstrained_fraction, sizes), last: 1.0}
    modules = tuple(
        PlannedModule(path, module, treatment, reason, _cost(module, treatment, fractions.get(path, 1.0)))
        for path, module, treatment, reason in found
    )
    problems = list(_problems_of_whole(generator))
    if not convolutions and not any(treatment == "refused" for _, _, treatment, _ in found):
        problems.append(f"{type(generator).__name__} has no convolution: there are no filters to build on")
    return Plan(modules, (*problems, *_shared_statistics(generator)), last)


def check_possible(planned: Plan) -> None:
    """Refuse what cannot be wrapped rightly, all of it by name.

    Raises:
        UnsupportedModuleError: If there is anything such.
    """
    if not planned.is_possible:
        raise UnsupportedModuleError(
            f"this generator cannot be wrapped, and is as it was: {'; '.join(planned.refusals)}. For a module with "
            f"parameters say what it is: per_task=[...] gives each task a copy, shared_frozen=[...] lets all tasks use "
            f"the base task's."
        )


def layer_fractions(fraction: Fraction, sizes: Mapping[str, int]) -> dict[str, float]:
    """Return the share of unconstrained filters of each layer.

    Args:
        fraction: Of all weights, dealt out evenly; or of each layer's filters, by path or pattern: ``{"*": 0.25}`` is
            the paper's lambda. Layers that match no pattern get 1/4.
        sizes: Weights of each convolution's kernel.

    Raises:
        ConfigurationError: If a share is outside 0..1, or a pattern matches nothing.

    Example:
        >>> layer_fractions({"up.*": 0.5}, {"down.0": 100, "up.0": 100})
        {'down.0': 0.25, 'up.0': 0.5}
        >>> layer_fractions(0.25, {"down.0": 100, "up.0": 700})
        {'down.0': 1.0, 'up.0': 0.14285714285714285}
    """
    if not isinstance(fraction, Mapping):
        unconstrained_count(1, fraction)
        return dealt_evenly(fraction, sizes)
    for pattern, share in fraction.items():
        unconstrained_count(1, share)
        if pattern not in sizes and not any(fnmatchcase(path, pattern) for path in sizes):
            raise _unmatched("unconstrained_fraction", pattern, list(sizes))
    return {path: _share_of(path, fraction) for path in sizes}


def _share_of(path: str, shares: Mapping[str, float]) -> float:
    if path in shares:  # a path may hold characters that mean something in a pattern
        return shares[path]
    return next((share for pattern, share in shares.items() if fnmatchcase(path, pattern)), DEFAULT_FRACTION)


class _Patterns:
    """Which treatment the user chose for which module."""

    def __init__(
        self,
        generator: nn.Module,
        per_task: Sequence[Pattern],
        shared_frozen: Sequence[Pattern],
        include: Sequence[Pattern] | None,
    ) -> None:
        self._chosen: dict[Treatment, Sequence[Pattern]] = {"per_task": per_task, "shared_frozen": shared_frozen}
        self._include = include
        modules = {path: module for path, module in generator.named_modules() if path}
        for name, patterns in (*self._chosen.items(), ("include", include or ())):
            for pattern in patterns:
                if not any(_matches(pattern, path, module) for path, module in modules.items()):
                    raise _unmatched(name, pattern, list(modules))

    def treatment(self, path: str, module: nn.Module) -> Treatment | None:
        """Return what was chosen for a module, or None."""
        matched = [
            treatment
            for treatment, patterns in self._chosen.items()
            if any(_matches(pattern, path, module) for pattern in patterns)
        ]
        if len(matched) > 1:
            raise ConfigurationError(f"{path} is matched by per_task and by shared_frozen: choose one.")
        return matched[0] if matched else None

    def is_included(self, path: str, module: nn.Module) -> bool:
        """Say whether a convolution is to be built from banks."""
        return self._include is None or any(_matches(pattern, path, module) for pattern in self._include)


def _matches(pattern: Pattern, path: str, module: nn.Module) -> bool:
    return fnmatchcase(path, pattern) if isinstance(pattern, str) else isinstance(module, pattern)


def _unmatched(argument: str, pattern: Pattern, paths: Sequence[str]) -> ConfigurationError:
    shown = repr(pattern) if isinstance(pattern, str) else pattern.__name__
    some = ", ".join(paths[:5]) + (", ..." if len(paths) > 5 else "")
    return ConfigurationError(f"{argument}: {shown} matches no module; there are {some or 'none'}.")


_Found = tuple[str, nn.Module, Treatment, str]


def _treated(generator: nn.Module, chosen: _Patterns) -> Iterator[_Found]:
    """Walk the tree, not below what is treated as a whole, each module once."""
    seen: set[int] = set()

    def walk(path: str, module: nn.Module) -> Iterator[_Found]:
        if id(module) in seen:
            return
        seen.add(id(module))
        treatment, reason = _treatment(path, module, chosen)
        if treatment is not None:
            if treatment == "refused" or module.state_dict():  # else there is nothing to treat
                yield path, module, treatment, reason
            return
        for name, child in module.named_children():
            yield from walk(f"{path}.{name}" if path else name, child)

    yield from walk("", generator)


def _treatment(path: str, module: nn.Module, chosen: _Patterns) -> tuple[Treatment | None, str]:
    """Say how a module is treated, and if it is refused why; None for one that only holds others."""
    if problem := _without_values(module):
        return "refused", problem
    if path and (treatment := chosen.treatment(path, module)):
        return treatment, ""
    if isinstance(module, CONVOLUTIONS):
        return _of_convolution(path, module, chosen)
    if isinstance(module, USUAL):
        return "per_task", ""
    own = [name for name, _ in module.named_parameters(recurse=False)]
    if own:
        return "refused", f"({type(module).__name__}) has {own[0]}"
    if not module._modules and module.state_dict():
        return "shared_frozen", ""  # buffers only, such as a blur kernel: kept with the base task
    return None, ""


def _without_values(module: nn.Module) -> str:
    """Say why a module's own tensors have no values yet; empty if they have."""
    own = [*module._parameters.values(), *module._buffers.values()]
    if any(nn.parameter.is_lazy(tensor) for tensor in own if tensor is not None):
        return "is lazy: run the generator once so that its shapes are known"
    if any(tensor.is_meta for tensor in own if tensor is not None):
        return "is on the meta device and has no values: materialize the generator first"
    return ""


def _of_convolution(path: str, module: nn.Module, chosen: _Patterns) -> tuple[Treatment, str]:
    if not chosen.is_included(path, module):
        return "shared_frozen", ""
    problem = unsupported_convolution(module)
    return ("refused", problem) if problem else ("mixed", "")


def _cost(module: nn.Module, treatment: Treatment, fraction: float) -> int:
    if treatment == "per_task":
        return sum(parameter.numel() for parameter in module.parameters())
    if treatment != "mixed" or not isinstance(module, CONVOLUTIONS):
        return 0
    c_out, groups = module.out_channels, module.groups
    if groups > 1 and groups == module.in_channels:
        fraction = 1.0  # depthwise
    filter_size = module.weight.numel() // c_out
    own = unconstrained_count(c_out, fraction, groups)
    bias = 0 if module.bias is None else c_out
    count = task_parameters_count(filter_size=filter_size, c_out=c_out, bank=c_out, unconstrained=own, groups=groups)
    return count + bias


def _problems_of_whole(generator: nn.Module) -> Iterator[str]:
    if isinstance(generator, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        yield f"it is inside {type(generator).__name__}: wrap its .module, then parallelize the result"
    if "_orig_mod" in generator._modules:
        yield "it is compiled: wrap the module itself, then compile the result"
    ours = ("piggygan.layers", "piggygan.norms", "piggygan.per_task", "piggygan.model")
    if any(type(module).__module__ in ours for module in generator.modules()):
        yield "it is wrapped already"
    owners = Counter(
        id(parameter)
        for module in generator.modules()
        for parameter in module._parameters.values()
        if parameter is not None
    )
    for path, module in generator.named_modules():
        for name, parameter in module._parameters.items():
            if parameter is not None and owners[id(parameter)] > 1:
                yield f"{path}.{name} is shared with another module: share the module itself instead"


def _shared_statistics(generator: nn.Module) -> Iterator[str]:
    """Find norm layers used in two places whose running statistics would mix two distributions."""
    uses = Counter(id(module) for _, module in generator.named_modules(remove_duplicate=False))
    for path, module in generator.named_modules():
        if isinstance(module, _NormBase) and module.track_running_stats and uses[id(module)] > 1:
            yield f"{path} keeps running statistics and is used in two places"
