"""One task in one file, to be carried from a registry to another that holds the same bank.

The file is an ordinary safetensors file. Its header's metadata say in JSON what the task is, on which bank it was
trained, and what its certificate says; its tensors are the task's own, the certificate's probe images, and what the
task made of them. A checksum over the whole file is in the metadata: it is computed with zeros in its own place.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from piggygan.errors import CorruptFileError, FormatVersionError, RegistryError
from piggygan.files.durable import write_durably
from piggygan.files.memory import panics_named
from piggygan.files.regular import read_regular_file
from piggygan.files.strict_json import decode, parse_json
from piggygan.files.tensors import infinite_entry, tensors_from_bytes
from piggygan.registry.described import Network
from piggygan.registry.manifest import GENERATOR, MAX_MANIFEST_SIZE, TaskRecord
from piggygan.registry.probes import INPUTS, Probe, is_probe
from piggygan.registry.signatures import Signature, signatures_from_bytes, signatures_to_bytes
from piggygan.registry.store import MAX_OBJECT_SIZE, StoredObject

FORMAT_VERSION = 2
"""Of a task in several networks; a task in the one ``generator`` is still written in 1, which has no names."""
SUFFIX = ".safetensors"
ZEROS = "0" * 64
"""What stands for the checksum while it is computed."""

_METADATA = "piggygan"
_TASK, _PROBE, _OUTPUTS = "task.", "probe.", "probe.outputs"
_LENGTH = struct.Struct("<Q")
_SIGNATURES = "signatures"
# The metadata are JSON in a text of JSON, so their quotes are escaped once; in any text inside them, twice.
_CHECKSUM = re.compile(rb'\\"checksum\\":\\"([0-9a-f]{64})\\"')
_PICKLES = (b"\x80", b"PK\x03\x04")


@dataclass(frozen=True)
class Header:
    """What a task's file says of it besides its tensors.

    Attributes:
        format_version: Version of this format.
        checksum: SHA-256 of the file with zeros in this place.
        base_task: The base task of the registry that it comes from.
        networks: The generators by name, and how each is wrapped.
        needs: By network, the digest of the tensors of every other task that it needs, directly or not.
        record: What that registry recorded of it; its objects are named as they were there.
    """

    format_version: int
    checksum: str
    base_task: str
    networks: dict[str, Network]
    needs: dict[str, dict[str, str]]
    record: TaskRecord

    def __post_init__(self) -> None:
        if not self.networks or not self.networks.keys() == self.needs.keys() == self.record.networks.keys():
            raise ValueError(f"the task has the networks {sorted(self.record.networks)[:3]}, others are described")
        StoredObject(self.checksum, 0)  # refuses what is none
        for network, needs in self.needs.items():
            self._check_needs(needs, self.record.networks[network].bank)

    def _check_needs(self, needs: dict[str, str], bank: dict[str, str]) -> None:
        for digest in needs.values():
            StoredObject(digest, 0)
        if (self.record.name == self.base_task) == bool(needs):
            raise ValueError("all tasks but the base task need another")
        if needs and not {*self.record.draws_on, self.base_task} <= needs.keys() - {self.record.name}:
            raise ValueError("the digest of a task that it needs is missing")
        if any(needs[name] != digest for name, digest in bank.items()):
            raise ValueError("its bank has two digests")


@dataclass(frozen=True)
class _HeaderOfOne:
    """The header of format 1, for a task of one network, which is the ``generator``.

    Its fingerprint is the architecture's, for whoever only wants to compare.
    """

    format_version: int
    checksum: str
    base_task: str
    network: Network
    fingerprint: str
    needs: dict[str, str]
    record: TaskRecord

    def __post_init__(self) -> None:
        if self.fingerprint != self.network.architecture.fingerprint:
            raise ValueError("the fingerprint is not that of the architecture")
        self.named()

    def named(self) -> Header:
        """Say the same with the network's name."""
        networks, needs = {GENERATOR: self.network}, {GENERATOR: self.needs}
        return Header(self.format_version, self.checksum, self.base_task, networks, needs, self.record)


@dataclass(frozen=True)
class TaskPart:
    """A task in one network, outside a registry.

    Attributes:
        tensors: The task's tensors.
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
        signatures: Who vouches for it, right or wrong.
    """

    header: Header
    parts: dict[str, TaskPart]
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
    given = file.header
    header: Header | _HeaderOfOne = given
    if given.networks.keys() == {GENERATOR}:
        (network,) = given.networks.values()
        fingerprint = network.architecture.fingerprint
        header = _HeaderOfOne(1, ZEROS, given.base_task, network, fingerprint, given.needs[GENERATOR], given.record)
    text = json.dumps(dataclasses.asdict(header), sort_keys=True, separators=(",", ":"), allow_nan=False)
    prefixes = _prefixes(given.networks)
    tensors = {prefixes[network] + name: t for network, part in file.parts.items() for name, t in _named(part).items()}
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
    return TaskFile(header, parts, signatures)


def _prefixes(networks: Iterable[str]) -> dict[str, str]:
    """Say what each network's tensors begin with in the file; those of one ``generator`` have no prefix."""
    return {network: "" if network == GENERATOR else f"{network}." for network in networks}


def _named(part: TaskPart) -> dict[str, Tensor]:
    probe = {_PROBE + name: tensor for name, tensor in part.probe.items()}
    return {**probe, _OUTPUTS: part.outputs, **{_TASK + name: tensor for name, tensor in part.tensors.items()}}


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
    _check_version(fields)
    if fields.get("checksum") != _checksum(data):
        raise ValueError("its checksum is not that of its content")
    signed = metadata.get(_SIGNATURES) if isinstance(metadata, dict) else None
    signatures = signatures_from_bytes(signed.encode(), source) if isinstance(signed, str) else ()
    if fields["format_version"] == 1:
        return decode(_HeaderOfOne, fields, "its header").named(), signatures
    return decode(Header, fields, "its header"), signatures


def _check_version(fields: Any) -> None:
    version = fields.get("format_version") if isinstance(fields, dict) else None
    if type(version) is not int or version < 1:
        raise ValueError("it has no format_version")
    if version > FORMAT_VERSION:
        raise FormatVersionError(
            f"the file has format version {str(version)[:20]}, written by a newer piggygan; this one reads "
            f"{FORMAT_VERSION}: update piggygan."
        )


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
