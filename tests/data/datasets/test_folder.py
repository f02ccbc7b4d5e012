"""What every data set in a folder can do: match partners, choose pairs, refuse what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from piggygan.data.datasets import (
    CovidXrays,
    Facades,
    ImagesWithMasks,
    Montgomery,
    SideBySide,
    open_dataset,
)
from piggygan.errors import (
    ConfigurationError,
    DatasetError,
    PairError,
)


def test_a17_a_film_without_one_of_its_masks_is_left_out_by_name(montgomery: Path) -> None:
    (montgomery / "ManualMask/rightMask/MCUCXR_0001_1.png").unlink()
    (montgomery / "CXR_png/MCUCXR_0002_0.png").unlink()
    dataset = Montgomery(montgomery)
    assert [files.name for files in dataset.files] == ["MCUCXR_0000_0", "MCUCXR_0003_1"]
    assert [tuple(skipped) for skipped in dataset.incomplete] == [
        ("MCUCXR_0001_1", "has no right mask"),
        ("MCUCXR_0002_0", "has a left mask and no image"),
        ("MCUCXR_0002_0", "has a right mask and no image"),
    ]


def test_a17_too_many_films_without_masks_are_an_error(montgomery: Path) -> None:
    (montgomery / "ManualMask/rightMask/MCUCXR_0001_1.png").unlink()
    with pytest.raises(DatasetError, match=r"1 of 4 films .* lack their partner[\s\S]*'MCUCXR_0001_1': has no right"):
        Montgomery(montgomery).pairs(8)
    with pytest.raises(DatasetError, match="lack their partner"):
        Montgomery(montgomery).pairs(8, names=["MCUCXR_0000_0"])
    assert len(Montgomery(montgomery).pairs(8, max_skipped=0.25)) == 3


def test_a17_two_films_of_one_name_are_refused(montgomery: Path) -> None:
    Image.new("L", (4, 4)).save(montgomery / "CXR_png" / "mcucxr_0001_1.PNG", format="PNG")
    with pytest.raises(PairError, match="alike"):
        Montgomery(montgomery)


def test_a13_a17_a_mask_of_another_size_is_skipped_with_both_names(montgomery: Path) -> None:
    Image.new("1", (6, 5)).save(montgomery / "ManualMask/leftMask/MCUCXR_0001_1.png")
    pairs = Montgomery(montgomery).pairs(8, max_skipped=0.25)
    assert [skipped.name for skipped in pairs.skipped] == ["MCUCXR_0001_1"]
    assert "12 x 10 pixels and its mask" in pairs.skipped[0].reason
    assert "6 x 5" in pairs.skipped[0].reason


def test_choosing_pairs_twice_or_wrongly_is_refused(facades: Path) -> None:
    dataset = Facades(facades)
    with pytest.raises(ConfigurationError, match="one of them"):
        dataset.pairs(8, side="train", names=["train/1"])
    with pytest.raises(DatasetError, match="nothing under 'dev'"):
        dataset.pairs(8, side="dev")
    with pytest.raises(PairError, match="'train/9'"):
        dataset.pairs(8, names=["train/9", "train/1"])
    with pytest.raises(ConfigurationError, match="known are montgomery"):
        open_dataset(facades, "mnist")
    with pytest.raises(DatasetError, match="no such folder"):
        open_dataset(facades / "nowhere")


def test_pairs_are_the_same_as_the_training_read_before(facades: Path, covid_cxr: Path) -> None:
    from piggygan.data import PairDataset

    before = PairDataset.side_by_side(facades / "train", 8)
    now = Facades(facades).pairs(8, side="train")
    assert all(torch.equal(now[index].target, before[index].target) for index in range(3))
    films = PairDataset.with_masks(covid_cxr / "images", covid_cxr / "masks", 8, names=["c"])
    assert CovidXrays(covid_cxr).pairs(8, side="test").fingerprint == films.fingerprint


def test_one_name_is_one_pair_and_not_its_letters(facades: Path) -> None:
    assert Facades(facades).pairs(8, names="val/2").names == ["val/2"]


def test_names_are_taken_once_and_in_order(facades: Path) -> None:
    assert Facades(facades).pairs(8, names=["val/2", "train/3", "val/2"]).names == ["train/3", "val/2"]


def test_a_set_is_complete_only_with_as_many_pairs_as_were_published(facades: Path) -> None:
    with pytest.raises(DatasetError, match=r"has 6 pairs; CMP facades in pix2pix form has 606\. Get it anew: http"):
        Facades(facades).require_complete()
    whole = Facades(facades)
    whole.files = (whole.files * 101)[:606]
    whole.require_complete()
    ImagesWithMasks.require_complete(SideBySide(facades))  # nobody published how many there are


def test_a_split_knows_the_patient_of_every_pair_or_is_refused(covid_cxr: Path) -> None:
    dataset = CovidXrays(covid_cxr)
    dataset.patients = {"b": "one"}
    with pytest.raises(DatasetError, match=r"3 of 4 pairs in .* are of unknown patients, such as 'a-day0'"):
        dataset.split({"train": 0.5, "test": 0.5})
    with pytest.raises(ConfigurationError, match="together they must be 1"):
        CovidXrays(covid_cxr).split({"train": 0.5, "test": 0.6})
