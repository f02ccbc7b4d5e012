"""The manifest's file as a whole: its version and its checksum, whatever it holds."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from piggygan.errors import CorruptFileError
from piggygan.files.strict_json import parse_json
from piggygan.registry.formats import check_version

FILE_NAME = "registry.json"
MAX_MANIFEST_SIZE = 2**24
SCHEMA_VERSION = 2
"""The newest version that is read and written. What version 1 can say is written in it."""

_CHECKSUM = re.compile(rb'"checksum":"[0-9a-f]{64}",')


@contextmanager
def damage_named() -> Iterator[None]:
    """Call a manifest damaged where a block finds that something in it is wrong."""
    try:
        yield
    except (ValueError, RecursionError) as error:  # the checksum of deeply nested JSON may be too deep as well
        raise CorruptFileError(
            f"{FILE_NAME} is damaged: {error}. Put back the one of a copy of this registry; the tasks themselves "
            f"are in files of their own."
        ) from error


def sealed_fields(data: bytes, parse: Callable[[bytes], Any] = parse_json) -> dict[str, Any]:
    """Parse a manifest whose checksum is right, and return what it is of.

    Args:
        data: The file.
        parse: Reads JSON.

    Raises:
        FormatVersionError: If a newer piggygan wrote it.
        ValueError: If it is no JSON, or not what was written.
    """
    if len(data) > MAX_MANIFEST_SIZE:
        raise ValueError(f"it has {len(data)} bytes; the most is {MAX_MANIFEST_SIZE}")
    parsed = parse(data)
    check_version(parsed, "schema_version", SCHEMA_VERSION, FILE_NAME)
    said = parsed.pop("checksum", None)
    # What is written without spaces has the very bytes that the checksum is of, but for the checksum itself.
    if said is None or (said != _checksum_of_rest(data) and said != checksum(parsed)):
        raise ValueError("its checksum is not that of its content: it was damaged, or edited by hand")
    return dict(parsed)


def checksum(fields: dict[str, Any]) -> str:
    """Return the SHA-256 of fields, written without spaces and with sorted names."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _checksum_of_rest(data: bytes) -> str | None:
    found = _CHECKSUM.search(data, 0, 1000)
    if found is None:
        return None
    rest, whole = hashlib.sha256(), memoryview(data)
    rest.update(whole[: found.start()])
    rest.update(whole[found.end() : len(data) - data.endswith(b"\n")])
    return rest.hexdigest()
