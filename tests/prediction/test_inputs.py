"""Which files are taken, and that no two get one name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piggygan.errors import DatasetError
from piggygan.prediction.inputs import LONGEST_NAME, _unused_name, list_inputs


def test_two_inputs_of_one_stem_get_two_names(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for name in ("a/film.png", "b/film.png", "a/film.jpg", "a/FILM.dcm", "a/film-2.png"):
        (tmp_path / name).touch()
    names = [file.name for file in list_inputs([tmp_path / "a", tmp_path / "b" / "film.png"]).files]
    assert names == ["FILM", "film-2", "film-3", "film-4", "film-5"]


@given(stems=st.lists(st.sampled_from(["a", "A", "a-2", "a-3", "b", "ß", "SS", "x" * 300, "é" * 200]), max_size=12))
def test_names_never_collide_and_are_short_enough_for_any_file_system(stems: list[str]) -> None:
    taken: dict[str, int] = {}
    names = [_unused_name(stem, taken) for stem in stems]
    assert len({name.casefold() for name in names}) == len(stems)
    assert all(len(os.fsencode(name)) <= LONGEST_NAME + 3 for name in names)


def test_of_a_folder_images_are_taken_by_name_and_dicom_files_by_content(
    tmp_path: Path, write_film: Callable[..., Path]
) -> None:
    write_film(tmp_path / "IM000001", np.zeros((4, 4), dtype=np.uint8))
    write_film(tmp_path / "1.2.840.10008", np.zeros((4, 4), dtype=np.uint8))
    write_film(tmp_path / "posing.png", np.zeros((4, 4), dtype=np.uint8))
    for name in ("b.PNG", "a.jpeg", "notes.txt", ".hidden.png"):
        (tmp_path / name).write_bytes(b"not empty")
    (tmp_path / "folder.png").mkdir()
    found = [(file.path.name, file.may_be_dicom) for file in list_inputs([tmp_path]).files]
    assert found == [
        ("1.2.840.10008", True),
        ("IM000001", True),
        ("a.jpeg", False),
        ("b.PNG", False),
        ("posing.png", False),
    ]


def test_a20_a_folder_without_images_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DatasetError, match="has no image, but 1 other"):
        list_inputs([tmp_path])
    with pytest.raises(DatasetError, match="no files are given"):
        list_inputs([])


def test_a18_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    os.mkfifo(tmp_path / "pipe")
    (file,) = list_inputs([tmp_path]).files
    assert (file.path.name, file.may_be_dicom) == ("pipe.png", False)
