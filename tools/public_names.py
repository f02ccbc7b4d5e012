"""Writes ``docs/api.md``: every public name with one line, which is the first of its docstring.

python -m tools.public_names
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "api.md"
HEAD = """# What is public

After this page you know which names you can build on. `python -m tools.public_names` writes it from the docstrings.

Until version 1.0 a public name changes only with an entry in the [changelog](../CHANGELOG.md), from then on only with a
new major version. Every other name may change or go without a word, wherever it can be imported from. `help(name)` says
what a name takes, in which shapes and units, and shows an example that runs.
"""
ERRORS = "piggygan.errors"


def rooms() -> list[str]:
    """Return the modules whose ``__all__`` says what is public, and the errors, in the order of their names."""
    inits = sorted((ROOT / "piggygan").rglob("__init__.py"))
    gathering = [path.parent for path in inits if "__all__ = [" in path.read_text(encoding="utf-8")]
    return [*(".".join(folder.relative_to(ROOT).parts) for folder in gathering), ERRORS]


def public_names(room: str) -> list[str]:
    """Return what a room offers; every class of the errors is public."""
    module = importlib.import_module(room)
    if room == ERRORS:
        return sorted(name for name, kind in vars(module).items() if isinstance(kind, type))
    return list(module.__all__)


def first_line(room: str, name: str) -> str:
    """Return the first line of a name's docstring; empty: it has none."""
    found = getattr(importlib.import_module(room), name)
    if inspect.isclass(found) or inspect.isfunction(found):
        return (inspect.getdoc(found) or "").split("\n")[0]
    return _said_of_value(importlib.import_module(room), name).split("\n")[0]


def _said_of_value(module: ModuleType, name: str) -> str:
    """Find the string below the assignment of a value, in the module where it is made."""
    tree = ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))
    for node, after in zip(tree.body, [*tree.body[1:], ast.Pass()], strict=True):
        if name in _assigned(node) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            return inspect.cleandoc(str(after.value.value))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and name in {alias.name for alias in node.names}:
            return _said_of_value(importlib.import_module(node.module), name)
    return ""


def _assigned(node: ast.stmt) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return (target.id for target in targets if isinstance(target, ast.Name))


def page() -> str:
    """Return the whole page."""
    sections = []
    for room in rooms():
        about = (importlib.import_module(room).__doc__ or "").split("\n")[0]
        rows = [f"| `{name}` | {_cell(first_line(room, name))} |" for name in public_names(room)]
        sections.append("\n".join([f"## {room}", "", about, "", "| name | what it is |", "|---|---|", *rows, ""]))
    return "\n".join([HEAD, *sections])


def _cell(line: str) -> str:
    return re.sub(r":\w+:(?=`)", "", line).replace("``", "`").replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
