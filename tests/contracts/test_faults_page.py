"""docs/faults.md and the codes in the tests' names are the same, both ways."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "faults.md"
CODE = re.compile(r"(?:to_)?([a-h]\d\d|1[67]_\d\d)_")
ROW = re.compile(r"^\| ([a-h]\d\d|1[67]_\d\d) \| ([^|]+) \| ([^|]*)\|$", re.MULTILINE)


def codes_of(name: str) -> list[str]:
    """Take the codes off the front of a test's name."""
    rest, codes = name.removeprefix("test_"), []
    while found := CODE.match(rest):
        codes.append(found[1])
        rest = rest[found.end() :]
    return codes


def files_by_code() -> dict[str, set[str]]:
    found = defaultdict(set)
    for path in TESTS.rglob("test_*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for code in codes_of(node.name) if isinstance(node, ast.FunctionDef) else ():
                found[code].add(f"`{path.relative_to(TESTS).as_posix()}`")
    return found


def test_a_name_may_have_several_codes() -> None:
    assert codes_of("test_b04_to_b14_contradictions") == ["b04", "b14"]
    assert codes_of("test_17_03_films") == ["17_03"]
    assert codes_of("test_l1_is_a_distance") == codes_of("test_17_so_it_is") == []


def test_every_code_is_on_the_page_with_its_tests_and_no_other(request: pytest.FixtureRequest) -> None:
    found, page = files_by_code(), PAGE.read_text(encoding="utf-8")
    rows = ROW.findall(page)
    assert [code for code, *_ in rows] == list(dict.fromkeys(code for code, *_ in rows))
    assert {code for code, *_ in rows} == set(found)

    def told(row: re.Match[str]) -> str:
        return f"| {row[1]} | {row[2]} | {', '.join(sorted(found[row[1]]))} |"

    expected = ROW.sub(told, page)
    if request.config.getoption("--regenerate"):
        PAGE.write_text(expected, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == expected, "tests moved: run once with --regenerate"
    assert all(text.strip() for _, text, _ in rows)
