"""The one place where the command line prints: a line stays a line, and a terminal obeys none of it."""

from __future__ import annotations

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piggygan.cli.commands import broken, show, show_error, show_result, terminal_width


def test_at_a_terminal_a_long_line_is_broken_between_words_and_goes_on_indented(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that no name that is long enough can pose as a line of its own."""
    line = "lungs: damaged: " + "a" * 63 + " facades: equal"
    show(line)
    assert capsys.readouterr().out == f"{line}\n"  # one line in a file or a pipe
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    show(line)
    assert capsys.readouterr().out == f"lungs: damaged: {'a' * 63}\n    facades: equal\n"


@given(st.text(alphabet=st.sampled_from("ab \x1b-\u202e"), max_size=300), st.integers(20, 100))
def test_whatever_a_line_holds_only_its_first_part_begins_at_the_edge(line: str, width: int) -> None:
    parts = broken(line, width)
    assert "".join("".join(parts).split()) == "".join(line.split())
    assert all(part.startswith("    ") for part in parts[1:])
    for part in parts:
        assert len(part) <= width or " " not in part.strip()  # only a word that is longer stands out


def test_a_line_that_fits_or_goes_to_a_file_stays_as_it_is() -> None:
    line = "a  b   c " * 10 + "d"
    assert broken(line, None) == [line]
    assert broken(line, len(line)) == [line]
    assert len(broken(line, len(line) - 1)) == 2


def test_a_terminal_has_20_letters_at_least_and_a_file_no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    assert terminal_width(file) is None
    monkeypatch.setattr(file, "isatty", lambda: True)
    for columns, expected in (("5", 20), ("132", 132)):
        monkeypatch.setenv("COLUMNS", columns)
        assert terminal_width(file) == expected


def test_a_line_is_escaped_and_no_line_feed_begins_another() -> None:
    file = io.StringIO()
    show("one\nFORGED: equal\x1b[2J", file)
    assert file.getvalue() == "one\\nFORGED: equal\\x1b[2J\n"


def test_an_error_is_one_line_on_the_error_channel(capsys: pytest.CaptureFixture[str]) -> None:
    show_error("two\n  lines\tof it")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "piggygan: two lines of it\n")


def test_a_result_is_lines_for_people_or_json_for_programs_and_never_both(capsys: pytest.CaptureFixture[str]) -> None:
    fields = {"name": "\u00e4\x1b", "count": 2}
    show_result(["one", "two"], fields, False)
    assert capsys.readouterr().out == "one\ntwo\n"
    show_result(["one", "two"], fields, True)
    text = capsys.readouterr().out
    assert json.loads(text) == fields
    assert text.isascii()
    assert "\x1b" not in text
