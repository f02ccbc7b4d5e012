"""Messages that name an argument of Python, in the words of the command line."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import tyro

from piggygan.errors import PiggyganError

_QUOTED = re.compile(r"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")")
"""What messages quote is a name or a path of the user's, and no argument."""


@contextmanager
def options_named(command: type) -> Iterator[None]:
    """Let what is refused inside name the options of a command where it names arguments.

    Args:
        command: The dataclass of a subcommand.
    """
    try:
        yield
    except PiggyganError as error:
        if error.args and isinstance(error.args[0], str):
            error.args = (as_options(error.args[0], command), *error.args[1:])
        raise


def as_options(message: str, command: type) -> str:
    """Name a command's options in a message that names arguments.

    Arguments are recognized as ``name=value``, by an underscore, where a sentence says what one is, and where one is to
    be left out; never between quotes.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Predict:
        ...     batch_size: int = 8
        ...     dicom_seg: bool = True
        >>> as_options("batch_size is 0; predict without dicom_seg (dicom_seg=False).", Predict)
        '--batch-size is 0; predict without --dicom-seg (--no-dicom-seg).'
    """
    kinds = dict(_options(command))
    if not kinds:
        return message
    name = f"(?P<name>{'|'.join(sorted(kinds, key=len, reverse=True))})"
    bare = "|".join(option for option in kinds if "_" in option) or "(?!)"
    before = r"(?<![\w.\-/=])"
    patterns = (
        rf"{before}{name}=(?P<value>[\w.\-/]*\w)?",
        rf"(?P<bare>{before}(?:{bare})\b(?![.(]\w))",
        rf"(?:(?<=\A)|(?<=; )|(?<=\())(?P<said>{'|'.join(kinds)})(?= (?:is|was) (?:(?![a-z])|not given|\S+, is))",
        rf"(?<=leave )(?P<left>{'|'.join(kinds)})(?= out)",
    )
    argument = re.compile("|".join(patterns))

    def named(found: re.Match[str]) -> str:
        alone = found["bare"] or found["said"] or found["left"]
        if alone:
            return _flag(alone)
        option, value = found["name"], found["value"]
        if kinds[option] is bool and value in ("True", "False"):
            return _flag(option) if value == "True" else _flag(f"no_{option}")
        return f"{_flag(option)} {value}" if value else _flag(option)

    parts = _QUOTED.split(message)
    return "".join(part if place % 2 else argument.sub(named, part) for place, part in enumerate(parts))


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"


def _options(command: type) -> Iterator[tuple[str, Any]]:
    """Yield the options of a command and of the dataclasses in it, each with its type."""
    kinds = typing.get_type_hints(command, include_extras=True)
    for field in dataclasses.fields(command):
        kind, marks = kinds[field.name], ()
        while typing.get_origin(kind) is Annotated:
            kind, *more = typing.get_args(kind)
            marks = (*marks, *more)
        if tyro.conf.Positional in marks:
            continue
        if dataclasses.is_dataclass(kind):
            yield from _options(typing.cast(type, kind))
        else:
            yield field.name, kind
