"""The tree of errors: what catches what, and what a terminal is shown."""

from __future__ import annotations

import re

import pytest

from piggygan import errors
from piggygan.errors import PiggyganError, TrainingInterruptedError

KINDS = sorted(
    (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PiggyganError)),
    key=lambda kind: kind.__name__,
)


def drawn_parents() -> dict[str, str]:
    """Read the tree in the module's docstring: each name's parent, by how far it is indented."""
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"    ([│├└─ ]*)([A-Za-z]+Error)\b", line):
            depth = len(found[1]) // 4
            above[depth:] = [found[2]]
            parents[found[2]] = above[depth - 1] if depth else "Exception"
    return parents


def test_the_drawn_tree_is_the_real_one() -> None:
    assert drawn_parents() == {kind.__name__: kind.__bases__[0].__name__ for kind in KINDS}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not TrainingInterruptedError])
def test_a_message_is_shown_escaped_and_kept_as_it_was_given(kind: type[PiggyganError]) -> None:
    error = kind("a\x1b[31m name\non two lines")
    assert str(error) == "a\\x1b[31m name\non two lines"
    assert error.args == ("a\x1b[31m name\non two lines",)


@pytest.mark.parametrize(("number", "code"), [(15, 143), (2, 130)])
def test_a_training_that_was_interrupted_has_the_code_of_the_signal(number: int, code: int) -> None:
    error = TrainingInterruptedError("saved: go on with the same call.", number)
    assert (error.exit_code, error.code, str(error)) == (code, code, "saved: go on with the same call.")
