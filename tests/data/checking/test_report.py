"""What a check found, for people and for programs."""

from __future__ import annotations

import json
from typing import Any

from piggygan.data.checking.report import DatasetReport, Problem


def report(**changed: Any) -> DatasetReport:
    fields: dict[str, Any] = {
        "dataset": "pictures", "description": None, "pairs": 3, "usable": 2, "sides": {"train": 2},
        "sizes": {(4, 3): 2}, "bits": {8: 2}, "modalities": {"CR": 1}, "body_parts": {}, "views": {}, "was_lossy": 0,
        "patients": 0, "problems": (),
    }  # fmt: skip
    return DatasetReport(**{**fields, **changed})


def test_what_there_is_is_told_and_what_there_is_none_of_is_not() -> None:
    text = str(report())
    assert "3, 2 usable" in text
    assert "2 train" in text
    assert "2 of 4 x 3" in text
    assert "1 CR" in text
    assert "lossy" not in text
    assert "patients" not in text
    assert text.endswith("nothing is wrong")


def test_of_many_problems_of_a_kind_five_are_named_and_the_rest_counted() -> None:
    problems = tuple(Problem("unreadable", f"cut {number}", (f"film{number}",)) for number in range(7))
    lines = str(report(problems=problems)).splitlines()
    assert "7 problems" in lines
    assert "  unreadable: 7" in lines
    assert "    'film4': cut 4" in lines
    assert lines[-1] == "    and 2 more (--json lists all)"


def test_a_problem_is_one_line_whatever_its_text_and_names() -> None:
    problem = Problem("unreadable", "two\n  lines", ("a\nb", *"cdefgh"))
    assert str(report(problems=(problem,))).splitlines()[-1].strip() == (
        "'a\\nb', 'c', 'd', 'e', 'f' and 2 more: two lines"
    )


def test_json_can_hold_all_of_it() -> None:
    fields = json.loads(json.dumps(report(problems=(Problem("count", "x"),)).as_dict()))
    assert fields["sizes"] == [{"width": 4, "height": 3, "images": 2}]
    assert fields["bits"] == {"8": 2}
    assert fields["problems"] == [{"kind": "count", "text": "x", "names": []}]
    assert fields["description"] is None
