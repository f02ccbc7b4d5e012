"""What a state dict says of the tasks of one layer, as a tensor among its tensors.

Names and shapes alone do not tell whether factors belong to a bank. Other programs keep of a state dict what is a
tensor, and they average, cast and move it: so the text is a tensor of one float a character, which stays readable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from piggygan.errors import InputError, TaskNameError
from piggygan.files.digests import tensors_digest
from piggygan.layers.tasks import check_task_name
from piggygan.terminal.escaping import escaped


@dataclass(frozen=True)
class Fingerprint:
    """What tensors were at one moment.

    Attributes:
        dtype: The type of those that are floating-point, the first one's if there are several.
        digest: Their :func:`~piggygan.files.digests.tensors_digest`.
        cast: What they became when they were cast on purpose, as ``model.half()`` does.
    """

    dtype: str
    digest: str
    cast: Fingerprint | None = field(default=None, compare=False)

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Fingerprint:
        """Take the fingerprint of named tensors."""
        return cls(_dtype(tensors), tensors_digest(tensors))

    def after_cast(self, before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> Fingerprint:
        """Return the fingerprint of tensors that somebody may have cast; only what was unmoved is followed, and once.

        Args:
            before: What they were just before.
            after: What they are now.
        """
        if _dtype(before) == _dtype(after) or replace(self, cast=None).difference(before):
            return self
        return replace(self, cast=Fingerprint.of(after))

    def difference(self, tensors: Mapping[str, Tensor]) -> str | None:
        """Say in words how tensors differ from those of the fingerprint; None if their values are the same.

        A wider type holds the same values: it is no difference. Nor is a type that they were cast to on purpose.

        Example:
            >>> before = Fingerprint.of({"bias": torch.tensor([0.1])})
            >>> before.difference({"bias": torch.tensor([0.1])}), before.difference({"bias": torch.tensor([0.2])})
            (None, 'has other values')
            >>> before.difference({"bias": torch.tensor([0.1]).half()})
            'is float16, was float32'
        """
        now = Fingerprint.of(tensors)
        if now in (self, self.cast):
            return None
        if now.dtype in (self.dtype, self.cast and self.cast.dtype) or not self.dtype:
            return "has other values"
        dtype: torch.dtype = getattr(torch, self.dtype)
        back = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
        return None if Fingerprint.of(back) == self else f"is {now.dtype}, was {self.dtype}"


@dataclass(frozen=True)
class Statement:
    """What a state dict says of one task in one layer.

    Attributes:
        frozen: What its tensors were when it was frozen; None: it is in training.
        bank: What the tasks that it draws on were, oldest first.
        factor_step: What its factors are divided by in training.
    """

    frozen: Fingerprint | None = None
    bank: dict[str, Fingerprint] = field(default_factory=dict)
    factor_step: float = 1.0


def to_tensor(statements: Mapping[str, Statement]) -> Tensor:
    """Write statements, by task, as a tensor."""
    text = json.dumps({task: asdict(statement) for task, statement in statements.items()})
    return torch.tensor([float(byte) for byte in text.encode()], dtype=torch.float32, device="cpu")


def from_tensor(tensor: object, source: str) -> dict[str, Statement]:
    """Read what :func:`to_tensor` wrote, cast or averaged though it may be.

    Args:
        tensor: What a state dict holds.
        source: What messages call it.

    Raises:
        InputError: If it is no such tensor.

    Example:
        >>> written = to_tensor({"facades": Statement()})
        >>> from_tensor(0.9 * written + 0.1 * written.half(), "0._extra_state")
        {'facades': Statement(frozen=None, bank={}, factor_step=1.0)}
    """
    try:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"it is a {type(tensor).__name__}")
        document = json.loads(bytes(tensor.detach().cpu().double().round().to(torch.uint8).tolist()))
        return {check_task_name(task): _statement(**found) for task, found in document.items()}
    except (TypeError, ValueError, AttributeError, RuntimeError, TaskNameError) as error:
        raise InputError(
            f"{source} of this state dict is no statement of piggygan's: {escaped(str(error))}."
        ) from error


def _statement(frozen: dict[str, Any] | None, bank: dict[str, dict[str, Any]], factor_step: float) -> Statement:
    return Statement(
        None if frozen is None else _fingerprint(**frozen),
        {check_task_name(task): _fingerprint(**found) for task, found in bank.items()},
        float(factor_step),
    )


def _fingerprint(dtype: str, digest: str, cast: dict[str, Any] | None) -> Fingerprint:
    if dtype and not isinstance(getattr(torch, dtype, None), torch.dtype):
        raise ValueError(f"there is no type {dtype!r}")
    return Fingerprint(dtype, digest, None if cast is None else _fingerprint(**cast))


def _dtype(tensors: Mapping[str, Tensor]) -> str:
    floating = (str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values() if tensor.is_floating_point())
    return next(floating, "")
