"""The Shenzhen films: masks by suffix, some films without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from piggygan.data.datasets import (
    Shenzhen,
    open_dataset,
)
from piggygan.errors import DatasetError


def test_films_that_were_published_without_mask_are_no_loss(shenzhen: Path) -> None:
    dataset = Shenzhen(shenzhen)
    assert [tuple(skipped) for skipped in dataset.incomplete] == [("CHNCXR_0003_0", "has no mask")]
    assert len(dataset.pairs(8)) == 4


def test_the_masks_of_shenzhen_may_lie_one_folder_deeper(shenzhen: Path) -> None:
    (shenzhen / "mask").rename(shenzhen / "inner")
    (shenzhen / "mask").mkdir()
    (shenzhen / "inner").rename(shenzhen / "mask" / "mask")
    assert len(open_dataset(shenzhen).files) == 4


def test_a_mask_belongs_to_its_film_by_its_suffix_and_other_files_beside_it_are_none(shenzhen: Path) -> None:
    (shenzhen / "mask/CHNCXR_0003_0.png").write_bytes((shenzhen / "mask/CHNCXR_0002_0_mask.png").read_bytes())
    dataset = Shenzhen(shenzhen)
    assert {files.image.stem: files.mask and files.mask.stem for files in dataset.files} == {
        f"CHNCXR_000{number}_0": f"CHNCXR_000{number}_0_mask" for number in (0, 1, 2, 4)
    }
    assert [skipped.name for skipped in dataset.incomplete] == ["CHNCXR_0003_0"]


def test_without_the_folder_of_masks_it_is_said_what_is_missing(shenzhen: Path) -> None:
    (shenzhen / "mask").rename(shenzhen / "masks")
    assert not Shenzhen.is_in(shenzhen)
    with pytest.raises(DatasetError, match="for the masks: there is no mask"):
        Shenzhen(shenzhen)
