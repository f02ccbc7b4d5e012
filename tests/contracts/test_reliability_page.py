"""What docs/reliability.md says was tested: each test that it names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Attacks\n")[2].partition("\n## ")[0]
ATTACKS = re.findall(r"^\| ?(\d*) \| [^|]+ \| [^|]+ \| (`.*) \|$", SECTION, re.MULTILINE)
ROWS = [line for line in SECTION.splitlines() if line.startswith("|")]
NAMED = sorted(set(re.findall(r"`((?:[\w/]+\.py::)?test_\w+?)_?(?:\.\.\.)?`", PAGE)))
FILES = sorted(set(re.findall(r"`(?:tests/)?((?:[\w/]+/)?test_\w+\.py)`", PAGE)))


@cache
def names_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_the_page_names_is_there(named: str) -> None:
    """A name without a file may be the begin of one: the page shortens them."""
    file, _, test = named.rpartition("::")
    if file:
        assert test in names_in(TESTS / file)
    else:
        assert any(name.startswith(test) for path in TESTS.rglob("test_*.py") for name in names_in(path))


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_the_page_names_is_there(file: str) -> None:
    assert list(TESTS.rglob(file))


def test_each_of_the_16_attacks_names_its_test() -> None:
    assert [int(number) for number, _ in ATTACKS if number] == [*range(1, 17)]
    assert len(ATTACKS) == len(ROWS) - 2  # its head
    assert all(re.fullmatch(r"`[\w/]+\.py::test_\w+`", test) for _, test in ATTACKS)
