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
Place = tuple[Any, str | int]
"""Where a value stands: the place of what holds it, and its name or number there. Only a message puts it together."""
Reader = Callable[[Any, Place], Any]
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
    read: Callable[[Any, Place], T] = _reader(typing.cast(Any, kind))
    return read(value, (None, where))


@functools.cache
def _reader(kind: Any) -> Reader:
    """Return what checks a value of any of the kinds that :func:`decode` knows; made once for thousands of values."""
    if dataclasses.is_dataclass(kind):
        return _reader_of_dataclass(kind)
    container, arguments = typing.get_origin(kind), typing.get_args(kind)
    if container in (types.UnionType, typing.Union):  # one with a Literal in it is the latter
        return _reader_of_union(arguments)
    if container is typing.Literal:
        return _reader_of_words(kind, arguments)
    if container is tuple:
        return _reader_of_list(kind, _reader(arguments[0]))
    if container is dict:
        return _reader_of_names(kind, _reader(arguments[1]))

    def read(value: Any, place: Place) -> Any:
        if type(value) is kind:
            return value
        # Somebody may have written 1 for 1.0; up to 2**53 that is the same number.
        if kind is float and type(value) is int and abs(value) <= 2**53:
            return float(value)
        raise _refused(value, place, kind)

    return read


def _reader_of_dataclass(kind: Any) -> Reader:
    fields = dataclasses.fields(kind)
    absent = dataclasses.MISSING
    needed = {one.name for one in fields if one.default is absent and one.default_factory is absent}
    hints = typing.get_type_hints(kind)
    readers = {name: _reader(hint) for name, hint in hints.items()}
    plain = {name: hint for name, hint in hints.items() if hint in _NAMES}  # which most fields are

    def read(value: Any, place: Place) -> Any:
        if not isinstance(value, dict):
            raise ValueError(f"{_said(place)} is {_shown(value)}, needed is an object")
        if not needed <= value.keys() <= readers.keys():
            wrong = [f"{one.name} is missing" for one in fields if one.name in needed and one.name not in value]
            wrong += [f"{name[:80]!r} is not known" for name in value if name not in readers]
            raise ValueError(f"in {_said(place)}, {', '.join(wrong[:10])}")
        given = {
            name: held if type(held) is plain.get(name) else readers[name](held, (place, name))
            for name, held in value.items()
        }
        try:
            return kind(**given)
        except (ValueError, PiggyganError) as error:
            raise ValueError(f"in {_said(place)}, {error}") from error

    return read


def _reader_of_list(kind: Any, reader: Reader) -> Reader:
    def read(value: Any, place: Place) -> Any:
        if not isinstance(value, list):
            raise _refused(value, place, kind)
        return tuple([reader(item, (place, index)) for index, item in enumerate(value)])

    return read


def _reader_of_names(kind: Any, reader: Reader) -> Reader:
    def read(value: Any, place: Place) -> Any:
        if not isinstance(value, dict):
            raise _refused(value, place, kind)
        return {name: reader(item, (place, name)) for name, item in value.items()}

    return read


def _reader_of_words(kind: Any, words: tuple[Any, ...]) -> Reader:
    def read(value: Any, place: Place) -> Any:
        if not isinstance(value, str) or value not in words:
            raise _refused(value, place, kind)
        return value

    return read


def _reader_of_union(kinds: tuple[Any, ...]) -> Reader:
    others = [kind for kind in kinds if kind is not type(None)]
    only = _reader(others[0]) if len(others) == 1 else None

    def read(value: Any, place: Place) -> Any:
        if type(value) in kinds:
            return value
        if only is not None:
            return only(value, place)
        raise ValueError(f"{_said(place)} is {_shown(value)}, needed is {' or '.join(map(_needed, kinds))}")

    return read


def _refused(value: Any, place: Place, kind: Any) -> ValueError:
    return ValueError(f"{_said(place)} is {_shown(value)}, needed is {_needed(kind)}")


def _said(place: Place) -> str:
    """Put together where a value stands: ``the manifest.tasks[2].name``."""
    above, own = place
    if above is None:
        return str(own)
    return f"{_said(above)}[{own}]" if isinstance(own, int) else f"{_said(above)}.{own[:80]}"


def _needed(kind: Any) -> str:
    if kind in _NAMES:
        return _NAMES[kind]
    if typing.get_origin(kind) is typing.Literal:
        return "one of " + ", ".join(map(repr, typing.get_args(kind)))
    return "a list" if typing.get_origin(kind) is tuple else "an object"


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    shown = repr(value) if not isinstance(value, int) or abs(value) < 10**20 else "a huge number"
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise ValueError(f"{twice[:80]!r} is there twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:80]} is too large a number")
    return number


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
