"""Tensors in fewer bits: rounded once to what can be written so, then written and read without a further loss.

A row (all numbers of one index of the first axis) has a scale of its own, and each of its numbers becomes so many
scales. A scale has 16 binary digits and such a number at most 7, so their product is a float32 exactly: every machine
reads the same numbers, and what was rounded once is its own nearest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import Tensor

from piggygan.errors import ConfigurationError
from piggygan.terminal.guessing import did_you_mean

Precision = Literal["bf16", "int8", "int4"]
"""How a task's factors and own filters are stored: in 16, 8 or 4 bits a number in place of 32."""

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
_LARGEST = {"int8": 127, "int4": 7}
_DIGITS_CUT = 8
"""Of a float32's 24 binary digits, so that a scale times 127 needs no more."""
_SCALE, _SHAPE = ":scale", ":shape"


def check_precision(stored: object) -> None:
    """Refuse what is no precision.

    Raises:
        ConfigurationError: If it is neither one nor None.
    """
    if stored is not None and stored not in PRECISIONS:
        hint = did_you_mean(str(stored), PRECISIONS)
        raise ConfigurationError(f"stored is {stored!r}; {hint}it is 'bf16', 'int8', 'int4', or None for float32.")


def rounded(tensor: Tensor, precision: Precision) -> Tensor:
    """Return the nearest tensor that can be written in a precision.

    Args:
        tensor: Finite. What is no float32 of two axes or more is returned as it is: such are few numbers.
        precision: In what.

    Example:
        >>> rounded(torch.tensor([[1.0, 0.5, 0.004]]), "int8")
        tensor([[1.0000, 0.5039, 0.0079]])
    """
    if not _is_shortened(tensor):
        return tensor
    if precision == "bf16":
        return tensor.bfloat16().float()
    return _numbers(*_codes(tensor, precision))


def shortened(tensors: Mapping[str, Tensor], precision: Precision | None) -> dict[str, Tensor]:
    """Return tensors as they are written: those that a precision can say exactly in fewer bits, the others as they are.

    Example:
        >>> kept = shortened({"a": rounded(torch.ones(2, 3) / 3, "int4"), "b": torch.ones(3)}, "int4")
        >>> {name: tuple(tensor.shape) for name, tensor in kept.items()}
        {'a:int4': (2, 2), 'a:scale': (2,), 'a:shape': (2,), 'b': (3,)}
    """
    if precision is None:
        return dict(tensors)
    written: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        short = _written(name, tensor, precision) if _is_shortened(tensor) else {}
        exact = short and torch.equal(_read(name, short, precision).view(torch.int32), tensor.view(torch.int32))
        written |= short if exact else {name: tensor}
    return written


def lengthened(tensors: Mapping[str, Tensor], precision: Precision | None) -> dict[str, Tensor]:
    """Return what :func:`shortened` was given.

    Raises:
        ValueError: If they are not as it writes them.

    Example:
        >>> tensors = {"a": rounded(torch.ones(2, 3) / 3, "int4")}
        >>> torch.equal(lengthened(shortened(tensors, "int4"), "int4")["a"], tensors["a"])
        True
    """
    if precision is None:
        return dict(tensors)
    read: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        stem, mark, kind = name.rpartition(":")
        if kind == precision and mark:
            read[stem] = _read(stem, tensors, precision)
        elif f":{kind}" not in (_SCALE, _SHAPE) or f"{stem}:{precision}" not in tensors:
            read[name] = tensor
    return read


def _is_shortened(tensor: Tensor) -> bool:
    return tensor.dtype == torch.float32 and tensor.ndim > 1 and tensor.numel() > 0


def _codes(tensor: Tensor, precision: Precision) -> tuple[Tensor, Tensor]:
    """Return whole numbers of the tensor's shape, and each row's scale."""
    largest = _LARGEST[precision]
    rows = tensor.flatten(1)
    scale = (rows.abs().amax(1) / largest).view(torch.int32)
    scale = (scale >> _DIGITS_CUT << _DIGITS_CUT).view(torch.float32)  # cut, so the largest stays the largest code
    divisor = torch.where(scale > 0, scale, torch.ones_like(scale))
    codes = (rows / divisor[:, None]).round().clamp(-largest, largest)
    return codes.to(torch.int8).view(tensor.shape), scale


def _numbers(codes: Tensor, scale: Tensor) -> Tensor:
    return codes.float() * scale.view(-1, *[1] * (codes.ndim - 1))


def _written(name: str, tensor: Tensor, precision: Precision) -> dict[str, Tensor]:
    if precision == "bf16":
        return {f"{name}:bf16": tensor.bfloat16()}
    codes, scale = _codes(tensor, precision)
    if precision == "int8":
        return {f"{name}:int8": codes, name + _SCALE: scale}
    nibbles = (codes.flatten(1) & 15).view(torch.uint8)
    if nibbles.shape[1] % 2:
        nibbles = torch.nn.functional.pad(nibbles, (0, 1))
    shape = torch.tensor(tensor.shape, dtype=torch.int64)
    return {f"{name}:int4": nibbles[:, 0::2] | nibbles[:, 1::2] << 4, name + _SCALE: scale, name + _SHAPE: shape}


def _read(name: str, tensors: Mapping[str, Tensor], precision: Precision) -> Tensor:
    codes = tensors[f"{name}:{precision}"]
    if precision == "bf16":
        return codes.float()
    scale = _checked(tensors, name + _SCALE, torch.float32)
    if precision == "int4":
        shape = _checked(tensors, name + _SHAPE, torch.int64).tolist()
        codes = _unpacked(codes, shape, name)
    if codes.dtype != torch.int8 or codes.ndim < 2 or scale.numel() != codes.shape[0]:
        raise ValueError(f"{name} has {codes.dtype} {tuple(codes.shape)} for {scale.numel()} scales")
    return _numbers(codes, scale)


def _unpacked(packed: Tensor, shape: list[int], name: str) -> Tensor:
    rows, *others = shape or [0]
    columns = 1
    for side in others:
        columns *= side
    if packed.dtype != torch.uint8 or min(shape, default=0) < 1 or packed.shape != (rows, -(-columns // 2)):
        raise ValueError(f"{name} of the shape {shape} is {packed.dtype} {tuple(packed.shape)}")
    nibbles = torch.stack((packed & 15, packed >> 4), dim=2).flatten(1)[:, :columns].to(torch.int8)
    return torch.where(nibbles > 7, nibbles - 16, nibbles).reshape(shape)


def _checked(tensors: Mapping[str, Tensor], name: str, dtype: torch.dtype) -> Tensor:
    if name not in tensors or tensors[name].dtype != dtype or tensors[name].ndim != 1:
        raise ValueError(f"{name} is missing, or no row of {dtype}")
    return tensors[name]
