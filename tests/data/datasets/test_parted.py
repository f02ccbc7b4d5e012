"""Two folders of files that belong together, and where their sides are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piggygan.data.datasets import ImagesWithMasks, TwoFolders, UnpairedFolders, open_dataset
from piggygan.errors import DatasetError, PairError


def saved(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.eye(4, dtype=bool)).save(folder / name)
    return folder


def test_each_form_is_found_by_its_folders(tmp_path: Path) -> None:
    for name, files, form in (
        ("flat", ("A/1.png", "B/1.png"), TwoFolders),
        ("above", ("A/train/1.png", "B/train/1.png"), TwoFolders),
        ("below", ("train/A/1.png", "train/B/1.png"), TwoFolders),
        ("masks", ("test/images/1.png", "test/masks/1.png"), ImagesWithMasks),
        ("loose", ("trainA/1.png", "trainB/2.png"), UnpairedFolders),
    ):
        dataset = open_dataset(saved(tmp_path / name, *files))
        assert type(dataset) is form, name
        assert len(dataset.files) == (2 if form is UnpairedFolders else 1)


def test_names_begin_with_the_folder_of_their_side(tmp_path: Path) -> None:
    dataset = TwoFolders(saved(tmp_path, "A/train/1.png", "B/train/1.png", "A/valid/1.png", "B/valid/1.png"))
    assert dataset.sides == {"train": ["train/1"], "val": ["valid/1"]}


def test_lists_beside_the_folders_are_read_by_names_without_suffix(tmp_path: Path) -> None:
    folder = saved(tmp_path, "inputs/1.png", "targets/1.png", "inputs/2.png", "targets/2.png")
    (folder / "splits.json").write_text(json.dumps({"train": ["1.png"], "test": ["2"]}))
    (folder / "patients.json").write_text(json.dumps({"1.png": "one", "2": "two"}))
    for dataset in (TwoFolders(folder), TwoFolders.of(folder / "inputs", folder / "targets")):
        assert dataset.sides == {"train": ["1"], "test": ["2"]}
        assert dataset.patients == {"1": "one", "2": "two"}


def test_folders_that_lie_apart_have_no_lists(tmp_path: Path) -> None:
    saved(tmp_path, "x/photos/1.png", "y/maps/1.png")
    (tmp_path / "x/splits.json").write_text(json.dumps({"train": ["1"]}))
    assert TwoFolders.of(tmp_path / "x/photos", tmp_path / "y/maps").sides == {}


def test_other_sides_in_the_two_folders_are_refused(tmp_path: Path) -> None:
    saved(tmp_path, "A/train/1.png", "A/test/1.png", "B/train/1.png")
    with pytest.raises(DatasetError, match=r"A' has the sides train, test, and .*B' train: give both the same folders"):
        TwoFolders(tmp_path)
    saved(tmp_path / "twice", "A/val/1.png", "A/valid/1.png", "B/val/1.png")
    with pytest.raises(DatasetError, match="'val' and 'valid', which are one side"):
        TwoFolders(tmp_path / "twice")
    with pytest.raises(DatasetError, match="has one of the folders testA and testB: both are needed"):
        UnpairedFolders(saved(tmp_path / "half", "trainA/1.png", "trainB/1.png", "testA/1.png"))


def test_stems_that_are_alike_are_refused_in_either_folder(tmp_path: Path) -> None:
    with pytest.raises(PairError, match="stems are alike"):
        TwoFolders(saved(tmp_path, "A/1.png", "B/1.png", "B/1.bmp"))


def test_of_unpaired_pictures_the_letter_is_known(tmp_path: Path) -> None:
    saved(tmp_path, "trainA/1.png", "trainB/1.png", "testA/2.png", "testB/3.png")
    dataset = UnpairedFolders(tmp_path)
    assert {files.name: dataset.letter_of(files.name) for files in dataset.files} == {
        "trainA/1": "A",
        "trainB/1": "B",
        "testA/2": "A",
        "testB/3": "B",
    }
    assert dataset.sides == {"train": ["trainA/1", "trainB/1"], "test": ["testA/2", "testB/3"]}
    named = UnpairedFolders.of(tmp_path / "trainA", tmp_path / "testB")
    assert [named.letter_of(files.name) for files in named.files] == ["A", "B"]
