"""Small named sets of tensors that belong to a task and are no part of what it computes.

Such as ``features``, statistics by which unlike pictures are told, or ``calibration``. They are objects of the registry
as all others: checked by their digests, exported, verified, repaired, collected. What one holds is for its reader to
check.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sized

from torch import Tensor

from piggygan.errors import CorruptFileError, InputError
from piggygan.files.tensors import nonfinite_names, portable, tensors_from_bytes, tensors_to_bytes, unknown_kinds
from piggygan.registry.store import StoredObject

MAX_ATTACHMENTS = 8
MAX_ATTACHMENT_SIZE = 2**26
"""The most attachments of a task, and bytes of one: 64 MiB."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


def attachment_to_bytes(name: str, tensors: Mapping[str, Tensor]) -> bytes:
    """Write an attachment as a safetensors file, the same bytes for the same tensors.

    Args:
        name: What it is called: 1 to 32 of a-z, 0-9 and ``-``, a letter first.
        tensors: They, by name, finite numbers.

    Raises:
        InputError: If its name is malformed, it holds anything else, or it is larger than 64 MiB.
    """
    check_attachment_names([name])
    if not isinstance(tensors, Mapping) or not tensors:
        raise InputError(f"attachment {name!r} is {repr(tensors)[:80]}; needed are tensors by name, at least one.")
    for key, tensor in tensors.items():
        if not isinstance(key, str) or key == "__metadata__" or not key.isprintable() or not isinstance(tensor, Tensor):
            raise InputError(f"attachment {name!r} has {type(tensor).__name__} as {key!r}; needed are tensors by name.")
        if tensor.is_sparse or tensor.is_quantized or tensor.is_meta:
            raise InputError(f"{key!r} of attachment {name!r} is no plain tensor in memory: make it dense.")
    kept = {key: tensor.clone() for key, tensor in sorted(portable(tensors).items())}  # none shares another's memory
    if unknown := unknown_kinds(kept):
        raise InputError(f"attachment {name!r} has tensors of types that are not stored: {', '.join(unknown[:10])}.")
    if bad := nonfinite_names(kept):
        raise InputError(f"attachment {name!r} has NaN or infinity in {', '.join(bad[:10])}.")
    data = tensors_to_bytes(kept)
    if len(data) > MAX_ATTACHMENT_SIZE:
        raise InputError(f"attachment {name!r} has {len(data)} bytes; the most is {MAX_ATTACHMENT_SIZE}.")
    return data


def attachments_to_bytes(given: Mapping[str, Mapping[str, Tensor]] | None) -> dict[str, bytes]:
    """Write all attachments of a task; see :func:`attachment_to_bytes`.

    Raises:
        InputError: As there, and if there are more than 8.
    """
    check_count(given or ())
    return {name: attachment_to_bytes(name, tensors) for name, tensors in (given or {}).items()}


def check_attachments(attachments: Mapping[str, StoredObject]) -> None:
    """Refuse what no task can have.

    Raises:
        InputError: If a name is malformed, there are more than 8, or one is too large.
    """
    check_count(attachments)
    check_attachment_names(attachments)
    for name, stored in attachments.items():
        if stored.size > MAX_ATTACHMENT_SIZE:
            raise InputError(f"attachment {name!r} has {stored.size} bytes; the most is {MAX_ATTACHMENT_SIZE}.")


def check_count(attachments: Sized) -> None:
    """Refuse more attachments than a task can have.

    Raises:
        InputError: If so.
    """
    if len(attachments) > MAX_ATTACHMENTS:
        raise InputError(f"there are {len(attachments)} attachments; a task has at most {MAX_ATTACHMENTS}.")


def check_attachment_names(names: Iterable[object]) -> None:
    """Refuse malformed names.

    Raises:
        InputError: If one is no name.
    """
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise InputError(
                f"{repr(name)[:80]} cannot name an attachment: use 1 to 32 of a-z, 0-9 and '-', a letter first."
            )


def checked_bytes(data: bytes, stored: StoredObject, source: str) -> bytes:
    """Return an attachment's bytes that came in a file, if they are those that its record names.

    Raises:
        CorruptFileError: If they are others, or no tensors.
    """
    if StoredObject(hashlib.sha256(data).hexdigest(), len(data)) != stored:
        raise CorruptFileError(f"{source} has other bytes than its digest says: it was changed.")
    tensors_from_bytes(data, source)
    return data
