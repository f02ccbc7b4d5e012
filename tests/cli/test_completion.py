"""A shell completes commands, those below others, and options."""

import shutil
import subprocess
from pathlib import Path

import pytest

import piggygan as pg
from piggygan.cli import COMMANDS, main

COMPLETE = r"""
source /dev/stdin <<< "$1"; COMP_LINE=$2; read -ra COMP_WORDS <<< "$2"
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_POINT=${#COMP_LINE}
$(complete -p piggygan | sed "s/.*-F \([^ ]*\) .*/\1/"); echo "${COMPREPLY[@]}"
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


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("begun", "completed"),
    [
        ("piggygan predict {run} films --task lu", ["lungs"]),
        ("piggygan train {run}/registry --task doors --start-from fa", ["facades"]),
        ("piggygan evaluate {run} --task lungs --compare-task l", ["lungs"]),
        ("piggygan remove {run} l", ["lungs"]),
        ("piggygan train {run} --task doo", []),  # a new one
    ],
)
def test_bash_completes_the_names_of_tasks(
    begun: str, completed: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=2, width=2), "facades")
    model.freeze_task("facades")
    registry = pg.TaskRegistry(tmp_path / "exp/registry")
    registry.commit(model, "facades")
    model.add_task("lungs")
    model.freeze_task("lungs")
    registry.commit(model, "lungs")
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    found = subprocess.run(
        ["bash", "-c", COMPLETE, "bash", script, begun.format(run=tmp_path / "exp")],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == completed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_is_in_the_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(name in script for name in COMMANDS)
