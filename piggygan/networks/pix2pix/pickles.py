"""Named tensors in a file of ``torch.save``, and back: the one place in piggygan that opens a pickle.

``weights_only=True`` keeps a file from naming code to run, but it is no security boundary: it was broken in
CVE-2025-32434 (before torch 2.6) and CVE-2026-24747 (before 2.10). The checks here keep a damaged or oversized
file from doing harm; against somebody who means harm they are not enough.
"""

from __future__ import annotations

import os
import re
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor, nn

from piggygan.errors import CheckpointError, CorruptFileError, RegistryError
from piggygan.files.durable import write_durably
from piggygan.files.regular import read_regular_file
from piggygan.files.tensors import nonfinite_names, portable
from piggygan.networks.pix2pix.layout import COUNTER, listed

MAX_FILE_SIZE = 2**32
"""The largest file that is read, in bytes: 4 GiB, some 20 times a U-Net."""
WRAPPERS = ("state_dict", "model", "params")
"""Names under which training scripts put a state dict beside an optimizer's or an epoch."""

_ZIP = b"PK\x03\x04"  # how torch.save has begun its files since torch 1.6
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Read a state dict from a file of ``torch.save``. Only for files from people you trust.

    Returns:
        The tensors by name in the order of the file, on the CPU, row-major, sharing no memory: ``float32``, whatever
        float the file has, and ``int64`` for :data:`COUNTER`.

    Raises:
        CheckpointError: If there is no such file, it is no state dict, or it holds NaN, infinity, or anything but
            tensors of floats.
    """
    data = _read(Path(path))
    if data.startswith(_ZIP):
        _check_archive(data)
    named = _checked(_unwrapped(_unpickled(data)), len(data))
    tensors = {
        name: tensor.detach().to(torch.int64 if name.endswith(COUNTER) else torch.float32, copy=True).contiguous()
        for name, tensor in named.items()
    }
    if bad := nonfinite_names(tensors):
        raise CheckpointError(f"it has NaN or infinity in {listed(bad)}: its training diverged.")
    return tensors


def write_checkpoint(path: str | os.PathLike[str], tensors: Mapping[str, Tensor]) -> None:
    """Write tensors as ``torch.save`` does, so that either the old file or the whole new one is there.

    Floats are written as ``float32``, and each tensor with no more memory than it needs.

    Raises:
        CheckpointError: If the system refused, or a tensor holds NaN or infinity.
    """
    plain = OrderedDict(
        (name, tensor.float() if tensor.is_floating_point() else tensor) for name, tensor in portable(tensors).items()
    )
    if bad := nonfinite_names(plain):
        raise CheckpointError(f"NaN or infinity in {listed(bad)} cannot be exported: the training diverged.")
    buffer = BytesIO()
    # clone: a view would bring along all of the memory that it is a view of
    torch.save(OrderedDict((name, tensor.clone()) for name, tensor in plain.items()), buffer)
    path = Path(path)
    try:
        write_durably(path, buffer.getvalue())
    except OSError as error:
        raise CheckpointError(f"{path.name} was not written: {error.strerror or error}.") from error


def _read(path: Path) -> bytes:
    try:
        # latest_net_G.pth is often a link: what it points to is read, and must be a regular file.
        return read_regular_file(Path(os.path.realpath(path)), max_size=MAX_FILE_SIZE)
    except FileNotFoundError as error:
        raise CheckpointError("there is no such file.") from error
    except (CorruptFileError, RegistryError) as error:
        raise CheckpointError(f"{error}".removesuffix(".") + ".") from error


def _check_archive(data: bytes) -> None:
    """Refuse a zip that was damaged, which torch does not check, or that unpacks to more than itself."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            if unpacked > len(data) or any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise CheckpointError(
                    "it is a zip that is compressed or repeats its bytes: torch.save wrote none such."
                )
            bad = archive.testzip()
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, RuntimeError) as error:
        raise CheckpointError("it is damaged, or was cut short: take another copy.") from error
    if bad is not None:
        raise CheckpointError(
            f"it is damaged: the CRC-32 of {listed([bad])} is another. Take another copy, or, if it was saved with "
            f"set_crc32_options(False), save it without."
        )


def _unpickled(data: bytes) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a damaged file torch warns at length before it fails
            return torch.load(BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # what a damaged pickle raises has no end, and every kind of it means the same
        if found := re.search(r"GLOBAL ([\w.]{1,80})", str(error)):
            raise CheckpointError(
                f"it holds Python objects ({found[1]}), not only tensors: in the program that made it, save "
                f"network.state_dict() instead of the network."
            ) from error
        raise CheckpointError(
            f"it is no state dict that torch.save wrote ({type(error).__name__}); needed is a .pth of named tensors."
        ) from error


def _unwrapped(loaded: object) -> Mapping[object, object]:
    if not isinstance(loaded, dict):
        raise CheckpointError(f"it holds a {type(loaded).__name__}; needed is a state dict: tensors by name.")
    inner = [key for key in WRAPPERS if isinstance(loaded.get(key), dict)]
    if len(inner) > 1:
        raise CheckpointError(f"it holds several state dicts, {', '.join(inner)}: save the generator's by itself.")
    chosen: dict[object, object] = loaded[inner[0]] if inner else loaded
    return chosen


def _checked(loaded: Mapping[object, object], file_size: int) -> dict[str, Tensor]:
    """Refuse all but ordinary tensors of floats that have bytes of their own in the file."""
    if not loaded:
        raise CheckpointError("it holds no tensors.")
    tensors: dict[str, Tensor] = {}
    for name, tensor in loaded.items():
        if not isinstance(name, str):
            raise CheckpointError(f"one of its names is a {type(name).__name__}, not text: it is no state dict.")
        if type(tensor) not in (Tensor, nn.Parameter) or not isinstance(tensor, Tensor):
            raise CheckpointError(
                f"{listed([name])} is a {type(tensor).__name__}, not a tensor: save a state dict only."
            )
        if tensor.is_nested or tensor.is_quantized or tensor.layout != torch.strided or tensor.device.type != "cpu":
            raise CheckpointError(f"{listed([name])} is a {tensor.layout} tensor on {tensor.device}, not a plain one.")
        if tensor.dtype not in _FLOATS and not (name.endswith(COUNTER) and tensor.dtype in _WHOLE):
            raise CheckpointError(f"{listed([name])} is {tensor.dtype}; needed are floats, not quantized weights.")
        tensors[name] = tensor
    # Strides of 0 make one number stand for any number of them.
    if sum(tensor.nbytes for tensor in tensors.values()) > file_size:
        raise CheckpointError("its tensors are larger than the file: they repeat the same memory.")
    return tensors
