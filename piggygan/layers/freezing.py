"""Freezing: a module's parameters become buffers, which no optimizer can reach.

Setting gradients to zero does not freeze: Adam's momentum and weight decay move such weights all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from piggygan.errors import InputError


def freeze(module: nn.Module) -> None:
    """Turn every parameter of ``module`` and its children into a buffer of the same name; go to eval mode.

    The buffers are copies: an optimizer that still holds the old parameters moves those and nothing else.
    """
    with torch.inference_mode(False):  # else no later task could be trained through them
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
            with torch.inference_mode(False):
                _replace(owner, name, nn.Parameter(tensor.detach().clone()))


def check_finite(tensors: Mapping[str, Tensor], path: str, learned: Collection[str] | None = None) -> None:
    """Refuse to keep for ever what is not a number.

    A buffer that is no running statistic may hold infinities, as a mask of attention does; a NaN is refused anywhere.

    Args:
        tensors: What is to be frozen, by name.
        path: Where it is in its generator, for messages.
        learned: Names of the parameters; None: all.

    Raises:
        InputError: If a tensor has a NaN, or a parameter or a running statistic an infinity.

    Example:
        >>> check_finite({"mask": torch.tensor([0.0, -torch.inf])}, "attention", learned=())
    """
    for name, tensor in tensors.items():
        # If a sum is finite, so is each number, and it takes a third of the time; of float8 there is none.
        if tensor.element_size() > 1 and bool(tensor.sum().isfinite()):
            continue
        if bad := int((~tensor.isfinite() if moves(name, learned) else tensor.isnan()).sum()):
            raise InputError(
                f"{path + '.' if path else ''}{name} has {bad} of {tensor.numel()} numbers that are NaN or infinite: "
                f"its training diverged. Nothing was frozen; go back to weights from before, or train anew."
            )


def moves(name: str, learned: Collection[str] | None) -> bool:
    """Say whether training moves a tensor: a parameter or a running statistic, and no constant such as a mask."""
    return learned is None or name in learned or name.rpartition(".")[2].startswith("running_")


def handed_out(value: Any, is_frozen: bool) -> Any:
    """Return what a reader outside gets of a layer: of frozen tensors a copy, so that writing there moves nothing."""
    return value.detach().clone() if is_frozen and isinstance(value, Tensor) else value


def same_bytes(one: Tensor, other: Tensor) -> bool:
    """Say whether two tensors of one shape and type are the same to the bit: 0.0 and -0.0 are not.

    Example:
        >>> same_bytes(torch.tensor([0.0]), torch.tensor([-0.0]))
        False
    """
    first, second = (tensor.contiguous().reshape(-1).view(torch.uint8) for tensor in (one, other))
    return torch.equal(first, second)


def _replace(owner: nn.Module, name: str, tensor: Tensor) -> None:
    delattr(owner, name)
    if isinstance(tensor, nn.Parameter):
        owner.register_parameter(name, tensor)
    else:
        owner.register_buffer(name, tensor)
