"""Who vouches for a task: ed25519 signatures over all that is said of it, and of the bank that it was trained on.

A signature holds wherever the same bits are: in a copy, in an exported file, in a registry that imported it. Keys are
files of their own, outside of any registry. The `cryptography` package does the arithmetic (``piggygan[signing]``).
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from piggygan.errors import ConfigurationError, CorruptFileError, RegistryError
from piggygan.files.regular import read_regular_file
from piggygan.files.strict_json import decode, parse_json
from piggygan.registry.described import Network
from piggygan.registry.formats import written
from piggygan.registry.manifest import TaskRecord
from piggygan.registry.sealing import FILE_NAME

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAX_SIGNATURES = 64
MAX_KEY_SIZE = 4096
MAX_FILE_SIZE = 2**16

_KEY = re.compile(r"ed25519:([0-9a-f]{64})")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")


@dataclass(frozen=True)
class Signature:
    """One person's word for one task.

    Attributes:
        key: The public key, ``ed25519:`` and 64 hexadecimal digits.
        signature: Over :func:`statement`, 128 hexadecimal digits.
    """

    key: str
    signature: str

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key) or not _SIGNATURE.fullmatch(self.signature):
            raise ValueError(f"{self.key[:80]!r} is no ed25519 key, or its signature is none")


@dataclass(frozen=True)
class Signatures:
    """All signatures of one task, as they are stored."""

    format_version: int
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        if self.format_version != 1 or len(self.signatures) > MAX_SIGNATURES:
            raise ValueError(f"its format_version is {self.format_version}, or it has more than {MAX_SIGNATURES}")


def statement(
    base_task: str,
    networks: Mapping[str, Network],
    needs: Mapping[str, Mapping[str, str]],
    record: TaskRecord,
) -> bytes:
    """Return the bytes that are signed: all that is promised of a task, and no name of a file.

    Args:
        base_task: The registry's base task.
        networks: The networks by name.
        needs: By network, the digest of the tensors of every other task that it needs.
        record: The task.
    """
    parts = {
        name: {
            "network": dataclasses.asdict(networks[name]),
            "needs": dict(needs[name]),
            "settings": written(part.settings),
            "tensors": part.certificate.tensors_digest,
            "outputs": part.certificate.outputs_digest,
        }
        for name, part in record.networks.items()
    }
    said = written(record) | {"networks": parts, "base_task": base_task, "statement": "piggygan task 1"}
    return json.dumps(_without_none(said), sort_keys=True, separators=(",", ":")).encode()


def new_key(path: str | os.PathLike[str]) -> str:
    """Make a private key in a new file that only its owner may read, and return the public key.

    Raises:
        RegistryError: If there is a file of this name, the folder is a registry's, or the system refused.
        ConfigurationError: If ``cryptography`` is not installed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     public = new_key(f"{folder}/signing.pem")
        >>> public[:8], len(public)
        ('ed25519:', 72)
    """
    kinds = _ed25519()
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    path = Path(path).absolute()
    if any((folder / FILE_NAME).exists() for folder in path.parents):
        raise RegistryError(f"{path} is inside of a registry, which is shared: keep the key elsewhere.")
    private = kinds.Ed25519PrivateKey.generate()
    data = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise RegistryError(f"{path} was not written: {error.strerror}.") from error
    return _named(private.public_key())


def sign(said: bytes, key: str | os.PathLike[str]) -> Signature:
    """Sign a statement with the private key in a file.

    Raises:
        RegistryError: If the file cannot be read, or holds no private ed25519 key without a password.
        ConfigurationError: If ``cryptography`` is not installed.
    """
    kinds = _ed25519()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(read_regular_file(Path(key), max_size=MAX_KEY_SIZE), None)
    except FileNotFoundError as error:
        raise RegistryError(f"there is no key {key}: `piggygan new-key FILE` makes one.") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise RegistryError(f"{key} holds no private key in PEM without a password.") from error
    if not isinstance(private, kinds.Ed25519PrivateKey):
        raise RegistryError(f"{key} holds another kind of key than ed25519: `piggygan new-key FILE` makes one.")
    return Signature(_named(private.public_key()), private.sign(said).hex())


def signed_by(said: bytes, signatures: Iterable[Signature], signers: Iterable[str]) -> str | None:
    """Return the first of these signers whose signature over a statement is there and right; None if none is."""
    from cryptography.exceptions import InvalidSignature

    kinds = _ed25519()
    wanted = set(signers)
    for one in signatures:
        if one.key not in wanted:
            continue
        public = kinds.Ed25519PublicKey.from_public_bytes(bytes.fromhex(one.key.removeprefix("ed25519:")))
        try:
            public.verify(bytes.fromhex(one.signature), said)
        except InvalidSignature:
            continue
        return one.key
    return None


def checked_signers(signers: Iterable[str] | None) -> tuple[str, ...] | None:
    """Return public keys as a tuple; None if nothing need be signed.

    Raises:
        ConfigurationError: If one is no public key, there is none, or ``cryptography`` is not installed.
    """
    if signers is None:
        return None
    keys = (signers,) if isinstance(signers, str) else tuple(signers)
    if not keys or not all(isinstance(key, str) and _KEY.fullmatch(key) for key in keys):
        raise ConfigurationError(
            f"signers are {list(keys)!r}; needed are public keys, ed25519: and 64 hexadecimal digits, as `piggygan "
            f"new-key` prints them."
        )
    _ed25519()
    return keys


def signatures_to_bytes(signatures: Iterable[Signature]) -> bytes:
    """Write signatures as JSON."""
    return json.dumps(dataclasses.asdict(Signatures(1, tuple(signatures))), sort_keys=True).encode()


def signatures_from_bytes(data: bytes, source: str) -> tuple[Signature, ...]:
    """Read signatures.

    Raises:
        CorruptFileError: If they are damaged.
    """
    try:
        return decode(Signatures, parse_json(data), "the signatures").signatures
    except ValueError as error:
        raise CorruptFileError(f"{source} is damaged ({error}): have the task signed again.") from error


def _named(public: Ed25519PublicKey) -> str:
    return f"ed25519:{public.public_bytes_raw().hex()}"


def _ed25519() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise ConfigurationError(
            "signatures need the cryptography package: pip install 'piggygan[signing]'."
        ) from error
    return ed25519


def _without_none(value: Any) -> Any:
    """Leave out what nobody said, so that a later version, which can say more, makes the same statement of it."""
    if isinstance(value, dict):
        return {name: _without_none(item) for name, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, (list, tuple)) else value
