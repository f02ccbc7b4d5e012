"""JSON into dataclasses, strictly: what a dataclass does not say is refused, and nothing is converted or guessed.

Everything that can be wrong with a text raises ValueError, whatever Python itself would have raised.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import re
import types
import typing
from collections.abc import Callable
from typing import Any, TypeVar

from piggygan.errors import PiggyganError

T = TypeVar("T")
_kinds: Callable[[Any], dict[str, Any]] = functools.cache(typing.get_type_hints)
"""Kinds of a dataclass's fields; a long manifest asks it of the same few dataclasses thousands of times."""
_needed_fields: Callable[[Any], list[str]] = functools.cache(
    lambda kind: [
        field.name
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_NAMES = {str: "a text", bool: "true or false", int: "a whole number", float: "a finite number", type(None): "null"}


def parse_json(data: bytes) -> Any:
    """Parse JSON, without the liberties that Python's reader takes.

    Raises:
        ValueError: If it is not UTF-8 or not JSON, names something twice, is nested too deeply, or has a NaN, an
            infinity, a number of thousands of digits, or half of a surrogate pair, which no text can be written with.
    """
    text = data.decode("utf-8")
    try:
        parsed = json.loads(text, object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant)
        if _SURROGATE.search(text):
            json.dumps(parsed, ensure_ascii=False).encode("utf-8")  # a UnicodeEncodeError is a ValueError
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return parsed


def decode(kind: type[T], value: Any, where: str) -> T:
    """Make a dataclass of what :func:`parse_json` gave.

    Fields may be dataclasses, str, bool, int, float, None, unions of these, ``tuple[X, ...]`` and ``dict[str, X]``. One
    with a default may be missing: older files do not have it.

    Args:
        kind: The dataclass.
        value: The parsed JSON.
        where: What ``value`` is, for messages.

    Raises:
        ValueError: If a field is unknown or of another type, one without a default is missing, or the dataclass itself
            refuses a value.

    Example:
        >>> @dataclasses.dataclass
        ... class Size:
        ...     width: int
        >>> decode(Size, {"width": 3}, "size")
        Size(width=3)
        >>> decode(Size, {"width": "3"}, "size")
        Traceback (most recent call last):
        ValueError: size.width is '3', needed is a whole number
    """
    if not isinstance(value, dict):
        raise ValueError(f"{where} is {_shown(value)}, needed is an object")
    kinds = _kinds(kind)
    wrong = [f"{name} is missing" for name in _needed_fields(kind) if name not in value]
    wrong += [f"{name[:80]!r} is not known" for name in value if name not in kinds]
    if wrong:
        raise ValueError(f"in {where}, {', '.join(wrong[:10])}")
    fields = {name: _decode(kinds[name], field, f"{where}.{name}") for name, field in value.items()}
    try:
        return kind(**fields)
    except (ValueError, PiggyganError) as error:
        raise ValueError(f"in {where}, {error}") from error


def _decode(kind: Any, value: Any, where: str) -> Any:
    """Check a value of any of the kinds that :func:`decode` knows."""
    if dataclasses.is_dataclass(kind):
        return decode(kind, value, where)  # type: ignore[arg-type]  # a class: the fields' types are no instances
    container, arguments = typing.get_origin(kind), typing.get_args(kind)
    if container is types.UnionType:
        return _decode_union(arguments, value, where)
    if container is tuple and isinstance(value, list):
        return tuple(_decode(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if container is dict and isinstance(value, dict):
        return {name: _decode(arguments[1], item, f"{where}.{name[:80]}") for name, item in value.items()}
    if type(value) is kind:
        return value
    # Somebody may have written 1 for 1.0; up to 2**53 that is the same number.
    if kind is float and type(value) is int and abs(value) <= 2**53:
        return float(value)
    raise ValueError(f"{where} is {_shown(value)}, needed is {_needed(kind)}")


def _decode_union(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    if type(value) in kinds:
        return value
    others = [kind for kind in kinds if kind is not type(None)]
    if len(others) == 1:
        return _decode(others[0], value, where)
    raise ValueError(f"{where} is {_shown(value)}, needed is {' or '.join(map(_needed, kinds))}")


def _needed(kind: Any) -> str:
    if kind in _NAMES:
        return _NAMES[kind]
    return "a list" if typing.get_origin(kind) is tuple else "an object"


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    shown = repr(value) if not isinstance(value, int) or abs(value) < 10**20 else "a huge number"
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name[:80]!r} is there twice")
        found[name] = value
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:80]} is too large a number")
    return number


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
