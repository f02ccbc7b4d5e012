"""Freezing: a module's parameters become buffers, which no optimizer can reach.

Setting gradients to zero does not freeze: Adam's momentum and weight decay move such weights all the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn


def freeze(module: nn.Module) -> None:
    """Turn every parameter of ``module`` and its children into a buffer of the same name; go to eval mode.

    The buffers are copies: an optimizer that still holds the old parameters moves those and nothing else.
    """
    for child in module.modules():
        for name, parameter in list(child.named_parameters(recurse=False)):
            _replace(child, name, parameter.detach().clone())
    module.eval()


def thaw(module: nn.Module, names: Iterable[str]) -> None:
    """Turn the named buffers of ``module`` back into parameters (copies): what :func:`freeze` did, undone.

    Args:
        module: A module, frozen or not.
        names: Dotted names below ``module``; those that are parameters already are left alone.
    """
    for dotted in names:
        path, _, name = dotted.rpartition(".")
        owner = module.get_submodule(path)
        tensor = getattr(owner, name)
        if not isinstance(tensor, nn.Parameter):
            _replace(owner, name, nn.Parameter(tensor.detach().clone()))


def _replace(owner: nn.Module, name: str, tensor: Tensor) -> None:
    delattr(owner, name)
    if isinstance(tensor, nn.Parameter):
        owner.register_parameter(name, tensor)
    else:
        owner.register_buffer(name, tensor)
