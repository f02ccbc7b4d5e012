"""What was named is opened once, and its sides are read as they were divided."""

from pathlib import Path

import pytest
import torch

from piggygan.data import PairDataset, UnpairedDataset, write_image
from piggygan.data.arrangement import Wishes
from piggygan.jobs.source import Source


def named(**folders: Path) -> dict[str, Path | None]:
    return dict(folders)


def test_films_with_masks_are_read_side_by_side_and_their_fingerprint_follows_the_sides(lung_films: Path) -> None:
    source = Source.opened(named(data=lung_films), 0.05)
    assert source.kind == "masks"
    names = [files.name for files in source.dataset.files]
    found = source.read({"train": names[:6], "test": names[6:]}, Wishes(), size=16, seed=0)
    assert {side: len(data) for side, data in found.sides.items()} == {"train": 6, "test": 4}
    assert all(isinstance(data, PairDataset) for data in found.sides.values())
    assert (found.arranged.in_channels, found.arranged.out_channels, found.notes) == (3, 1, [])
    other = source.read({"train": names[:5], "test": names[5:]}, Wishes(), size=16, seed=0)
    assert other.fingerprint != found.fingerprint
    alone = source.read({"test": names[6:]}, Wishes(), size=16, seed=0)
    assert [*alone.sides] == ["test"]


@pytest.mark.parametrize("is_reversed", [False, True])
def test_pictures_that_nobody_paired_are_two_sides_either_way_round(tmp_path: Path, is_reversed: bool) -> None:
    for letter, value in (("A", -1.0), ("B", 1.0)):
        (tmp_path / f"train{letter}").mkdir()
        write_image(tmp_path / f"train{letter}" / "1.png", torch.full((3, 16, 16), value))
    source = Source.opened(named(data=tmp_path), 0.05)
    assert source.kind == "unpaired"
    wishes = Wishes(is_reversed=is_reversed)
    data = source.read({"train": ["trainA/1", "trainB/1"]}, wishes, size=16, seed=0).sides["train"]
    assert isinstance(data, UnpairedDataset)
    assert data[0].input.unique().tolist() == [1.0 if is_reversed else -1.0]
    assert data[0].target.unique().tolist() == [-1.0 if is_reversed else 1.0]
