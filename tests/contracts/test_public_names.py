"""What is public: exported, told in one line each, and all that examples and pages use."""

import ast
import doctest
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from piggygan import errors
from tools import public_names

ROOT = Path(__file__).parents[2]
ROOMS = public_names.rooms()
NAMES = [(room, name) for room in ROOMS for name in public_names.public_names(room)]


def test_the_rooms_are_found() -> None:
    expected = {"data", "training", "evaluation", "networks", "prediction", "registry", "errors"}
    assert {"piggygan", *(f"piggygan.{name}" for name in expected)} <= set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_what_a_room_offers_is_there_once(room: str) -> None:
    names = public_names.public_names(room)
    assert len(set(names)) == len(names)
    assert all(hasattr(importlib.import_module(room), name) for name in names)


def test_every_public_name_has_its_line() -> None:
    assert [f"{room}.{name}" for room, name in NAMES if not public_names.first_line(room, name)] == []


def test_the_page_is_what_the_docstrings_say() -> None:
    assert public_names.PAGE.read_text(encoding="utf-8") == public_names.page(), "run python -m tools.public_names"


CODES = [(path.name, path.read_text(encoding="utf-8")) for path in sorted((ROOT / "examples").glob("*.py"))] + [
    (page.name, code)
    for page in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
    for code in re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
]


def private_names(code: str) -> list[str]:
    """The names that a program takes from places that nobody promises."""
    taken = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "piggygan":
            taken += [(str(node.module), alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            taken += [tuple(alias.name.rpartition(".")[::2]) for alias in node.names if "piggygan." in alias.name]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pg":
            taken.append(("piggygan", node.attr))
    return [f"{room}.{name}" for room, name in taken if (room, name) not in NAMES and f"{room}.{name}" not in ROOMS]


@pytest.mark.parametrize(("place", "code"), CODES, ids=[f"{number}-{name}" for number, (name, _) in enumerate(CODES)])
def test_examples_and_pages_use_public_names_alone(place: str, code: str) -> None:
    assert private_names(code) == [], f"{place}: export them, or do without"


def test_a_private_place_is_noticed() -> None:
    code = (
        "from piggygan.layers.selection import Selection\nimport piggygan.layers.kernels\npg.layers\npg.Task\npg.errors"
    )
    assert private_names(code) == [
        "piggygan.layers.selection.Selection",
        "piggygan.layers.kernels",
        "piggygan.layers",
    ]


def public_functions() -> Iterator[tuple[str, object]]:
    """Every public function, and every public method that a public class defines."""
    for room, name in NAMES:
        found = getattr(importlib.import_module(room), name)
        members = vars(found).items() if inspect.isclass(found) and room != public_names.ERRORS else [("", found)]
        for member, held in members:
            function = getattr(held, "fget", None) or getattr(held, "__func__", held)
            if inspect.isfunction(function) and not member.startswith("_"):
                yield f"{room}.{name}.{member}".rstrip("."), function


def raised(function: object) -> set[str]:
    """The errors of ours that its own body raises."""
    body = ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function))))  # type: ignore[arg-type]
    calls = [node.exc.func for node in body if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)]
    return {call.id for call in calls if isinstance(call, ast.Name)} & set(vars(errors))


def test_every_public_function_says_what_it_is_and_which_errors_it_raises() -> None:
    functions = dict(public_functions())
    assert len(functions) > 250
    assert [name for name, function in functions.items() if not inspect.getdoc(function)] == []
    silent = [
        name
        for name, function in functions.items()
        if raised(function) and "Raises:" not in str(inspect.getdoc(function))
    ]
    assert silent == []


WITHOUT_EXAMPLE = ("piggygan.errors",)
"""Nobody calls an error: its docstring says when it is raised. The root of them all is shown how to catch."""


def test_every_public_class_and_function_shows_an_example_that_runs() -> None:
    found = [
        (name, getattr(importlib.import_module(room), name)) for room, name in NAMES if room not in WITHOUT_EXAMPLE
    ]
    made = [(name, what) for name, what in found if inspect.isclass(what) or inspect.isfunction(what)]
    assert len(made) > 100
    without = [name for name, what in made if not doctest.DocTestParser().get_examples(what.__doc__ or "")]
    assert without == []
