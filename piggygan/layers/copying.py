"""Copies of modules that still hold what their last call made, as networks with deep supervision do."""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from piggygan.layers.bypasses import attributes, held

ModuleT = TypeVar("ModuleT", bound=nn.Module)


def copied(module: ModuleT, memo: dict[int, object] | None = None) -> ModuleT:
    """Copy a module; results of a call that it holds are copied without their history, which PyTorch refuses to copy.

    Args:
        module: It stays as it is.
        memo: As of :func:`copy.deepcopy`: what takes the place of an object, by its ``id``.

    Example:
        >>> conv = nn.Conv2d(3, 3, 1)
        >>> conv.kept = [conv.weight * 2]
        >>> copied(conv).kept[0].requires_grad
        False
    """
    memo = {} if memo is None else memo
    # What something takes the place of is not copied, nor what is in it: in a wrapper, every task there is.
    replaced = {part for part in module.modules() if id(part) in memo}
    for _, part in module.named_modules(memo=replaced):
        for name, value in attributes(part):
            for _, found in held(value, name):
                if isinstance(found, Tensor) and not found.is_leaf:
                    memo.setdefault(id(found), found.detach().clone())
    return copy.deepcopy(module, memo)


def convolution_like(
    held: _ConvNd, kernel: Tensor, bias: Tensor | None, in_channels: int, out_channels: int
) -> nn.Module:
    """Copy a convolution, but for its tensors: it gets these, as parameters.

    Example:
        >>> import torch
        >>> conv = convolution_like(nn.Conv2d(3, 8, 1), torch.zeros(4, 3, 1, 1), None, 3, 4)
        >>> conv(torch.ones(1, 3, 2, 2)).shape, conv.bias
        (torch.Size([1, 4, 2, 2]), None)
    """
    shared = {id(tensor): tensor for tensor in (held.weight, held.bias) if tensor is not None}
    made = copy.deepcopy(held, shared)
    for name, tensor in (("weight", kernel), ("bias", bias)):
        delattr(made, name)
        made.register_parameter(name, None if tensor is None else nn.Parameter(tensor))
    made.in_channels, made.out_channels = in_channels, out_channels
    return made
