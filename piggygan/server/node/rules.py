"""Rules: which task translates a film, by the AE title that was called and what the film says of itself."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from piggygan.errors import ConfigurationError
from piggygan.files.regular import shown
from piggygan.server.node.options import checked_title


@dataclass(frozen=True)
class Rule:
    """What is done with the films that it is for. What it does not name may be anything.

    Attributes:
        task: Translates them; None: they are accepted, and nothing is made of them.
        called: AE title that was called.
        modality: As the film says it, such as ``DX``.
        body_part: Likewise, such as ``CHEST``.
        largest: Keep so many parts of a mask.
        fill_holes: Fill holes in masks.
    """

    task: str | None
    called: str | None = None
    modality: str | None = None
    body_part: str | None = None
    largest: int | None = None
    fill_holes: bool = False

    def is_for(self, called: str, modality: str, body_part: str) -> bool:
        """Say whether it is for a film."""
        wanted = ((self.called, called), (self.modality, modality), (self.body_part, body_part))
        return all(own is None or own == given for own, given in wanted)


@dataclass(frozen=True)
class Rules:
    """Rules in order: the first that is for a film is taken.

    Example:
        >>> rules = Rules((Rule("hands", body_part="HAND"), Rule("lungs", called="LUNGS")))
        >>> found = rules.rule_for("LUNGS", "DX", "CHEST")
        >>> found and found.task, rules.rule_for("OTHER", "DX", "CHEST")
        ('lungs', None)
    """

    rules: tuple[Rule, ...]

    @classmethod
    def of_file(cls, path: Path) -> Rules:
        """Read a TOML file of tables ``[[rule]]``.

        Raises:
            ConfigurationError: If it cannot be read or says something that no rule can.
        """
        try:
            told = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigurationError(f"the rules in {shown(path)} cannot be read: {error}.") from error
        tables = told.pop("rule", None)
        if told or not isinstance(tables, list) or not tables:
            raise ConfigurationError(f"{shown(path)} holds no rules: needed are tables [[rule]], and nothing else.")
        return cls(tuple(_rule(table, f"{shown(path)}, rule {number}") for number, table in enumerate(tables, 1)))

    def rule_for(self, called: str, modality: str, body_part: str) -> Rule | None:
        """Find the rule of a film; None: there is none."""
        return next((rule for rule in self.rules if rule.is_for(called, modality, body_part)), None)

    def titles(self, own: str) -> frozenset[str]:
        """Name the AE titles that may be called.

        Args:
            own: The node's.
        """
        return frozenset({own} | {rule.called for rule in self.rules if rule.called is not None})

    def tasks(self) -> Iterable[Rule]:
        """Give the rules that translate."""
        return (rule for rule in self.rules if rule.task is not None)


_KINDS: dict[str, type] = {"fill_holes": bool, "largest": int}


def _rule(table: Any, where: str) -> Rule:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{where} is no table.")
    told = dict(table)
    ignore = told.pop("ignore", False)
    known = {one.name for one in fields(Rule)}
    for name, value in told.items():
        if name not in known:
            raise ConfigurationError(f"{where} has {name!r}; there are {', '.join(sorted(known | {'ignore'}))}.")
        if type(value) is not _KINDS.get(name, str):
            raise ConfigurationError(f"{where}: {name} is {value!r}; needed is {_KINDS.get(name, str).__name__}.")
    if not isinstance(ignore, bool) or ("task" in told) == ignore:
        raise ConfigurationError(f"{where} names a task, or says ignore = true, and not both.")
    if "called" in told:
        checked_title(told["called"])
    return Rule(**{"task": None, **told})
