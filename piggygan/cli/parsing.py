"""From words to a command: which one is meant, and what is said where none is."""

from __future__ import annotations

import difflib
import io
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import TextIO

import tyro

from piggygan.cli.commands import (
    DONE,
    REFUSED,
    Command,
    Group,
    HasBriefHelp,
    ReadsDefaults,
    ReadsEnvironment,
    broken,
    imported,
    show,
    show_error,
)
from piggygan.cli.option_names import options_named
from piggygan.cli.refusing import refusal
from piggygan.terminal.escaping import escaped

HELP = ("-h", "--help")
HELP_ALL = "--help-all"
_BRIEFLY = " " * 18
"""Where the words on an option go on in a short help."""


def parse(words: Sequence[str], group: Group, name: str = "piggygan") -> Command:
    """Make the command that words ask for.

    Args:
        words: What follows ``name``.
        group: The subcommands that there are.
        name: What was read so far.

    Raises:
        SystemExit: If help was asked for (0), or the words are no command (2); what there is to say was printed.
    """
    if not words:
        _show_help(group, name, sys.stderr)
        raise SystemExit(REFUSED)
    first, *rest = words
    if first in HELP:
        _show_help(group, name, sys.stdout)
        raise SystemExit(DONE)
    chosen = group.commands.get(first.replace("_", "-"))
    if isinstance(chosen, Group):
        return parse(rest, chosen, f"{name} {first}")
    if chosen is not None:
        return _parse_fields(rest, imported(chosen), f"{name} {first.replace('_', '-')}")
    kind = "option" if first.startswith("-") else "command"
    said = f"{name} {first[:80]}".removeprefix("piggygan ")
    show_error(f"there is no {kind} {said!r}: {_guess(first, group)}see {name} --help.")
    raise SystemExit(REFUSED)


def _parse_fields(words: Sequence[str], command: type[Command], name: str) -> Command:
    if issubclass(command, HasBriefHelp):
        if set(words) & set(HELP):
            for line in _wrapped(command.brief_help(name), indent=_BRIEFLY):
                show(line)
            raise SystemExit(DONE)
        words = ["--help" if word == HELP_ALL else word for word in words]
    if issubclass(command, ReadsEnvironment):
        words = command.with_environment(words)
    printed = io.StringIO()
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            found = _made(words, command, name)
            return _made(words, command, name, found.defaults()) if isinstance(found, ReadsDefaults) else found
    except SystemExit as end:
        # Words are quoted in what is said, and they may be names of files that a shell's * has found.
        if not all(word.isprintable() for word in words):
            _parse_fields([escaped(word) for word in words], command, name)
        if end.code:
            show_error(refusal(printed.getvalue(), name))
        else:
            for line in _wrapped(printed.getvalue()):
                show(line)
        raise


def _made(words: Sequence[str], command: type[Command], name: str, default: Command | None = None) -> Command:
    with options_named(command):
        if default is None:
            return tyro.cli(command, prog=name, args=words)
        return tyro.cli(command, prog=name, args=words, default=default)


def _show_help(group: Group, name: str, file: TextIO) -> None:
    summaries = dict(_summaries(group))
    column = max(map(len, summaries)) + 2
    lines = [f"usage: {name} COMMAND ...", "", group.description, ""]
    lines += [f"  {command.ljust(column)}{summary}" for command, summary in summaries.items()]
    lines += ["", f"{name} COMMAND --help says what a command does and takes."]
    for line in _wrapped("\n".join(lines), indent=" " * (column + 2)):
        show(line, file)


def _summaries(group: Group) -> Iterator[tuple[str, str]]:
    for name, command in group.commands.items():
        if isinstance(command, Group):
            yield name, command.description
        else:
            yield name, (imported(command).__doc__ or "").partition("\n")[0]


def _wrapped(text: str, indent: str = "  ") -> Iterator[str]:
    """Break lines that are wider than the terminal; tyro breaks those in boxes only."""
    width = shutil.get_terminal_size().columns  # 80 where there is none: help is for people anywhere
    for line in text.splitlines():
        further = indent if line.startswith((" ", "usage")) else ""
        yield from broken(line.rstrip(), max(width, 20), further)


def _guess(word: str, group: Group) -> str:
    """Name the command that was probably meant, also one below another."""
    known = dict(_paths(group))
    close = difflib.get_close_matches(word.replace("_", "-").casefold(), known, n=1)
    return f"did you mean {known[close[0]]!r}? Or " if close else ""


def _paths(group: Group) -> Iterator[tuple[str, str]]:
    for name, command in group.commands.items():
        if isinstance(command, Group):
            yield from ((inner, f"{name} {path}") for inner, path in _paths(command))
        yield name, name
