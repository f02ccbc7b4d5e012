"""Which version of a format can say something: the lowest that has every field that says more than its default.

A field that came with a later version has a default, and what has the default is not written. So whatever needs nothing
new is written as it ever was, and older programs read it on.
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Iterable
from typing import Any

from piggygan.errors import FormatVersionError

_SINCE = "since"


def since(version: int) -> dict[str, int]:
    """Return the metadata of a dataclass's field that came with a version of the format; it has a default."""
    return {_SINCE: version}


def written(value: Any) -> Any:
    """Return what is written of a value as JSON: every field but the later ones that have their defaults.

    Example:
        >>> @dataclasses.dataclass
        ... class Size:
        ...     width: int
        ...     unit: str = dataclasses.field(default="pixel", metadata=since(2))
        >>> written([Size(3), Size(3, "mm")])
        [{'width': 3}, {'width': 3, 'unit': 'mm'}]
    """
    if dataclasses.is_dataclass(value):
        return {name: written(held) for name, held in _said(value)}
    if isinstance(value, dict):
        return {name: written(held) for name, held in value.items()}
    return [written(held) for held in value] if isinstance(value, (list, tuple)) else value


def version_needed(value: Any) -> int:
    """Return the lowest version that can say a value.

    Example:
        >>> @dataclasses.dataclass
        ... class Size:
        ...     width: int
        ...     unit: str = dataclasses.field(default="pixel", metadata=since(2))
        >>> version_needed(Size(3)), version_needed({"film": (Size(3), Size(3, "mm"))})
        (1, 2)
    """
    if isinstance(value, (dict, list, tuple)):
        return max(map(version_needed, value.values() if isinstance(value, dict) else value), default=1)
    later, deeper = _newer(value.__class__)
    said = [version for name, version, default in later if getattr(value, name) != default]
    return max([*said, *(version_needed(getattr(value, name)) for name in deeper)], default=1)


def _said(value: Any) -> Iterable[tuple[str, Any]]:
    """Yield each field that is written, and what it holds."""
    for name, version, default in _fields(value.__class__):
        held = getattr(value, name)
        if version == 1 or held != default:
            yield name, held


@functools.cache
def _newer(kind: Any) -> tuple[tuple[tuple[str, int, Any], ...], tuple[str, ...]]:
    """Return the later fields of a kind, and those that can hold such: of thousands of others none is looked at."""
    if not dataclasses.is_dataclass(kind):
        return (), ()
    hints = typing.get_type_hints(kind).items()
    return tuple(one for one in _fields(typing.cast(Any, kind)) if one[1] > 1), tuple(
        name for name, hint in hints if _can_be_newer(hint)
    )


@functools.cache
def _can_be_newer(hint: Any) -> bool:
    return any(map(_can_be_newer, typing.get_args(hint))) or any(_newer(hint))


@functools.cache
def _fields(kind: type) -> tuple[tuple[str, int, Any], ...]:
    return tuple(
        (
            field.name,
            field.metadata.get(_SINCE, 1),
            field.default if field.default_factory is dataclasses.MISSING else field.default_factory(),
        )
        for field in dataclasses.fields(kind)
    )


def check_version(fields: Any, field: str, newest: int, holder: str) -> None:
    """Refuse what a newer version wrote, before anything else of it is read.

    Args:
        fields: What was read.
        field: Which of them says the version.
        newest: The newest that is known here.
        holder: What messages call the file.

    Raises:
        FormatVersionError: If it is newer.
        ValueError: If it says no version.
    """
    version = fields.get(field) if isinstance(fields, dict) else None
    if type(version) is not int or version < 1:
        raise ValueError(f"it has no {field}")
    if version > newest:
        raise FormatVersionError(
            f"{holder} has {field.replace('_', ' ')} {str(version)[:20]}, written by a newer piggygan; this one reads "
            f"{newest}: update piggygan."
        )
