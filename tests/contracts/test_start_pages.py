"""What the first pages say can be done as it stands: code runs, and commands take the options that they are given."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import pytest

from piggygan import cli

ROOT = Path(__file__).parents[2]
NAMES = ("index", "start-hospital", "start-method", "how-to", "sharing", "training")
PAGES = [ROOT / "docs" / f"{name}.md" for name in NAMES]


def commands() -> dict[str, set[str]]:
    """The options that the pages give to each command."""
    found: dict[str, set[str]] = defaultdict(set)
    for page in PAGES:
        for block in re.findall(r"^```(?:sh|console)\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE):
            for line in re.findall(r"\bpiggygan ((?:data )?[a-z0-9-]+ .*)", block.replace("\\\n", " ")):
                words = shlex.split(line, comments=True)
                found[words[0]] |= {word for word in words if word.startswith("--")}
    return dict(found)


COMMANDS = commands()


def test_the_pages_have_commands() -> None:
    assert {"train", "predict", "evaluate", "pull", "remove", "import-pix2pix"} <= set(COMMANDS)


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"data"}))
def test_a_command_takes_the_options_that_the_first_pages_give_it(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    helped = [["train", "--help-all"]] if command in ("train", "sweep") else []  # a sweep takes what train takes
    for words in (*helped, [command, "--help"]):
        with suppress(SystemExit):
            cli.main(words)
    known = capsys.readouterr().out
    assert [option for option in sorted(COMMANDS[command]) if not re.search(rf"{option}(?![\w-])", known)] == []


def test_the_code_for_method_researchers_runs_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "start-method.md").read_text("utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE))
    names: dict[str, object] = {}
    exec(compile(code, "docs/start-method.md", "exec"), names)  # noqa: S102 (our own page)
    assert "second" in capsys.readouterr().out
    assert list(names["model"].tasks) == ["first", "second"]  # type: ignore[attr-defined]
