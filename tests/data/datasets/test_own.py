"""Folders of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piggygan.data.datasets import ImagesWithMasks, Pictures, SideBySide, open_dataset
from piggygan.errors import DatasetError


def films(folder: Path, *names: str) -> Path:
    for name in names:
        for kind in ("images", "masks"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.eye(8, dtype=bool)).save(folder / kind / name)
    return folder


def test_images_with_masks_are_recognised_and_split_by_the_patients_of_a_list(tmp_path: Path) -> None:
    folder = films(tmp_path, "a.png", "b.png", "c.png")
    dataset = open_dataset(folder)
    assert type(dataset) is ImagesWithMasks
    with pytest.raises(DatasetError, match=r"3 of 3 pairs .* unknown patients.*patients\.json"):
        dataset.split({"train": 0.5, "test": 0.5})
    listed = {"a.png": "one", "c.png": "one", "b": "two"}
    (folder / "patients.json").write_text(json.dumps(listed), encoding="utf-8")
    split = ImagesWithMasks(folder).split({"train": 0.67, "test": 0.33})
    assert split == {"train": ["a", "c"], "test": ["b"]} or split == {"train": ["b"], "test": ["a", "c"]}


@pytest.mark.parametrize("content", ["", "[", "[1]", '{"a.png": 1}', "[" * 100_000])
def test_a_list_of_patients_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    folder = films(tmp_path, "a.png")
    (folder / "patients.json").write_text(content, encoding="utf-8")
    with pytest.raises(DatasetError, match=r"patients\.json"):
        _ = ImagesWithMasks(folder).patients


def test_pairs_side_by_side_are_seen_from_the_first_picture(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    Image.new("RGB", (16, 8)).save(tmp_path / "train/house.png")
    assert type(open_dataset(tmp_path)) is SideBySide
    assert open_dataset(tmp_path).sides == {"train": ["train/house"]}
    Image.new("RGB", (8, 8)).save(tmp_path / "train/house.png")
    assert type(open_dataset(tmp_path)) is Pictures
    (tmp_path / "train/house.png").write_text("no picture")
    assert type(open_dataset(tmp_path)) is Pictures


def test_pictures_are_found_below_and_other_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "deep/er").mkdir(parents=True)
    Image.new("L", (4, 4)).save(tmp_path / "deep/er/x.PNG", format="PNG")
    (tmp_path / "deep/scan.gif").touch()
    (tmp_path / "deep/loop").symlink_to(tmp_path)
    dataset = open_dataset(tmp_path)
    assert [files.name for files in dataset.files] == ["deep/er/x.PNG"]
    assert [skipped.name for skipped in dataset.incomplete] == ["deep/scan.gif"]


def test_a20_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DatasetError, match="no file that ends in"):
        open_dataset(tmp_path)


def test_what_a_mac_puts_beside_the_pictures_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    for name in ("._1.png", "1.png"):
        Image.new("RGB", (16, 8)).save(tmp_path / "train" / name)
    (tmp_path / "train" / "._1.png").write_bytes(b"no picture")
    assert type(open_dataset(tmp_path)) is SideBySide
    assert [files.name for files in Pictures(tmp_path).files] == ["train/1.png"]


def test_of_a_list_of_patients_only_the_suffix_of_a_picture_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    Image.new("RGB", (16, 8)).save(tmp_path / "train" / "scan.v2.png")
    (tmp_path / "patients.json").write_text('{"train/scan.v2": "one"}', encoding="utf-8")
    assert SideBySide(tmp_path).patients == {"train/scan.v2": "one"}
    (tmp_path / "patients.json").write_text('{"train/scan.v2.png": "one"}', encoding="utf-8")
    assert SideBySide(tmp_path).patients == {"train/scan.v2": "one"}
