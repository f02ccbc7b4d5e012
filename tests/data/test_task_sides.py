"""The sides of a task: given, drawn, or both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from piggygan.data.datasets import ImagesWithMasks, UnpairedFolders
from piggygan.data.task_sides import learned_sides, scored_side
from piggygan.errors import DatasetError


@pytest.fixture
def films(tmp_path: Path) -> ImagesWithMasks:
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
        for number in range(10):
            Image.new("L", (4, 4)).save(tmp_path / kind / f"{number}.png")
    return ImagesWithMasks(tmp_path)


def test_a_list_wins_over_shares_and_shares_over_the_data(films: ImagesWithMasks, tmp_path: Path) -> None:
    (films.folder / "splits.json").write_text(json.dumps({"train": ["0", "1", "2"], "val": ["3"], "test": ["4"]}))
    sided, listed = ImagesWithMasks(films.folder), tmp_path / "mine.json"
    listed.write_text(json.dumps({"train": ["5.png", "6"], "valid": ["7"]}))
    assert learned_sides(sided, {})[0] == {"train": ["0", "1", "2"], "val": ["3"], "test": ["4"]}
    drawn, notes = learned_sides(sided, {}, split="0.5/0.3/0.2")
    assert [len(names) for names in drawn.values()] == [5, 3, 2]
    assert "are not used" in notes[0]
    assert learned_sides(sided, {}, listed, "0.5/0.3/0.2")[0] == {"train": ["5", "6"], "val": ["7"]}


def test_a_drawn_validation_side_takes_nothing_from_the_test_side(films: ImagesWithMasks, tmp_path: Path) -> None:
    listed = tmp_path / "mine.json"
    listed.write_text(json.dumps({"train": list("01234567"), "test": list("89")}))
    sides, _ = learned_sides(films, {}, listed, seed=3)
    assert (len(sides["train"]), len(sides["val"]), sides["test"]) == (7, 1, ["8", "9"])
    assert sorted(sides["train"] + sides["val"]) == list("01234567")
    by_patient, notes = learned_sides(
        films, dict.fromkeys("0123", "a") | dict.fromkeys("45678", "b") | {"9": "c"}, listed, split_by="name"
    )
    assert len(by_patient["train"]) == 7  # by name, as was asked for
    assert any("by name" in note for note in notes)


def test_what_nobody_paired_is_drawn_from_either_side(tmp_path: Path) -> None:
    for folder, count in (("trainA", 10), ("trainB", 20)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            Image.new("L", (4, 4)).save(tmp_path / folder / f"{number}.png")
    sides, _ = learned_sides(UnpairedFolders(tmp_path), {})
    drawn = [name.partition("/")[0] for name in sides["val"]]
    assert (drawn.count("trainA"), drawn.count("trainB")) == (1, 2)  # an eighth of each
    assert drawn == sorted(drawn)


def test_scored_is_the_test_side_else_the_validation_side_else_all(films: ImagesWithMasks, tmp_path: Path) -> None:
    listed = tmp_path / "mine.json"
    assert scored_side(films) == ([str(number) for number in range(10)], [])
    for content, names in (
        ({"train": ["0"], "val": ["1"], "test": ["2"]}, ["2"]),
        ({"train": ["0"], "val": ["1"]}, ["1"]),
    ):
        listed.write_text(json.dumps(content))
        assert scored_side(films, listed)[0] == names
    listed.write_text(json.dumps({"train": ["0"]}))
    with pytest.raises(DatasetError, match="neither a test nor a validation side: it has 1 train"):
        scored_side(films, listed)
