"""What every subcommand is, what several of them take, and the one place where the command line prints."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol, TextIO, runtime_checkable

import tyro

from piggygan.terminal.escaping import escaped
from piggygan.terminal.launched import is_first_to_speak, launched_number

DONE, DAMAGED, REFUSED, NOT_LEARNED, INTERRUPTED, UNREAD = 0, 1, 2, 3, 130, 141
"""Exit codes: 2 also for what could not be parsed; 3 if a task was trained and is not learned; as shells have it 130
after Ctrl-C, and 141 where the reader of a pipe has gone."""

RegistryFolder = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="REGISTRY")]
TaskFile = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE.safetensors")]
TaskName = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="TASK")]
AsJson = Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="Print one JSON object, for programs.")]


class Command(Protocol):
    """A subcommand: a dataclass whose fields are what can be given and whose docstring is its help."""

    def run(self) -> int:
        """Do it, print what came of it, and return the exit code."""


@runtime_checkable
class ReadsDefaults(Protocol):
    """A subcommand whose words may name a file that says what the other words are by default."""

    def defaults(self) -> Command:
        """Return what the words are to be read over, once they were read without it."""


@runtime_checkable
class HasBriefHelp(Protocol):
    """A subcommand of so many options that its help is for those which people use; ``--help-all`` has all."""

    @classmethod
    def brief_help(cls, name: str) -> str:
        """Write the help that fits a screen, for a command of this name."""


@runtime_checkable
class ReadsEnvironment(Protocol):
    """A subcommand that a platform starts, which says by variables of the environment what people say by words."""

    @classmethod
    def with_environment(cls, words: Sequence[str]) -> Sequence[str]:
        """Add the words that variables stand for, if that is asked for."""


@dataclass(frozen=True)
class Group:
    """Subcommands under one name, such as those of ``piggygan data``.

    Attributes:
        description: What they have in common, one sentence.
        commands: Each by its name: a group, or where its class is: ``"train:Train"`` is that of ``piggygan.cli.train``.
    """

    description: str
    commands: Mapping[str, str | Group]


def imported(place: str) -> type[Command]:
    """Import a subcommand, and what it needs.

    Args:
        place: As of :attr:`Group.commands`.

    Example:
        >>> imported("completion:Completion").__name__
        'Completion'
    """
    module, _, kind = place.partition(":")
    command: type[Command] = getattr(importlib.import_module(f"piggygan.cli.{module}"), kind)
    return command


def show(line: str, file: TextIO | None = None) -> None:
    """Print one line. Whatever is in it, the terminal obeys none of it, and nothing in it begins another line.

    On a terminal a long line is broken between words and goes on indented, so that no name that is long enough can pose
    as a line of its own; in a file or a pipe it is one line. All that the command line prints for people goes through
    here; a lint rule keeps ``print`` out of its other files.
    """
    file = file or sys.stdout
    for part in broken(escaped(line), terminal_width(file)):
        print(part, file=file)


def show_error(message: str) -> None:
    """Print why nothing, or not all, was done: one line on the error channel, which one of several processes says."""
    if is_first_to_speak():
        show(_in_one_line(message), sys.stderr)


def show_warning(message: str) -> None:
    """Print a remark on what is done: one line on the error channel, of the main process."""
    if launched_number() == 0:
        show(_in_one_line(message), sys.stderr)


def _in_one_line(message: str) -> str:
    return f"piggygan: {' '.join(message.split())}"


def show_result(lines: Iterable[str], fields: dict[str, Any], as_json: bool) -> None:
    """Print what came of a command: lines for a person, or JSON, which is ASCII, for a program."""
    if as_json:
        print(json.dumps(fields, indent=2))
        return
    for line in lines:
        show(line)


def broken(line: str, width: int | None, further: str = "    ") -> list[str]:
    """Break a line at a width, between words where it can be; what goes on begins with ``further``."""
    if width is None or len(line) <= width:
        return [line]
    return textwrap.wrap(line, width, subsequent_indent=further, break_on_hyphens=False, break_long_words=False)


def terminal_width(file: TextIO) -> int | None:
    """Say how many letters a line of a terminal has; None for a file or a pipe."""
    return max(shutil.get_terminal_size().columns, 20) if file.isatty() else None
