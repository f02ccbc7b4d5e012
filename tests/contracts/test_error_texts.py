"""Every error's text can be found on the page of troubles, beside what to do."""

from __future__ import annotations

import ast

import pytest

from piggygan import errors
from tools import error_texts

MADE = frozenset({"InputError", "Refusal", "TaskError"})


def found(source: str) -> list[str]:
    return [text for _, text in error_texts.texts({"piggygan.x": ast.parse(source)}, MADE)]


def test_the_page_is_what_the_sources_say() -> None:
    kept = error_texts.PAGE.read_text(encoding="utf-8")
    by_hand, mark, _ = kept.partition(error_texts.MARK)
    assert mark
    assert kept == error_texts.page(by_hand), "run python -m tools.error_texts"


def test_every_error_that_has_a_text_has_advice() -> None:
    classes = frozenset(name for name, kind in vars(errors).items() if isinstance(kind, type))
    made = {name for name, _ in error_texts.texts(error_texts.sources(), classes)}
    assert len(made) > 25
    assert made <= set(error_texts.ADVICE["ours"]) <= classes


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ('raise InputError("it is empty.")', ["it is empty."]),
        ('raise InputError(f"{self.task!r} has {len(films)} of {max(sizes):.1f}.")', ["'TASK' has COUNT of SIZES."]),
        ('raise InputError("one" if few else f"of {shape[0]}")', ["one", "of SHAPE"]),
        ('raise InputError(f"no {kind}" + " here")', ["no KIND here"]),
        ('why = "too late"\ndef f():\n    raise InputError(why)', ["too late"]),
        ('def f():\n    why = "too late"\n    raise InputError(why)', ["too late"]),
        ('def told(x):\n    return f"no {x}"\nraise InputError(told(y))', ["no X"]),
        ('def made(x):\n    return TaskError(f"no {x}")\nraise made(y)', ["no X"]),
        ('raise Refusal(413, "large", f"at most {limit} bytes")', ["at most LIMIT bytes"]),
        ("raise InputError(str(error)) from error", []),
        ('raise KeyError("of another kind")', []),
    ],
)
def test_a_text_is_found_however_it_is_put_together(source: str, texts: list[str]) -> None:
    assert found(source) == texts
