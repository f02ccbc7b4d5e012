"""What is said of a task's data, licence and place in an ensemble: bounded, one line, nothing that a terminal obeys."""

from __future__ import annotations

from typing import Any

import pytest

from piggygan.errors import InputError, TaskNameError
from piggygan.registry import Member, TrainingData
from piggygan.registry.provenance import MAX_COUNT, MAX_STATEMENT, check_line


def test_nothing_need_be_said() -> None:
    assert TrainingData() == TrainingData(None, None, {}, None)


def test_what_was_said_is_kept() -> None:
    data = TrainingData("masks", "0" * 64, {"train": 96, "val": 0, "test": MAX_COUNT}, "Röntgen, 2019 (ärztlich)")
    assert data.counts == {"train": 96, "val": 0, "test": MAX_COUNT}
    assert data.statement == "Röntgen, 2019 (ärztlich)"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kind": "films"}, "kind of data is 'films'; needed is one of pairs, masks, unpaired"),
        ({"fingerprint": "0" * 63}, "needed are 64 lower-case hexadecimal digits"),
        ({"fingerprint": "A" * 64}, "needed are 64 lower-case hexadecimal digits"),
        ({"fingerprint": 3}, "fingerprint of the data is 3"),
        ({"counts": {"training": 3}}, "needed are counts of train, val, test"),
        ({"counts": {"train": -1}}, "the data have -1 of 'train'"),
        ({"counts": {"train": True}}, "the data have True of 'train'"),
        ({"counts": {"train": 2**41}}, "needed are counts"),
        ({"counts": 96}, "the counts of the data are 96"),
        ({"statement": ""}, "the data statement is ''"),
        ({"statement": " "}, "the data statement is ' '"),
        ({"statement": "x" * (MAX_STATEMENT + 1)}, r"\(4003 characters\); needed is one line of 1 to 4000"),
        ({"statement": "films\x1b[2J"}, "that can be printed"),
        ({"statement": "two\nlines"}, "needed is one line"),
        ({"statement": "turned \u202e round"}, "that can be printed"),
        ({"statement": "half \ud800"}, "that can be printed"),
    ],
)
def test_anything_else_is_refused_in_words(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        TrainingData(**given)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(("number", "of"), [(0, 5), (6, 5), (1, 1), (1, 101), (True, 2), ("1", 5), (1, 5.0)])
def test_a_place_that_is_none_is_refused(number: Any, of: Any) -> None:
    with pytest.raises(InputError, match="needed are 2 to 100 members, counted from 1"):
        Member("lungs", number, of)


def test_an_ensemble_is_called_as_a_task_may_be() -> None:
    assert Member("lungs@2", 1, 5).group == "lungs@2"
    with pytest.raises(TaskNameError):
        Member("../lungs", 1, 5)


def test_a_licence_is_any_line() -> None:
    for licence in (None, "MIT", "CC-BY-NC-4.0", "Nur für die Forschung", "x" * 200):
        check_line("the licence", licence, 200)
    with pytest.raises(InputError, match="the licence is 3"):
        check_line("the licence", 3, 200)  # type: ignore[arg-type]
