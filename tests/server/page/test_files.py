"""The page's files: small, ours, and alike to the reports."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import piggygan.evaluation.report
from piggygan.jobs.evaluating.scoring import HEADLINES
from piggygan.server.pages import FOLDER, Pages

FILES = sorted(path for path in FOLDER.iterdir() if path.is_file())
REPORT = Path(piggygan.evaluation.report.__file__).with_name("page.css")
LARGEST = 100_000
"""Bytes of the whole page."""


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_the_whole_page_is_small_and_all_of_it_is_given_out() -> None:
    assert sum(path.stat().st_size for path in FILES) == Pages().size < LARGEST


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_short_and_names_nobody_else(path: Path) -> None:
    assert text(path).count("\n") < 300
    addresses = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", text(path))
    assert [address for address in addresses if address != "http://www.w3.org/2000/svg"] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_markup_is_made_of_text(path: Path) -> None:
    """What a file or a task is called stays text: nothing that would parse it is used."""
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|style=", text(path)
    )


def test_every_module_and_file_that_is_named_is_there() -> None:
    names = {path.name for path in FILES}
    named = {name for path in FILES for name in re.findall(r'(?:from "\./|import "\./|/page/)([\w.]+)"', text(path))}
    assert named <= names
    assert names - named == {"index.html"}


def test_the_parts_that_modules_ask_for_are_on_the_page() -> None:
    page = text(FOLDER / "index.html")
    asked = {
        name
        for path in FILES
        for name in re.findall(r'(?:getElementById|(?<![#.\w])part|formed)\("([\w-]+)"\)', text(path))
    }
    assert asked
    assert {name for name in asked if f'id="{name}"' not in page} == set()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_and_type_are_those_of_the_reports(scheme: str) -> None:
    ours, theirs = (properties(text(path), scheme) for path in (FOLDER / "ground.css", REPORT))
    assert len(theirs) >= 11
    assert {name: ours.get(name) for name in theirs} == theirs


def properties(css: str, scheme: str) -> dict[str, str]:
    blocks = re.findall(r":root \{(.*?)\}", css, flags=re.DOTALL)
    return dict(re.findall(r"(--[\w-]+): ([^;]+);", blocks[0 if scheme == "light" else 1]))


def test_the_score_in_large_letters_is_the_one_that_training_judges_by() -> None:
    (foremost,) = re.findall(r"const FOREMOST = \[(.*?)\]", text(FOLDER / "cards.js"))
    assert re.findall(r'"(\w+)"', foremost) == [name for name, _ in HEADLINES.values()]
    (lower,) = re.findall(r"const LOWER_IS_BETTER = /(.*?)/;", text(FOLDER / "cards.js"))
    for name, better in HEADLINES.values():
        assert bool(re.match(lower, name)) == (better == "lower")
