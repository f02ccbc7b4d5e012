"""Tables: every cell is there, at any width."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from piggygan.terminal.tables import text_table

cells = st.text(alphabet="ab ,-", max_size=40).map(str.strip)


@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=4), st.integers(40, 80))
def test_a_table_fits_and_loses_no_letter(rows: list[list[str]], width: int) -> None:
    table = text_table(["one", "two", "three"], rows, width)
    assert max(map(len, table.splitlines())) <= width
    letters = sorted("".join("".join(row) for row in rows).replace(" ", ""))
    assert sorted(table.replace(" ", "").replace("\n", "")) == sorted([*letters, *"onetwothree"])


def test_without_a_width_a_row_is_a_line() -> None:
    assert len(text_table(["task", "scores"], [["lungs", "dice 0.9, " * 50]]).splitlines()) == 2


def test_a_cell_of_a_megabyte_takes_no_time() -> None:
    started = time.perf_counter()
    text_table(["task", "scores"], [["x" * 100_000, "y" * 100_000]], 80)
    assert time.perf_counter() - started < 5
