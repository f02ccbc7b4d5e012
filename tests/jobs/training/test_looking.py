"""What is seen while a task is learned: when it is looked at, what is kept, and what a stop leaves."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from piggygan.files.regular import make_folder
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.training.looking import Looks, lines_of, validated, warnings_kept
from piggygan.jobs.training.preparing import Prepared, prepare
from piggygan.training.history import EpochRecord


def epoch(number: int) -> EpochRecord:
    return EpochRecord(number, {"generator.l1": 1.0 / number}, learning_rate=1e-3, seconds=1.0, skipped_steps=0)


@pytest.fixture
def prepared(tmp_path: Path, lung_films: Path, small: Any) -> Prepared:
    config = small(lung_films, size=32, epochs=5, validate_every=2, keep="best")
    found = prepare(RunFolder.at(tmp_path / "exp"), "lungs", config)
    make_folder(found.files.root)
    return found


def test_every_few_epochs_and_the_last_are_looked_at(prepared: Prepared) -> None:
    looks = Looks(prepared, lambda: None)
    seen = {number: looks(epoch(number)) for number in range(1, 6)}
    assert [number for number, score in seen.items() if score is not None] == [2, 4, 5]
    lines = lines_of(prepared.files.validation)
    assert [(line["epoch"], line["scores"]["dice"]) for line in lines] == [
        (number, pytest.approx(seen[number])) for number in (2, 4, 5)
    ]


def test_a_look_draws_and_refreshes_the_page_but_at_the_end_and_a_soon_one_only_scores(
    prepared: Prepared,
) -> None:
    refreshed: list[str] = []
    looks = Looks(prepared, lambda: refreshed.append("page"))
    for number in (2, 4, 5):
        looks(epoch(number))
    # The first look is free, and the second comes too soon after it: a hundred times what drawing took have not passed.
    assert sorted(path.name for path in prepared.files.samples.iterdir()) == ["000002.png", "000005.png"]
    assert refreshed == ["page"]  # the end has one when the task is committed


def test_what_a_look_said_is_not_scored_again(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    Looks(prepared, lambda: None)(epoch(2))
    (line,) = lines_of(prepared.files.validation)
    scored = validated(prepared, 3)
    assert scored == line["scores"]  # nothing was learned in between
    monkeypatch.setattr("piggygan.jobs.training.looking.score_side", None)
    assert validated(prepared, 2) == scored
    with pytest.raises(TypeError):
        validated(prepared, 3)


def test_a_look_again_after_a_stop_takes_the_place_of_what_was_noted(prepared: Prepared) -> None:
    looks = Looks(prepared, lambda: None)
    looks(epoch(2))
    looks(epoch(4))
    with prepared.files.validation.open("a") as file:
        file.write('{"epoch": 5, "sco')  # killed while writing
    looks(epoch(2))
    assert [line["epoch"] for line in lines_of(prepared.files.validation)] == [2]


def test_what_is_no_line_of_json_has_nothing_to_say(tmp_path: Path) -> None:
    assert lines_of(tmp_path / "absent") == []
    path = tmp_path / "lines"
    path.write_text('{"epoch": 1}\n3\nnull\n{"epoch": 2}\n\n{"epoch": ')
    assert lines_of(path) == [{"epoch": 1}, {"epoch": 2}]


def test_warnings_are_kept_while_it_is_learned_and_not_afterwards(tmp_path: Path) -> None:
    path, logger = tmp_path / "warnings", logging.getLogger("piggygan.training")
    with warnings_kept(path):
        logger.warning("a loss is %s", "no number")
        logger.info("all is well")
    logger.warning("later")
    assert [line["text"] for line in lines_of(path)] == ["a loss is no number"]
