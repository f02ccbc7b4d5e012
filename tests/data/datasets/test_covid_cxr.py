"""The COVID-19 films: one source on one side, licences from the table."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from piggygan.data.datasets import CovidXrays, ImagesWithMasks, open_dataset
from piggygan.errors import (
    DatasetError,
)


def test_films_of_one_article_are_of_one_source(covid_cxr: Path) -> None:
    dataset = CovidXrays(covid_cxr)
    assert dataset.patients == {"a-day0": "10.1/x", "a-day3": "10.1/x", "b": "https://e.org/b", "c": "c"}
    assert dataset.licences["b"] == "CC BY"
    assert dataset.pairs(8, side="test").names == ["c"]
    for seed in range(20):
        split = dataset.split({"train": 0.5, "test": 0.5}, seed=seed)
        assert sorted(split["train"] + split["test"]) == sorted(dataset.patients)
        assert ("a-day0" in split["train"]) == ("a-day3" in split["train"])


def test_a_table_without_its_columns_is_an_error(covid_cxr: Path) -> None:
    (covid_cxr / "licences.csv").write_text("file,url\na.png,x\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"licences\.csv.*licence_in_source_metadata"):
        _ = CovidXrays(covid_cxr).patients


def test_the_real_films_are_complete_and_their_sides_divide_no_source(shared_data: Path) -> None:
    dataset = open_dataset(shared_data / "covid_cxr")
    dataset.require_complete()
    assert {side: len(names) for side, names in dataset.sides.items()} == {"train": 55, "test": 19}
    train, test = ({dataset.patients[name] for name in dataset.sides[side]} for side in ("train", "test"))
    assert not train & test


def test_a_table_that_is_a_pipe_is_not_waited_for(covid_cxr: Path) -> None:
    (covid_cxr / "licences.csv").unlink()
    with pytest.raises(DatasetError, match=r"licences\.csv' cannot be read \(FileNotFoundError\)"):
        _ = CovidXrays(covid_cxr).patients
    os.mkfifo(covid_cxr / "licences.csv")
    with pytest.raises(DatasetError, match=r"licences\.csv' is not a regular file"):
        _ = CovidXrays(covid_cxr).patients


def test_a_table_in_another_encoding_is_refused(covid_cxr: Path) -> None:
    (covid_cxr / "licences.csv").write_bytes(b"file,licence_in_source_metadata,doi,url\n\xff.png,CC,x,y\n")
    with pytest.raises(DatasetError, match=r"cannot be read \(UnicodeDecodeError\)"):
        _ = CovidXrays(covid_cxr).licences


def test_without_its_table_a_folder_is_one_of_images_with_masks(covid_cxr: Path) -> None:
    assert CovidXrays.is_in(covid_cxr)
    (covid_cxr / "licences.csv").unlink()
    assert not CovidXrays.is_in(covid_cxr)
    assert type(open_dataset(covid_cxr)) is ImagesWithMasks
