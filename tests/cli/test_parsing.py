"""From words to a command: help, versions, suggestions, and what is said of words that are no command."""

from __future__ import annotations

import platform
import re

import pytest
import torch

from piggygan.cli import COMMANDS, main
from piggygan.cli.commands import Group
from piggygan.errors import PiggyganError
from piggygan.terminal.about import __version__


def ended(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(words)
    printed = capsys.readouterr()
    return caught.value.code, printed.out, printed.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["taks", "clinic"], "there is no command 'taks': did you mean 'tasks'? Or see piggygan --help."),
        (["import-pix2pics", "a", "b"], "no command 'import-pix2pics': did you mean 'import-pix2pix'?"),
        (["Verify", "clinic"], "did you mean 'verify'?"),
        (["check", "films"], "there is no command 'check': did you mean 'data check'?"),
        (["data", "chek", "films"], "no command 'data chek': did you mean 'check'? Or see piggygan data --help."),
        (["quux"], "there is no command 'quux': see piggygan --help."),
        (["--json", "tasks"], "there is no option '--json': see piggygan --help."),
        (["\x1b[2J\u202e\n"], r"there is no command '\x1b[2J\u202e\n'"),
    ],
)
def test_an_unknown_command_is_one_line_that_names_the_nearest(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = ended(capsys, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.startswith("piggygan: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_the_version_is_said_with_those_it_rests_on(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word]) == 0
    expected = f"piggygan {__version__} (torch {torch.__version__}, Python {platform.python_version()})\n"
    assert capsys.readouterr().out == expected


def test_help_lists_every_command_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ended(capsys, "--help")
    assert (code, err) == (0, "")
    assert re.findall(r"^  (\S+) ", out, re.MULTILINE) == list(COMMANDS)
    assert ended(capsys) == (2, "", out)  # no words at all


def test_help_of_a_group_lists_what_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    group = COMMANDS["data"]
    assert isinstance(group, Group)
    code, out, _ = ended(capsys, "data", "-h")
    assert code == 0
    assert re.findall(r"^  (\S+) ", out, re.MULTILINE) == list(group.commands)


def test_a_wrong_option_is_compared_with_those_of_its_command_alone(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ended(capsys, "verify", "clinic", "--jsn")
    assert code == 2
    assert "--json" in err
    assert "piggygan export" not in err
    assert len(err.splitlines()) < 12


def test_what_a_shell_found_is_quoted_without_obeying_it(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ended(capsys, "verify", "clinic", "\x1b[2J\u202e.png")
    assert code == 2
    assert "\\x1b[2J\\u202e.png" in err
    assert "\x1b" not in err


@pytest.mark.parametrize("width", [60, 80])
def test_help_keeps_to_the_terminals_width(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for words in (["--help"], ["data", "--help"], ["predict", "--help"], ["import-pix2pix", "--help"]):
        _, out, _ = ended(capsys, *words)
        assert max(map(len, out.splitlines())) <= width


def test_a_command_may_be_written_with_underscores(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(capsys, "import_pix2pix", "--help") == ended(capsys, "import-pix2pix", "--help")


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "piggygan: interrupted\n"),
        (
            PermissionError(13, "Permission denied", "x\n"),
            2,
            "piggygan: the system refused: [Errno 13] Permission ",
        ),
        (MemoryError(), 2, "piggygan: there is too little memory for this.\n"),
        (PiggyganError("two\nlines"), 2, "piggygan: two lines\n"),
    ],
)
def test_whatever_ends_a_command_is_one_line(
    raised: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_: object) -> int:
        raise raised

    monkeypatch.setattr("piggygan.cli.registry.Tasks.run", run)
    assert main(["tasks", "clinic"]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(said)
    assert printed.err.count("\n") == 1
