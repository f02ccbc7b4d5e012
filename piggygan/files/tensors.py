"""Named tensors as bytes: to a safetensors file and back, and their digest.

safetensors carries no checksum and accepts some files that no writer makes, so what is read is checked twice:
its bytes by whoever holds their digest, its form here.
"""

from __future__ import annotations

import io
import json
import math
import struct
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import safetensors.torch
import torch
from torch import Tensor

from piggygan.errors import CorruptFileError
from piggygan.files.memory import is_shortage, panics_named
from piggygan.files.strict_json import decode, parse_json

_HEADER_LENGTH = struct.Struct("<Q")
_INFINITE = "infinite"
_MAX_HEADER = 10**8
_MOST_AXES = 64
"""Of a tensor, as many as torch's reductions take: with tens of thousands it is busy for minutes."""
_MOST_NUMBERS = 2**63 - 1
_NAMES = {
    **{"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float64},
    **{"C64": torch.complex64, "C128": torch.complex128, "BOOL": torch.bool, "U8": torch.uint8},
    **{"I8": torch.int8, "I16": torch.int16, "I32": torch.int32, "I64": torch.int64},
    **{"F8_E4M3": torch.float8_e4m3fn, "F8_E4M3FNUZ": torch.float8_e4m3fnuz},
    **{"F8_E5M2": torch.float8_e5m2, "F8_E5M2FNUZ": torch.float8_e5m2fnuz},
}
"""Types by their names in a header."""
_KINDS = frozenset(kind for kind in _NAMES.values() if kind.itemsize > 1 or not kind.is_floating_point)
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
    floats = {name: one for name, one in tensors.items() if one.is_floating_point() or one.is_complex()}
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
    """Parse a safetensors file; arguments and errors as of :func:`tensors_from_file`."""
    return tensors_from_file(io.BytesIO(data), len(data), source)


def tensors_from_file(file: BinaryIO, size: int, source: str, memory: Memory | None = None) -> dict[str, Tensor]:
    """Read a safetensors file straight into its tensors, without a second copy of it, as the library would make.

    Args:
        file: It, at its beginning.
        size: Its bytes.
        source: What messages call it.
        memory: Where the tensors are to be, until it is used again; None: each has its own.

    Raises:
        CorruptFileError: If it is none, names a tensor twice, or holds a NaN, or an infinity that its header does not
            speak of.
    """
    try:
        entries, infinite, begin = _header(file, size)
        if unknown := [f"{name} ({entry.kind})" for name, entry in entries.items() if entry.kind not in _KINDS]:
            raise CorruptFileError(f"{source} has tensors of types that are not stored: {', '.join(unknown[:10])}.")
        room = None if memory is None else memory.of(size)
        tensors = {name: entry.read(file, begin, room) for name, entry in entries.items()}
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        if is_shortage(error):
            raise MemoryError from error
        raise CorruptFileError(
            f"{source} is not a safetensors file that piggygan could have written: {error}."
        ) from error
    if bad := nonfinite_names(tensors, infinite):
        raise CorruptFileError(f"{source} has NaN or infinity in {', '.join(bad[:10])}.")
    return tensors


class Memory:
    """Memory that one file after another is read into: pages that are new take as long as reading what is on them."""

    def __init__(self) -> None:
        self._bytes = torch.empty(0, dtype=torch.uint8, device="cpu")

    def of(self, size: int) -> Tensor:
        """Return so many bytes; what was there is written over."""
        if len(self._bytes) < size:
            self._bytes = torch.empty(0, dtype=torch.uint8, device="cpu")  # the old ones go first
            self._bytes = torch.empty(size, dtype=torch.uint8, device="cpu")
        return self._bytes


@dataclass(frozen=True)
class _Entry:
    """What a header says of one tensor."""

    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.dtype not in _NAMES:
            raise ValueError(f"there is no type {self.dtype[:80]!r}")
        if any(side < 0 for side in self.shape) or len(self.data_offsets) != 2:
            raise ValueError(f"a tensor has the shape {self.shape[:10]} at {self.data_offsets[:10]}")
        if len(self.shape) > _MOST_AXES or math.prod(max(side, 1) for side in self.shape) > _MOST_NUMBERS:
            raise ValueError(f"no tensor can have {len(self.shape)} axes of {self.shape[:10]}")

    @property
    def kind(self) -> torch.dtype:
        return _NAMES[self.dtype]

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.kind.itemsize

    def read(self, file: BinaryIO, begin: int, room: Tensor | None) -> Tensor:
        """Read it, from the file's next bytes, which begin so many after the header of other tensors."""
        first, last = self.data_offsets
        if room is None or (begin + first) % self.kind.itemsize:
            raw = torch.empty(self.nbytes, dtype=torch.uint8, device="cpu")
        else:
            raw = room[begin + first : begin + last]
        if self.nbytes and file.readinto(raw.numpy().data) != self.nbytes:  # type: ignore[attr-defined]
            raise ValueError("it was cut while it was read")
        if sys.byteorder == "big":
            raw.copy_(raw.view(-1, self.kind.itemsize).flip(1).reshape(-1))
        return raw.view(self.kind).view(self.shape)


def _is_finite(tensor: Tensor) -> bool:
    # A finite sum has no NaN or infinity in it, and takes a fifth of the time; only an overflow needs the second look.
    return bool(tensor.sum().isfinite() or tensor.isfinite().all())


def _header(file: BinaryIO, size: int) -> tuple[dict[str, _Entry], list[str], int]:
    """Read a header, strictly: the tensors in their order, those with infinities, and where the first one begins."""
    prefix = file.read(_HEADER_LENGTH.size)
    length = _HEADER_LENGTH.unpack(prefix)[0] if len(prefix) == _HEADER_LENGTH.size else size
    begin = _HEADER_LENGTH.size + length
    if begin > size or length > _MAX_HEADER:
        raise ValueError(f"its header has {length} bytes, the file {size}")
    fields = parse_json(file.read(length))
    infinite = _infinite(fields.pop("__metadata__", None)) if isinstance(fields, dict) else []
    found = decode(dict[str, _Entry], fields, "its header")
    entries = dict(sorted(found.items(), key=lambda item: item[1].data_offsets))
    end = 0
    for name, entry in entries.items():
        if entry.data_offsets != (end, end := end + entry.nbytes):
            raise ValueError(f"{name[:80]!r} is at {entry.data_offsets}, needed is the place after the one before")
    if begin + end != size:
        raise ValueError(f"its tensors end at {begin + end}, the file at {size}")
    return entries, infinite, begin


def _infinite(metadata: Any) -> list[str]:
    entry = (decode(dict[str, str], metadata, "its metadata") if metadata is not None else {}).get(_INFINITE, "[]")
    names = parse_json(entry.encode())
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"its header says {entry[:80]!r} of infinities")
    return names


def part_of(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """Return the tensors of one part of a checkpoint, without its name."""
    return {name.removeprefix(f"{part}."): tensor for name, tensor in tensors.items() if name.startswith(f"{part}.")}
