"""Named tensors as bytes: to a safetensors file and back, and their digest.

safetensors carries no checksum and accepts some files that no writer makes, so what is read is checked twice:
its bytes by whoever holds their digest, its form here.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Mapping
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from piggygan.errors import CorruptFileError
from piggygan.files.memory import is_shortage, panics_named
from piggygan.files.strict_json import parse_json

_HEADER_LENGTH = struct.Struct("<Q")
_INFINITE = "infinite"
_KINDS = frozenset(
    (
        *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128),
        *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
    )
)
"""Types that a task's tensors may have: what torch computes with on every machine. Float8 is none."""


def portable(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors in the CPU's memory and in row-major order, copied only where they are not."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def nonfinite_names(tensors: Mapping[str, Tensor], infinite: Collection[str] = ()) -> list[str]:
    """Name the tensors that have a NaN or an infinity in them.

    Args:
        tensors: They, by name.
        infinite: Names of those that may hold infinities, such as a mask of attention.
    """
    floats = {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}
    bad = (name for name, tensor in floats.items() if not _is_finite(tensor))
    return [name for name in bad if name not in infinite or bool(floats[name].isnan().any())]


def unknown_kinds(tensors: Mapping[str, Tensor]) -> list[str]:
    """Name the tensors of types that are not stored, with their types.

    Example:
        >>> unknown_kinds({"weight": torch.zeros(1), "scale": torch.zeros(1, dtype=torch.float8_e5m2)})
        ['scale (torch.float8_e5m2)']
    """
    return [f"{name} ({tensor.dtype})" for name, tensor in tensors.items() if tensor.dtype not in _KINDS]


def infinite_entry(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Name the tensors that hold infinities, for the header of their file: a reader refuses all others that do.

    Example:
        >>> import torch
        >>> infinite_entry({"mask": torch.tensor([0.0, -torch.inf]), "weight": torch.zeros(2)})
        {'infinite': '["mask"]'}
        >>> infinite_entry({"weight": torch.zeros(2)})
        {}
    """
    names = nonfinite_names(tensors)
    return {_INFINITE: json.dumps(sorted(names))} if names else {}


def tensors_to_bytes(tensors: Mapping[str, Tensor], infinite: Collection[str] = ()) -> bytes:
    """Serialize :func:`portable` tensors as a safetensors file.

    Args:
        tensors: They, by name.
        infinite: Names of those whose infinities are meant; a file with others is refused when read.
    """
    meant = infinite_entry({name: tensors[name] for name in infinite})
    with panics_named(2 * sum(tensor.nbytes for tensor in tensors.values())):
        return safetensors.torch.save(dict(tensors), metadata=meant or None)


def tensors_from_bytes(data: bytes, source: str) -> dict[str, Tensor]:
    """Parse a safetensors file.

    Args:
        data: The whole file.
        source: What messages call it.

    Raises:
        CorruptFileError: If it is none, names a tensor twice, or holds a NaN, or an infinity that its header does not
            speak of.
    """
    try:
        with panics_named(len(data)):
            tensors = safetensors.torch.load(data)
        infinite = _infinite(_header(data))
    # KeyError: a type this version does not know. AssertionError and RuntimeError come from its reshaping.
    except (safetensors.SafetensorError, ValueError, KeyError, AssertionError, RuntimeError) as error:
        if is_shortage(error):
            raise MemoryError from error
        raise CorruptFileError(
            f"{source} is not a safetensors file that piggygan could have written: {error!r}."
        ) from error
    if unknown := unknown_kinds(tensors):
        raise CorruptFileError(f"{source} has tensors of types that are not stored: {', '.join(unknown[:10])}.")
    if bad := nonfinite_names(tensors, infinite):
        raise CorruptFileError(f"{source} has NaN or infinity in {', '.join(bad[:10])}.")
    return tensors


def _is_finite(tensor: Tensor) -> bool:
    # A finite sum has no NaN or infinity in it, and takes a fifth of the time; only an overflow needs the second look.
    return bool(tensor.sum().isfinite() or tensor.isfinite().all())


def _header(data: bytes) -> Any:
    """Read the header, and refuse what safetensors reads without a word: a name twice, of which the last one wins."""
    (length,) = _HEADER_LENGTH.unpack_from(data)
    return parse_json(data[_HEADER_LENGTH.size : _HEADER_LENGTH.size + length])


def _infinite(header: Any) -> list[str]:
    entry = (header.get("__metadata__") or {}).get(_INFINITE, "[]")  # null is allowed there
    names = parse_json(entry.encode())
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"its header says {entry[:80]!r} of infinities")
    return names


def part_of(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """Return the tensors of one part of a checkpoint, without its name."""
    return {name.removeprefix(f"{part}."): tensor for name, tensor in tensors.items() if name.startswith(f"{part}.")}
