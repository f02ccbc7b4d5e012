from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piggygan.files.strict_json import decode, parse_json


@dataclass(frozen=True)
class Inner:
    size: int

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError(f"size is {self.size}, needed is none below 0")


@dataclass(frozen=True)
class Newer:
    size: int
    unit: str | None = None


@dataclass(frozen=True)
class Outer:
    name: str
    share: float
    channels: int | None
    is_last: bool
    inner: Inner
    many: tuple[Inner, ...]
    named: dict[str, Inner]
    mixed: dict[str, str | bool | int | float | None]


GOOD: dict[str, Any] = {
    "name": "lungs",
    "share": 0.25,
    "channels": None,
    "is_last": True,
    "inner": {"size": 1},
    "many": [{"size": 2}, {"size": 3}],
    "named": {"a": {"size": 4}},
    "mixed": {"text": "x", "truth": False, "whole": 1, "real": 1.0, "nothing": None},
}


def test_a_good_object_becomes_the_dataclass() -> None:
    outer = decode(Outer, GOOD, "it")
    assert outer == Outer(
        "lungs", 0.25, None, True, Inner(1), (Inner(2), Inner(3)), {"a": Inner(4)},
        {"text": "x", "truth": False, "whole": 1, "real": 1.0, "nothing": None},
    )  # fmt: skip
    assert [type(value) for value in outer.mixed.values()] == [str, bool, int, float, type(None)]


def test_only_what_has_a_default_may_be_missing() -> None:
    assert decode(Newer, {"size": 1}, "it") == Newer(1)
    assert decode(Newer, {"size": 1, "unit": "px"}, "it") == Newer(1, "px")
    with pytest.raises(ValueError, match="in it, size is missing"):
        decode(Newer, {"unit": "px"}, "it")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", 3, "it.name is 3, needed is a text"),
        ("name", None, "it.name is None"),
        ("share", "0.25", "it.share is '0.25', needed is a finite number"),
        ("share", True, "it.share is True"),
        ("share", 10**400, "it.share is a huge number"),
        ("channels", 1.0, "it.channels is 1.0, needed is a whole number"),
        ("channels", True, "it.channels is True"),
        ("is_last", 1, "it.is_last is 1, needed is true or false"),
        ("inner", [], "it.inner is a list, needed is an object"),
        ("inner", {"size": -1}, "in it.inner, size is -1"),
        ("inner", {}, "in it.inner, size is missing"),
        ("inner", {"size": 1, "more": 2}, "in it.inner, 'more' is not known"),
        ("many", {}, "it.many is an object, needed is a list"),
        ("many", [{"size": 1}, 2], r"it.many\[1\] is 2"),
        ("named", [], "it.named is a list, needed is an object"),
        ("named", {"a": 1}, "it.named.a is 1"),
        ("mixed", {"a": []}, "it.mixed.a is a list"),
    ],
)
def test_every_other_type_is_refused_by_name(field: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode(Outer, {**GOOD, field: value}, "it")


def test_a_whole_number_may_stand_for_a_real_one() -> None:
    share = decode(Outer, {**GOOD, "share": 1}, "it").share
    assert type(share) is float
    assert share == 1.0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": NaN}',
        b"[-Infinity]",
        b"[1e999]",
        b'{"a": 1, "a": 2}',
        b"1" * 5000,
        b"{} {}",
    ],
)
def test_what_is_not_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(data)


@given(st.binary())
def test_any_bytes_parse_or_are_a_value_error(data: bytes) -> None:
    try:
        parse_json(data)
    except ValueError:
        return


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["size", "name", "inner"]) | st.text(), inner),
    )
)
def test_any_json_decodes_or_is_a_value_error(value: Any) -> None:
    try:
        decoded = decode(Inner, value, "it")
    except ValueError:
        return
    assert value == {"size": decoded.size}


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '["x\\uDFFFy"]', '{"\\udc00": 1}', '"\\ud800\\ud800"'])
def test_17_09_half_of_a_surrogate_pair_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        parse_json(text.encode())
    assert parse_json(b'"\\ud83d\\ude00"') == "\U0001f600"
