"""A shell completes commands, those below others, and options."""

import shutil
import subprocess

import pytest

from piggygan.cli import COMMANDS, main

COMPLETE = """
source /dev/stdin <<< "$1"; COMP_LINE=$2; read -ra COMP_WORDS <<< "$2"
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_POINT=${#COMP_LINE}; _tyro_piggygan; echo "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("begun", "completed"),
    [
        ("piggygan tr", "train"),
        ("piggygan train --ep", "--epochs"),
        ("piggygan train --init n", "normal"),
        ("piggygan data c", "check"),
    ],
)
def test_bash_completes_what_was_begun(begun: str, completed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    found = subprocess.run(
        ["bash", "-c", COMPLETE, "bash", script, begun],  # noqa: S607  # whichever bash there is
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == [completed]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_is_in_the_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(name in script for name in COMMANDS)
