"""The fuzzers' own loop: it counts what it tries, and notices what breaks a promise."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from piggygan.errors import InputError
from tests.fuzz import driver
from tests.fuzz.driver import MANY, BrokenPromiseError, Format, fuzz
from tests.fuzz.test_films import NAMES


def test_the_slow_suite_tries_200_000_cases_of_every_format() -> None:
    assert sum(MANY.values()) >= 200_000
    assert {*NAMES, "pth", "checkpoints", "manifest", "task_file"} == set(MANY)


def numbered(use: Callable[[bytes], object]) -> Format:
    return Format("numbered", [b"0"], lambda _, source: bytes([source.randrange(10)]), use)


def refuse(_: bytes) -> None:
    raise InputError("this is 1, needed is 0: give that.")


def test_every_case_is_counted_and_the_same_ones_are_tried_again() -> None:
    tried: list[bytes] = []
    outcome = fuzz(numbered(tried.append), cases=50, seed=3)
    assert outcome.cases == outcome.counts["result"] == len(tried) == 50
    again: list[bytes] = []
    fuzz(numbered(again.append), cases=50, seed=3)
    assert again == tried
    assert fuzz(numbered(refuse), cases=7).counts == {"InputError": 7}


def fail(_: bytes) -> None:
    raise ValueError("untyped")


def take_too_much(_: bytes) -> None:
    bytearray(2**31)


def obey(_: bytes) -> None:
    print("\x1b[2J")  # noqa: T201  # what a damaged file may have printed


@pytest.mark.parametrize(
    ("use", "said"),
    [(fail, "untyped"), (take_too_much, "MemoryError"), (obey, "printed"), (lambda _: time.sleep(5), "after 0.1 s")],
)
def test_each_broken_promise_is_noticed_and_the_case_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: Callable[[bytes], object], said: str
) -> None:
    monkeypatch.setenv("PIGGYGAN_FUZZ_FOUND", str(tmp_path))
    monkeypatch.setattr(driver, "MOST_SECONDS", 0.1)
    with pytest.raises(BrokenPromiseError, match=said):
        fuzz(numbered(use), cases=1)
    (kept,) = tmp_path.iterdir()
    assert len(kept.read_bytes()) == 1
