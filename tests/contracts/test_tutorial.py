"""The tutorial's commands run as they stand, on less data, and print the lines that it shows, but for their numbers."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from piggygan.cli import main

TEXT = (Path(__file__).parents[2] / "docs/tutorial.md").read_text(encoding="utf-8")
SMALLER = {"64": "32", "16": "2", "20": "1", "40": "4", "60": "12", "10": "4", "8": "2"}


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)


def smaller(text: str) -> str:
    return re.sub(r"(?<![\w-])(\d+)(?![\w-])", lambda found: SMALLER.get(found[1], found[1]), text)


def shape(line: str) -> str:
    return re.sub(r"\d[\d,.]*", "#", " ".join(line.split()))


def test_its_commands_print_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    exec(compile(smaller(code), "docs/tutorial.md", "exec"), {})  # noqa: S102 - our own page
    shown = [part for block in blocks("console") for part in block.split("$ ")[1:]]
    assert len(shown) == 8
    for part in shown:
        command, *lines = part.splitlines()
        words = shlex.split(smaller(command))[1:]
        little = ["--commit-anyway"] if words[0] == "train" else []  # data so few are not learned in an epoch
        assert main([*words, *little]) == 0, command
        printed = {shape(line) for line in capsys.readouterr().out.splitlines()}
        assert [line for line in lines if shape(line) not in printed] == []
