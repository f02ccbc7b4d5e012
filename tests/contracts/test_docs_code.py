"""Code and commands in the docs are of this version: what is imported is there, and options are taken."""

import ast
import importlib
import re
import shlex
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("[CS]*.md"))]


def blocks(page: Path, kind: str) -> list[str]:
    """The blocks of code of a kind, indented ones too."""
    found = re.findall(
        rf"^( *)```{kind}\n(.*?)^ *```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


CODE = [(page.name, code) for page in PAGES for code in blocks(page, "python")]


def used_names(code: str) -> list[tuple[str, str]]:
    """The names that a block takes from piggygan: imported from its modules, or behind ``pg.``."""
    nodes = list(ast.walk(ast.parse(code)))
    imported = [
        (node.module, alias.name)
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("piggygan")
        for alias in node.names
    ]
    behind = [
        ("piggygan", node.attr)
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pg"
    ]
    return imported + behind


@pytest.mark.parametrize(("page", "code"), CODE, ids=[f"{page}-{number}" for number, (page, _) in enumerate(CODE)])
def test_what_the_docs_import_is_there(page: str, code: str) -> None:
    for module, name in used_names(code):
        assert hasattr(importlib.import_module(module), name), f"{page}: {module} has no {name}"


def commands() -> dict[str, set[str]]:
    """The options that the docs give to each script."""
    found: dict[str, set[str]] = defaultdict(set)
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for script, module, rest in re.findall(r"python (?:(examples/\w+\.py)|-m (benchmarks[\w.]+))([^`\n|]*)", text):
            options = {word for word in shlex.split(rest.split("#")[0]) if word.startswith("--")}
            found[script or f"{module.replace('.', '/')}.py"] |= options
    del found["benchmarks/speed/NAME.py"]  # any of them
    return dict(found)


COMMANDS = commands()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_of_ours_that_a_page_names_is_there(page: Path) -> None:
    named = re.findall(
        r"`((?:benchmarks|docs|examples|piggygan|tests|tools)/[\w./-]+)`", page.read_text(encoding="utf-8")
    )
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_script_of_the_docs_is_there() -> None:
    assert len(COMMANDS) > 10
    assert all((ROOT / script).is_file() for script in COMMANDS)


@pytest.mark.slow
@pytest.mark.parametrize("script", sorted(COMMANDS))
def test_a_script_takes_the_options_that_the_docs_give_it(script: str) -> None:
    by_name = ["-m", script.removesuffix(".py").replace("/", ".")] if script.startswith("benchmarks") else [script]
    command = [sys.executable, *by_name, "--help"]
    known = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    absent = [option for option in COMMANDS[script] if not re.search(rf"{option}(?![\w-])", known)]
    assert not absent
