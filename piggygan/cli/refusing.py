"""What is said of words that are no command: one line, made of the box of lines that tyro prints."""

from __future__ import annotations

import re
from collections.abc import Iterator

from piggygan.terminal.guessing import did_you_mean

_RULE = re.compile(r"\s*-{5,}\s*")
_CHOICE = re.compile(
    r"invalid choice '(?P<given>.*)' for argument '(?P<option>.+)'\. Expected one of \((?P<known>.+)\)"
)
_UNREADABLE = re.compile(r"Error parsing (?P<option>[^\s:]+): (?P<why>.+)")
_GIVEN = re.compile(r"from \['(?P<given>.*?)'\]|: '(?P<alone>.*)'$")
_NO_VALUE = re.compile(r"Missing value for argument '(?P<option>.+)'\.")
_OPTION = re.compile(r"--[a-z][a-z0-9-]*(?= |$)")


def refusal(printed: str, name: str) -> str:
    """Say in one line why words are no command.

    Args:
        printed: What tyro printed of them.
        name: The command's name, with ``piggygan``.

    Example:
        >>> import os
        >>> box = ["Value error", "-----", "Error parsing --seed: invalid literal for int() with base 10: 'x'"]
        >>> refusal(os.linesep.join(box), "piggygan train")
        "--seed is 'x'; give a whole number. See piggygan train --help."
    """
    parts = list(_parts(printed))
    first = _joined(parts[0]) if parts else ""
    if first.startswith("Unrecognized"):
        return f"{_unrecognized(first.partition(': ')[2].split(', '), parts[1:])} see {name} --help."
    if first.startswith("Missing from"):
        return f"missing {_missing(parts)} See {name} --help."
    if found := _CHOICE.search(first):
        known = sorted(set(re.findall(r"'([^']*)'", found["known"])) - {"None"})  # tyro's order is another every time
        guess = did_you_mean(found["given"], known)
        return f"{found['option']} is '{found['given']}'; {guess}{'Give' if guess else 'give'} {_either(known)}."
    if found := _UNREADABLE.search(first):
        return f"{_unreadable(found['option'], found['why'])} See {name} --help."
    if found := _NO_VALUE.search(first):
        return f"{found['option']} has no value behind it: give one. See {name} --help."
    return f"{first.rstrip('.')}. See {name} --help."


def _parts(printed: str) -> Iterator[list[str]]:
    """Yield the lines between a box's rules, without the title."""
    part: list[str] = []
    for line in [*printed.splitlines()[1:], "-" * 5]:
        if not _RULE.fullmatch(line):
            part.append(line.rstrip())
        else:
            if any(part):
                yield part
            part = []


def _joined(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def _unrecognized(words: list[str], parts: list[list[str]]) -> str:
    unknown = next((word for word in words if word.startswith("-")), None)
    if unknown is None:
        return f"nothing takes the word '{words[0]}'; a name with spaces stands in quotes:"
    near = [_joined(part) for part in parts]
    of_it = [part for part in near if part.startswith(("Perhaps you meant:", f"Arguments similar to {unknown}:"))]
    found = _OPTION.search(of_it[0].partition(":")[2]) if of_it else None
    return f"there is no option '{unknown}':" + (f" did you mean {found.group()!r}? Or" if found else "")


def _missing(parts: list[list[str]]) -> str:
    indents = [len(line) - len(line.lstrip()) for line in parts[0][1:]]
    names = [line.strip() for line, indent in zip(parts[0][1:], indents, strict=True) if indent == min(indents)]
    others = [_joined(part) for part in parts[1:]]
    unknown = next((part.partition(": ")[2] for part in others if part.startswith("Unrecognized options:")), "")
    first = next((word for word in unknown.split() if word.startswith("-")), None)
    also = f", and there is no option '{first}'" if first else ""
    return f"{' and '.join(names)}{also}."


def _unreadable(option: str, why: str) -> str:
    found = _GIVEN.search(why)
    if found is None:
        return f"{option}: {why.rstrip('.')}."
    given = found["given"] if found["given"] is not None else found["alone"]
    needed = "a whole number" if "int()" in why or "INT" in why else "a number"
    return f"{option} is '{given}'; give {needed}."


def _either(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
