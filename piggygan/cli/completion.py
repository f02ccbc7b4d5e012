"""The subcommand that lets a shell complete the others' words."""

from __future__ import annotations

import dataclasses
import functools
import operator
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import tyro

from piggygan.cli.commands import DONE, Group, imported

TASKS_IN_BASH = r"""
# Names of tasks, read off the registry that the line names: after an option that takes one, or in its place.
_piggygan() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} folder=${COMP_WORDS[2]} file names=
  if [[ $before =~ ^--(task|start-from|draws-on|compare-task)$ || ( ${COMP_WORDS[1]} =~ ^(remove|export)$ && $COMP_CWORD == 3 ) ]]; then
    for file in "$folder/registry.json" "$folder/registry/registry.json"; do
      [[ -f $file ]] && names+=" $(sed -n 's/^ *"name": "\([a-z0-9_@-]*\)",\{0,1\}$/\1/p' "$file")"
    done
    COMPREPLY=($(compgen -W "$names" -- "$word"))
    [[ ${#COMPREPLY[@]} -gt 0 ]] && return
  fi
  _tyro_piggygan "$@"
}
complete -F _piggygan piggygan
"""  # noqa: E501  # a condition is one line
"""tyro knows what a program takes, and nothing of what there is."""

Shell = Annotated[Literal["bash", "zsh", "fish"], tyro.conf.Positional]


@dataclass(frozen=True)
class Completion:
    """Print what lets a shell complete commands, options and names of files; in bash also those of tasks.

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
        if self.shell == "bash":
            sys.stdout.write(TASKS_IN_BASH)
        return DONE


def _one_of(commands: Mapping[str, str | Group]) -> Any:
    """Make the one type of several subcommands that tyro knows."""
    kinds = (Annotated[_kind(command), tyro.conf.subcommand(name)] for name, command in commands.items())
    return Annotated[functools.reduce(operator.or_, kinds), tyro.conf.OmitSubcommandPrefixes]


def _kind(command: str | Group) -> Any:
    if not isinstance(command, Group):
        return imported(command)
    return dataclasses.make_dataclass("Inner", [("command", _one_of(command.commands))])
