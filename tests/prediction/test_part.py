"""Parts of a list of films: each film in one, for ever."""

from __future__ import annotations

import os

import pytest

from piggygan.errors import ConfigurationError
from piggygan.prediction.part import Part

NAMES = [f"a/{number}.png" for number in range(2000)]


@pytest.mark.parametrize("count", [1, 2, 8])
def test_each_film_is_in_one_part_and_no_part_is_much_larger(count: int) -> None:
    parts = [[name for name in NAMES if Part(number, count).has(name)] for number in range(1, count + 1)]
    assert sorted(name for part in parts for name in part) == sorted(NAMES)
    assert all(len(NAMES) / count * 0.8 < len(part) < len(NAMES) / count * 1.2 for part in parts)


def test_a_name_that_is_no_text_is_in_a_part() -> None:
    assert sum(Part(number, 3).has(os.fsdecode(b"\xff\n")) for number in (1, 2, 3)) == 1


@pytest.mark.parametrize("text", ["", "3", "0/8", "9/8", "3/0", "-1/8", "3/8/9", "a/b", "3 / 8", "1/9999999"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="needed is such as 3/8"):
        Part.read(text)


def test_a_part_is_written_as_it_is_read() -> None:
    assert str(Part.read("3/8")) == "3/8"
