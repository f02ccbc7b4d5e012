"""Which modules of a generator can be wrapped, and for those that cannot, why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from piggygan.errors import UnsupportedModuleError

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm)


def wrappable_modules(generator: nn.Module) -> dict[str, nn.Module]:
    """Find every module that holds a task's own tensors, by its first path, in order of registration.

    Raises:
        UnsupportedModuleError: If anything in ``generator`` could not be treated rightly; names all of it.
    """
    found: dict[str, nn.Module] = {}
    problems = list(_problems_of_whole(generator))
    if not problems:
        for path, module in generator.named_modules():
            if not isinstance(module, (*CONVOLUTIONS, *NORMS)):
                own = [name for name, _ in module.named_parameters(recurse=False)]
                if own:
                    problems.append(f"{path or 'the generator itself'} ({type(module).__name__}) has {own[0]}")
            elif problem := _problem_of_layer(module):
                problems.append(f"{path} {problem}")
            elif module.state_dict():
                found[path] = module
        problems += _shared_statistics(generator)
    if problems:
        raise UnsupportedModuleError(
            "this generator cannot be wrapped, and is as it was: "
            + "; ".join(problems)
            + ". Supported are 2-d convolutions, plain and transposed, normalization layers, and any module "
            "without parameters."
        )
    if not any(isinstance(module, CONVOLUTIONS) for module in found.values()):
        raise UnsupportedModuleError(
            f"{type(generator).__name__} has no 2-d convolution: there are no filters to build on."
        )
    return found


def unsupported_convolution(conv: nn.Module) -> str | None:
    """Say why a convolution cannot be wrapped, or None if it can."""
    kind = nn.ConvTranspose2d if isinstance(conv, nn.ConvTranspose2d) else nn.Conv2d
    if not isinstance(conv, kind):
        return f"is a {type(conv).__name__}, neither Conv2d nor ConvTranspose2d"
    if isinstance(conv, nn.modules.lazy.LazyModuleMixin):
        return "is lazy: run the generator once so that its shapes are known"
    weight = conv._parameters.get("weight")
    if nn.utils.parametrize.is_parametrized(conv) or weight is None:
        return "has a parametrized weight (weight norm, spectral norm, ...): remove the parametrization first"
    if conv._forward_hooks or conv._forward_pre_hooks or conv._backward_hooks:
        return "has hooks, which would not run: remove them first"
    for name in ("forward", "_conv_forward"):
        if getattr(type(conv), name, None) is not getattr(kind, name, None):
            return f"is a {type(conv).__name__} with a {name} of its own, which would not run"
    if weight.is_meta:
        return "is on the meta device and has no values: materialize the generator first"
    return None


def _problem_of_layer(module: nn.Module) -> str | None:
    return unsupported_convolution(module) if isinstance(module, CONVOLUTIONS) else None


def _problems_of_whole(generator: nn.Module) -> Iterator[str]:
    if isinstance(generator, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        yield f"it is inside {type(generator).__name__}: wrap its .module, then parallelize the result"
    if "_orig_mod" in generator._modules:
        yield "it is compiled: wrap the module itself, then compile the result"
    if any(type(module).__module__.startswith("piggygan.") and "by_task" in module._modules
           for module in generator.modules()):  # fmt: skip
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
