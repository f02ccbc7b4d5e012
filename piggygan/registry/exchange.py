"""One task in one file, to be carried from a registry to another that holds the same bank.

The file is an ordinary safetensors file. Its header's metadata say in JSON what the task is, on which bank it was
trained, and what its certificate says; its tensors are the task's own, the certificate's probe images, what the task
made of them, and its attachments, each as the bytes of its file. A checksum over the whole file is in the metadata: it
is computed with zeros in its own place.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from piggygan.errors import CorruptFileError, RegistryError
from piggygan.files.durable import write_durably
from piggygan.files.memory import panics_named
from piggygan.files.regular import read_regular_file
from piggygan.files.strict_json import parse_json
from piggygan.files.tensors import infinite_entry, tensors_from_bytes
from piggygan.registry.attachments import checked_bytes
from piggygan.registry.formats import check_version
from piggygan.registry.manifest import GENERATOR
from piggygan.registry.probes import INPUTS, Probe, is_probe
from piggygan.registry.sealing import MAX_MANIFEST_SIZE
from piggygan.registry.signatures import Signature, signatures_from_bytes, signatures_to_bytes
from piggygan.registry.store import MAX_OBJECT_SIZE
from piggygan.registry.task_headers import FORMAT_VERSION, ZEROS, Header, header_from_fields, header_to_fields

SUFFIX = ".safetensors"

_METADATA = "piggygan"
_TASK, _PROBE, _OUTPUTS, _ATTACHMENT = "task.", "probe.", "probe.outputs", "attachment."
_LENGTH = struct.Struct("<Q")
_SIGNATURES = "signatures"
# The metadata are JSON in a text of JSON, so their quotes are escaped once; in any text inside them, twice.
_CHECKSUM = re.compile(rb'\\"checksum\\":\\"([0-9a-f]{64})\\"')
_PICKLES = (b"\x80", b"PK\x03\x04")


@dataclass(frozen=True)
class TaskPart:
    """A task in one network, outside a registry.

    Attributes:
        tensors: The task's tensors, as its registry stores them.
        probe: What the certificate's generator was called with.
        outputs: What the task made of it.
    """

    tensors: dict[str, Tensor]
    probe: Probe
    outputs: Tensor


@dataclass(frozen=True)
class TaskFile:
    """A task outside a registry.

    Attributes:
        header: What it is.
        parts: Its tensors in each network.
        attachments: Its attachments by name, each as its file in the registry is.
        signatures: Who vouches for it, right or wrong.
    """

    header: Header
    parts: dict[str, TaskPart]
    attachments: dict[str, bytes] = field(default_factory=dict)
    signatures: tuple[Signature, ...] = ()


def write_task_file(path: Path, file: TaskFile) -> None:
    """Write a task's file, whole or not at all.

    Args:
        path: Where; its name ends in ``.safetensors``.
        file: What; its checksum and its format version are those of the file.

    Raises:
        RegistryError: If there is a file of this name, its name does not end in ``.safetensors``, or the system
            refused.
    """
    _check_suffix(path)
    if path.exists() or path.is_symlink():
        raise RegistryError(f"{path} is there already: name another file, or move that one away.")
    header = file.header
    text = json.dumps(header_to_fields(header), sort_keys=True, separators=(",", ":"), allow_nan=False)
    prefixes = _prefixes(header.networks)
    tensors = {prefixes[network] + name: t for network, part in file.parts.items() for name, t in _named(part).items()}
    for name, data in file.attachments.items():
        tensors[_ATTACHMENT + name] = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    signed = {_SIGNATURES: signatures_to_bytes(file.signatures).decode()} if file.signatures else {}
    with panics_named(2 * sum(tensor.nbytes for tensor in tensors.values())):
        data = safetensors.torch.save(tensors, metadata={_METADATA: text, **signed, **infinite_entry(tensors)})
    start, end = _checksum_place(data)
    try:
        write_durably(path, data[:start] + _checksum(data).encode() + data[end:])
    except OSError as error:
        raise RegistryError(f"{path} was not written: {error}.") from error


def read_task_file(path: Path) -> TaskFile:
    """Read a task's file, trusting nothing in it.

    Raises:
        FormatVersionError: If a newer piggygan wrote it.
        CorruptFileError: If it is anything else than a whole, unchanged file of :func:`write_task_file`.
        RegistryError: If there is none, or it cannot be read.
    """
    _check_suffix(path)
    try:
        data = read_regular_file(path, max_size=MAX_OBJECT_SIZE)
    except FileNotFoundError as error:
        raise RegistryError(f"there is no file {path}.") from error
    try:
        header, signatures = _header(data, str(path))
    except ValueError as error:
        raise CorruptFileError(f"{path} is no task that piggygan exported, or damaged: {error}.") from error
    tensors = tensors_from_bytes(data, str(path))
    attachments = {
        name: checked_bytes(_attached(tensors, name), stored, f"{path}: attachment {name!r}")
        for name, stored in header.record.attachments.items()
    }
    try:
        parts = {
            network: _part(
                {name.removeprefix(prefix): tensors.pop(name) for name in list(tensors) if name.startswith(prefix)}
            )
            for network, prefix in _prefixes(header.networks).items()
        }
        if tensors:
            raise ValueError(f"has the tensors {sorted(tensors)[:10]}, which belong to none of its networks")
    except ValueError as error:
        raise CorruptFileError(f"{path} is no task that piggygan exported: it {error}.") from error
    return TaskFile(header, parts, attachments, signatures)


def _prefixes(networks: Iterable[str]) -> dict[str, str]:
    """Say what each network's tensors begin with in the file; those of one ``generator`` have no prefix."""
    return {network: "" if network == GENERATOR else f"{network}." for network in networks}


def _named(part: TaskPart) -> dict[str, Tensor]:
    probe = {_PROBE + name: tensor for name, tensor in part.probe.items()}
    return {**probe, _OUTPUTS: part.outputs, **{_TASK + name: tensor for name, tensor in part.tensors.items()}}


def _attached(tensors: dict[str, Tensor], name: str) -> bytes:
    """Take the bytes of an attachment out of a file's tensors; none where there are none."""
    tensor = tensors.pop(_ATTACHMENT + name, torch.empty(0))
    return tensor.numpy().tobytes() if tensor.dtype == torch.uint8 else b""


def _part(tensors: Mapping[str, Tensor]) -> TaskPart:
    task = {name.removeprefix(_TASK): tensor for name, tensor in tensors.items() if name.startswith(_TASK)}
    probe = {
        name.removeprefix(_PROBE): tensor
        for name, tensor in tensors.items()
        if name.startswith(_PROBE) and name != _OUTPUTS
    }
    if not task or not is_probe(probe) or len(task) + len(probe) + 1 != len(tensors) or _OUTPUTS not in tensors:
        raise ValueError(
            f"has the tensors {sorted(tensors)[:10]}; needed are {_PROBE}{INPUTS}, {_OUTPUTS} and some that begin with "
            f"{_TASK!r}"
        )
    return TaskPart(task, probe, tensors[_OUTPUTS])


def _header(data: bytes, source: str) -> tuple[Header, tuple[Signature, ...]]:
    # The first eight bytes of a safetensors file are a length, which may look like the begin of anything.
    if data.startswith(_PICKLES) and data[_LENGTH.size : _LENGTH.size + 1] != b"{":
        raise ValueError(
            "it is a pickle under another name, which could run programs and is not opened; `piggygan import-pix2pix` "
            "takes generators of pytorch-CycleGAN-and-pix2pix from people whom you trust"
        )
    if len(data) < _LENGTH.size or not 0 < _LENGTH.unpack_from(data)[0] <= min(len(data), MAX_MANIFEST_SIZE):
        raise ValueError("it is no safetensors file with a header of a plausible size")
    (length,) = _LENGTH.unpack_from(data)
    parsed = parse_json(data[_LENGTH.size : _LENGTH.size + length])
    metadata = parsed.get("__metadata__") if isinstance(parsed, dict) else None
    text = metadata.get(_METADATA) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise ValueError("its header does not say what it is")
    fields = parse_json(text.encode("utf-8", errors="surrogatepass"))
    check_version(fields, "format_version", FORMAT_VERSION, "the file")
    if fields.get("checksum") != _checksum(data):
        raise ValueError("its checksum is not that of its content")
    signed = metadata.get(_SIGNATURES) if isinstance(metadata, dict) else None
    signatures = signatures_from_bytes(signed.encode(), source) if isinstance(signed, str) else ()
    return header_from_fields(fields), signatures


def _checksum(data: bytes) -> str:
    start, end = _checksum_place(data)
    view = memoryview(data)
    digest = hashlib.sha256(view[:start])
    digest.update(ZEROS.encode())
    digest.update(view[end:])
    return digest.hexdigest()


def _checksum_place(data: bytes) -> tuple[int, int]:
    """Return where the checksum is in the file."""
    (length,) = _LENGTH.unpack_from(data)
    places = [found.span(1) for found in _CHECKSUM.finditer(data[: _LENGTH.size + length])]
    if len(places) != 1:
        raise ValueError(f"it has {len(places)} checksums, needed is one")
    return places[0]


def _check_suffix(path: Path) -> None:
    if path.suffix != SUFFIX:
        raise RegistryError(
            f"{str(path)!r} is no name for an exported task, which ends in {SUFFIX}. Pickles (.pt, .pth, .pkl, .bin) "
            f"are never read here: `piggygan import-pix2pix` takes generators of pytorch-CycleGAN-and-pix2pix."
        )
