"""What every subcommand is, and what several of them take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Protocol

import tyro

DONE, DAMAGED, REFUSED, INTERRUPTED, UNREAD = 0, 1, 2, 130, 141
"""Exit codes: 2 also for what could not be parsed; as shells have it 130 after Ctrl-C, and 141 where the reader of a
pipe has gone."""

RegistryFolder = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="REGISTRY")]
TaskFile = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE.safetensors")]
TaskName = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="TASK")]
AsJson = Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="Print one JSON object, for programs.")]


class Command(Protocol):
    """A subcommand: a dataclass whose fields are what can be given and whose docstring is its help."""

    def run(self) -> int:
        """Do it, print what came of it, and return the exit code."""


def say(text: str, fields: dict[str, Any], as_json: bool) -> None:
    """Print what came of a command, for a person or for a program."""
    print(json.dumps(fields, indent=2) if as_json else text)
