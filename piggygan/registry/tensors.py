"""Named tensors as bytes: to a safetensors file and back, and their digest.

safetensors carries no checksum and accepts some files that no writer makes, so what is read is checked twice:
its bytes by whoever holds their digest, its form here.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
from collections.abc import Mapping

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from piggygan.errors import CorruptFileError
from piggygan.registry.strict_json import parse_json

_HEADER_LENGTH = struct.Struct("<Q")


def portable(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors in the CPU's memory and in row-major order, copied only where they are not."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def nonfinite_names(tensors: Mapping[str, Tensor]) -> list[str]:
    """Name the tensors that have a NaN or an infinity in them."""
    return [name for name, tensor in tensors.items() if tensor.is_floating_point() and not _is_finite(tensor)]


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of tensors, which depends on their values and names and on no file format.

    Hashed is, for each tensor in the order of the names, one line of JSON ``[name, type, shape]``, then its
    elements in row-major order, little-endian.

    Args:
        tensors: Any named tensors, on any device.

    Example:
        >>> zero = torch.zeros(2)
        >>> torch.equal(zero, -zero), tensors_digest({"bias": zero}) == tensors_digest({"bias": -zero})
        (True, False)
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        header = [name, str(tensor.dtype).removeprefix("torch."), list(tensor.shape)]
        digest.update(json.dumps(header).encode() + b"\n")
        raw = tensor.reshape(-1).view(torch.uint8)
        if sys.byteorder == "big":
            raw = raw.view(-1, tensor.element_size()).flip(1).contiguous()
        digest.update(raw.numpy().data)
    return digest.hexdigest()


def tensors_to_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Serialize :func:`portable` tensors as a safetensors file."""
    return safetensors.torch.save(dict(tensors))


def tensors_from_bytes(data: bytes, source: str) -> dict[str, Tensor]:
    """Parse a safetensors file.

    Args:
        data: The whole file.
        source: What messages call it.

    Raises:
        CorruptFileError: If it is none, names a tensor twice, or holds a NaN or an infinity.
    """
    try:
        tensors = safetensors.torch.load(data)
        _check_names(data)
    # KeyError: a type this version does not know. AssertionError and RuntimeError come from its reshaping.
    except (safetensors.SafetensorError, ValueError, KeyError, AssertionError, RuntimeError) as error:
        raise CorruptFileError(
            f"{source} is not a safetensors file that piggygan could have written: {error!r}."
        ) from error
    if bad := nonfinite_names(tensors):
        raise CorruptFileError(f"{source} has NaN or infinity in {', '.join(bad[:10])}.")
    return tensors


def _is_finite(tensor: Tensor) -> bool:
    # A finite sum has no NaN or infinity in it, and takes a fifth of the time; only an overflow needs the second look.
    return bool(tensor.sum().isfinite() or tensor.isfinite().all())


def _check_names(data: bytes) -> None:
    """Refuse what safetensors reads without a word: a name twice, of which the last one wins."""
    (length,) = _HEADER_LENGTH.unpack_from(data)
    parse_json(data[_HEADER_LENGTH.size : _HEADER_LENGTH.size + length])
