"""Writes the second half of ``docs/troubleshooting.md``: the text of every error, as the sources make it.

python -m tools.error_texts
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice, product
from pathlib import Path

from piggygan import errors

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "troubleshooting.md"
ADVICE: dict[str, dict[str, str]] = tomllib.loads((ROOT / "tools" / "error_advice.toml").read_text("utf-8"))
"""What to do, by class: of ``ours`` in ``piggygan.errors``, and of ``others``."""
MARK = "## Every error's text\n"
"""What follows it in the page is written here; what stands before it, by hand."""
HEAD = """`python -m tools.error_texts` writes what follows from the sources. One line is one error; what stands in
capitals is a name, a number or a path of yours.
"""
MESSAGE_AT = {"Refusal": 2}
"""Which argument of an error is its text, if not the first."""
MOST = 8
"""Texts of one place that are listed."""

Scope = Mapping[str, list[ast.expr]]
"""What each name is given in a function and its module, or what each function returns."""


def sources() -> dict[str, ast.Module]:
    """Return what the package's modules say, by their names."""
    paths = sorted((ROOT / "piggygan").rglob("*.py"))
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text("utf-8")) for path in paths
    }


def texts(trees: Mapping[str, ast.Module], wanted: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield the class and the text of each error that is made anywhere.

    Args:
        trees: Modules by name.
        wanted: The classes.
    """
    returned: dict[str, list[ast.expr]] = defaultdict(list)
    for tree in trees.values():
        for made in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            returned[made.name] += [
                node.value for node in ast.walk(made) if isinstance(node, ast.Return) and node.value is not None
            ]
    for tree in trees.values():
        constants = _assigned(tree.body)
        for call, function in _calls(tree, None):
            name = _last_name(call.func)
            at = MESSAGE_AT.get(name, 0)
            if name not in wanted or len(call.args) <= at:
                continue
            known = {**returned, **constants, **(_assigned(list(ast.walk(function))) if function else {})}
            for text in said(call.args[at], known):
                if re.search(r"[a-z]{2}", text):  # else it has nothing of its own to be found by
                    yield name, " ".join(text.split())


def said(node: ast.expr, known: Scope) -> list[str]:
    """List what an expression may say; a name or a function of ours is followed once.

    Args:
        node: Makes a text.
        known: What names are given and functions return.
    """
    if isinstance(node, ast.Name | ast.Call):
        name = _last_name(node if isinstance(node, ast.Name) else node.func)
        told = [text for value in known.get(name, []) for text in said(value, {})]
        return told[:MOST] or [placeholder(node)]
    if isinstance(node, ast.JoinedStr):
        return _joined([said(part, known) for part in node.values])
    if isinstance(node, ast.FormattedValue):
        told = said(node.value, {}) if isinstance(node.value, ast.IfExp) else [placeholder(node.value)]
        return [text.join("''") if node.conversion == ord("r") else text for text in told]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _joined([said(node.left, known), said(node.right, known)])
    if isinstance(node, ast.IfExp):
        return said(node.body, known) + said(node.orelse, known)
    return [str(node.value)] if isinstance(node, ast.Constant) else [placeholder(node)]


def placeholder(node: ast.expr) -> str:
    """Say in capitals what stands at a place of a text: ``{self.task!r}`` is TASK, ``{len(films)}`` is COUNT."""
    if isinstance(node, ast.Subscript | ast.Starred):
        return placeholder(node.value)
    if isinstance(node, ast.Call):
        name = _last_name(node.func)
        shown = placeholder(node.args[0]) if node.args else name.strip("_").replace("_", " ").upper()
        return "COUNT" if name == "len" else shown
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        return placeholder(node.generators[0].iter)
    return _last_name(node).strip("_").replace("_", " ").upper() or "..."


def _joined(parts: list[list[str]]) -> list[str]:
    return ["".join(chosen) for chosen in islice(product(*parts), MOST)]


def _assigned(body: list[ast.AST] | list[ast.stmt]) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = defaultdict(list)
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id].append(node.value)
    return found


def _calls(node: ast.AST, function: ast.FunctionDef | None) -> Iterator[tuple[ast.Call, ast.FunctionDef | None]]:
    """Yield each call with the function that it is in."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child, function
        yield from _calls(child, child if isinstance(child, ast.FunctionDef) else function)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def page(by_hand: str) -> str:
    """Return the whole page.

    Args:
        by_hand: What somebody wrote, up to the mark.
    """
    advice = {**ADVICE["ours"], **ADVICE["others"]}
    by_class: dict[str, set[str]] = defaultdict(set)
    for name, text in texts(sources(), frozenset(advice)):
        by_class[name].add(text)
    sections = [HEAD]
    for name in (name for name in advice if by_class[name]):
        about = (getattr(errors, name).__doc__ or "").split("\n")[0] + " " if name in ADVICE["ours"] else ""
        said_so = sorted(by_class[name])
        sections.append("\n".join([f"### {name}", "", about + advice[name], "", "```text", *said_so, "```", ""]))
    return "\n".join([by_hand + MARK, *sections])


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8").partition(MARK)[0]), encoding="utf-8")
