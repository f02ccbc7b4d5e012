"""What stands in the way of wrapping a generator as a whole, whichever way its modules are treated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from piggygan.layers.task_layer import TaskLayer


def obstacles(generator: nn.Module) -> Iterator[str]:
    """Say in words what has to be undone first: parallel or compiled modules, wrappers, shared parameters.

    Example:
        >>> list(obstacles(nn.DataParallel(nn.Conv2d(3, 3, 1))))
        ['it is inside DataParallel: wrap its .module, then parallelize the result']
    """
    if isinstance(generator, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        yield f"it is inside {type(generator).__name__}: wrap its .module, then parallelize the result"
    if "_orig_mod" in generator._modules:
        yield "it is compiled: wrap the module itself, then compile the result"
    if any(isinstance(module, TaskLayer) for module in generator.modules()):
        yield "it is wrapped already"
    yield from _shared_parameters(generator)
    yield from _shared_statistics(generator)


def _shared_parameters(generator: nn.Module) -> Iterator[str]:
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
