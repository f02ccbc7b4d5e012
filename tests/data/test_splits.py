"""Which files are on which side."""

import json
from pathlib import Path

import pytest

from piggygan.data.splits import read_splits, side_of
from piggygan.errors import DatasetError


def written(folder: Path, content: str) -> Path:
    path = folder / "splits.json"
    path.write_text(content, encoding="utf-8")
    return path


def test_sides_are_read_and_remarks_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps({"grouped_by": "patient", "train": ["a.png", "b.png"], "test": ["c.png"]}))
    splits = read_splits(path)
    assert splits == {"train": ["a.png", "b.png"], "test": ["c.png"]}
    assert side_of(splits, "test", path) == ["c.png"]


@pytest.mark.parametrize("content", ["", "{", "[1]", "[" * 100_000, '{"train": ["a"], "test": ["a"]}'])
def test_what_is_no_list_of_sides_is_refused(content: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"splits\.json"):
        read_splits(written(tmp_path, content))


def test_a_missing_file_or_side_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        read_splits(tmp_path / "splits.json")
    with pytest.raises(DatasetError, match="nothing under 'val'; it has train"):
        side_of({"train": ["a"]}, "val", "splits.json")
