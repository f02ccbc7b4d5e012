"""What the fuzzers' tests share. One of their own programs needs a package that may not be there, and is no test."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.fuzz.driver import MANY, Format, Outcome, fuzz

collect_ignore = ["guided.py"]


@pytest.fixture
def fuzz_many(record_property: Callable[[str, object], None]) -> Callable[..., Outcome]:
    """Try a part of the slow suite's cases of a format; how many they were is told at the end of the session."""

    def fuzz_many(tested: Format, *, part: int, parts: int) -> Outcome:
        started = time.monotonic()
        outcome = fuzz(tested, cases=MANY[tested.name] // parts, seed=17 + part)
        record_property("fuzzed", [tested.name, outcome.cases, time.monotonic() - started, outcome.slowest])
        return outcome

    return fuzz_many
