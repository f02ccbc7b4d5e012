"""Folders named after sides, and names as lists write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from piggygan.data.datasets.sides import plain_name, read_patients, side_called, side_folders
from piggygan.errors import DatasetError


def test_sides_are_found_under_any_of_their_names_and_in_order(tmp_path: Path) -> None:
    for name in ("testing", "validation", "train", "fold1"):
        (tmp_path / name).mkdir()
    assert [(side, path.name) for side, path in side_folders(tmp_path).items()] == [
        ("train", "train"),
        ("val", "validation"),
        ("test", "testing"),
    ]
    assert side_called("fold1") is None
    (tmp_path / "test").mkdir()
    with pytest.raises(DatasetError, match="'test' and 'testing', which are one side"):
        side_folders(tmp_path)


@pytest.mark.parametrize(
    ("name", "plain"),
    [("a.png", "a"), ("train/a.TIFF", "train/a"), ("1.2.840.113", "1.2.840.113"), ("a", "a"), ("x.npy.dcm", "x.npy")],
)
def test_only_the_suffix_of_an_image_is_taken_off(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_patients_are_by_plain_names_and_a_broken_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "patients.json"
    assert read_patients(path) == {}
    path.write_text('{"train/a.png": "one", "b": "two"}')
    assert read_patients(path) == {"train/a": "one", "b": "two"}
    path.write_text('{"a": 1}')
    with pytest.raises(DatasetError, match="no JSON object of names and patients"):
        read_patients(path)
