"""What a task's file says of the task besides its tensors, in the lowest version of its format that can say it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from piggygan.files.strict_json import decode
from piggygan.registry.described import Network
from piggygan.registry.formats import written
from piggygan.registry.manifest import GENERATOR, TaskRecord, version_of_record
from piggygan.registry.store import check_digest

FORMAT_VERSION = 3
"""The newest, for what version 2 of the registry brought. Other tasks are written in 2 if they are in several networks,
and in 1, which has no names of networks, if they are in the one ``generator``."""
ZEROS = "0" * 64
"""What stands for the checksum while it is computed."""


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
        check_digest(self.checksum)
        for network, needs in self.needs.items():
            self._check_needs(needs, self.record.networks[network].bank)

    def _check_needs(self, needs: dict[str, str], bank: dict[str, str]) -> None:
        for digest in needs.values():
            check_digest(digest)
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


def header_to_fields(header: Header) -> dict[str, Any]:
    """Return what is written of a header as JSON, with zeros for its checksum."""
    given = replace(header, format_version=_version_needed(header), checksum=ZEROS)
    if given.format_version > 1:
        return dict(written(given))
    (network,) = given.networks.values()
    fingerprint, needs = network.architecture.fingerprint, given.needs[GENERATOR]
    return dict(written(_HeaderOfOne(1, ZEROS, given.base_task, network, fingerprint, needs, given.record)))


def header_from_fields(fields: dict[str, Any]) -> Header:
    """Read a header, strictly.

    Raises:
        ValueError: If it is anything else than what :func:`header_to_fields` gives.
    """
    of_one = fields["format_version"] == 1
    header = decode(_HeaderOfOne, fields, "its header").named() if of_one else decode(Header, fields, "its header")
    if header.format_version != (needed := _version_needed(header)):
        raise ValueError(f"it says format_version {header.format_version}, what it holds is of {needed}")
    return header


def _version_needed(header: Header) -> int:
    """Return the lowest version of this format that can say what a header says."""
    others = (name for needs in header.needs.values() for name in needs)
    if version_of_record(header.record, others) > 1:
        return FORMAT_VERSION
    return 1 if header.networks.keys() == {GENERATOR} else 2
