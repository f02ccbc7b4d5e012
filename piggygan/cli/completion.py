"""The subcommand that lets a shell complete the others' words."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import tyro

from piggygan.cli.commands import DONE, Command, Group

Shell = Annotated[Literal["bash", "zsh", "fish"], tyro.conf.Positional]


@dataclass(frozen=True)
class Completion:
    """Print what lets a shell complete commands, options and names of files.

    bash: piggygan completion bash > ~/.local/share/bash-completion/completions/piggygan

    zsh: piggygan completion zsh > _piggygan in a folder of $fpath

    fish: piggygan completion fish > ~/.config/fish/completions/piggygan.fish
    """

    shell: Shell
    """Which shell."""

    def run(self) -> int:
        """Print it."""
        from piggygan.cli import COMMANDS  # which names this one too

        try:
            tyro.cli(_one_of(COMMANDS), prog="piggygan", args=["--tyro-print-completion", self.shell])
        except SystemExit as end:  # tyro prints, and ends
            if end.code:
                raise
        return DONE


def _one_of(commands: Mapping[str, type[Command] | Group]) -> Any:
    """Make the one type of several subcommands that tyro knows."""
    kinds = (Annotated[_kind(command), tyro.conf.subcommand(name)] for name, command in commands.items())
    return Annotated[functools.reduce(operator.or_, kinds), tyro.conf.OmitSubcommandPrefixes]


def _kind(command: type[Command] | Group) -> Any:
    if not isinstance(command, Group):
        return command
    return dataclasses.make_dataclass("Inner", [("command", _one_of(command.commands))])
