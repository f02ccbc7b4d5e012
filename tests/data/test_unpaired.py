"""Two sides that nobody paired: what comes together, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data import (
    Pair,
    PairAugmentation,
    PairDataset,
    PictureReader,
    UnpairedDataset,
    batches,
    list_side_by_side,
)
from piggygan.errors import ConfigurationError, DatasetError


def write(folder: Path, count: int, first: int, side: int = 8, width: int | None = None) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        values = np.full((side, width or side, 3), first + number, dtype=np.uint8)
        Image.fromarray(values).save(folder / f"{number:03}.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "trainA", 5, first=0)
    write(tmp_path / "trainB", 3, first=100)
    return tmp_path


def levels(pair: Pair) -> tuple[int, int]:
    return tuple(round((side.mean().item() + 1) * 127.5) for side in (pair.input, pair.target))  # type: ignore[return-value]


def test_the_longer_side_counts_and_the_shorter_begins_again(folder: Path) -> None:
    data = UnpairedDataset.from_folders(folder, 8, matching="serial")
    assert [levels(data[index]) for index in range(len(data))] == [(0, 100), (1, 101), (2, 102), (3, 100), (4, 101)]
    assert data[0].name == "000 and 000"
    assert data[0].input.shape == data[0].target.shape == (3, 8, 8)


def test_random_matching_brings_any_target_anew_each_epoch_and_the_same_for_the_same_seed(folder: Path) -> None:
    data, again = (UnpairedDataset.from_folders(folder, 8, seed=4) for _ in range(2))
    seen: dict[int, list[int]] = {target: [] for target in (100, 101, 102)}
    for epoch in range(200):
        for one in (data, again):
            one.set_epoch(epoch)
        pairs = [levels(data[index]) for index in range(5)]
        assert [levels(again[index]) for index in range(5)] == pairs
        assert [first for first, _ in pairs] == [0, 1, 2, 3, 4]
        for first, second in pairs:
            seen[second].append(first)
    # Fair within five standard deviations: 1000 draws of three.
    assert all(abs(len(firsts) - 1000 / 3) < 5 * (1000 * 2 / 9) ** 0.5 for firsts in seen.values())
    assert all(set(firsts) == {0, 1, 2, 3, 4} for firsts in seen.values())


def test_a_paired_set_is_unpaired_so_that_no_pair_comes_together(tmp_path: Path) -> None:
    write(tmp_path / "pairs", 4, first=0, width=16)
    pairs = PairDataset.side_by_side(tmp_path / "pairs", 8)
    data = UnpairedDataset(pairs, pairs)
    partners: dict[int, set[int]] = {number: set() for number in range(4)}
    for epoch in range(60):
        data.set_epoch(epoch)
        for index in range(len(data)):
            first, second = levels(data[index])
            partners[first].add(second)
    assert partners == {number: set(range(4)) - {number} for number in range(4)}
    with pytest.raises(ConfigurationError, match="put the pairs together again"):
        UnpairedDataset(pairs, pairs, matching="serial")


def test_a_picture_of_either_side_that_is_exchanged_later_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path / "A", 2, first=0)
    write(tmp_path / "B", 2, first=100)
    sides = [PairDataset(list_side_by_side(tmp_path / side), PictureReader(3), 8, cache_bytes=0) for side in ("A", "B")]
    data = UnpairedDataset(*sides, matching="serial")
    assert len([data[index] for index in range(2)]) == 2
    for side in "AB":
        first, second = sorted((tmp_path / side).iterdir())
        before = second.read_bytes()
        second.write_bytes(first.read_bytes())
        assert data[0]
        with pytest.raises(DatasetError, match=f"'{second.stem}' is not the picture"):
            data[1]
        second.write_bytes(before)


def test_both_sides_are_varied_each_for_itself(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(0, 256, 16, dtype=np.uint8), (16, 1))
    for letter in "AB":
        (tmp_path / f"train{letter}").mkdir()
        for number in range(20):
            Image.fromarray(ramp).save(tmp_path / f"train{letter}" / f"{number:02}.png")
    flips = PairAugmentation(flip=0.5, zoom=(1.0, 1.0), shift=0.0, rotation_degrees=0.0, contrast=0.0, brightness=0.0)
    data = UnpairedDataset.from_folders(tmp_path, 16, matching="serial", augmentation=flips)
    flipped = [(bool(side[0, 0, 0] > 0)) for pair in map(data.__getitem__, range(20)) for side in pair[:2]]
    inputs, targets = flipped[::2], flipped[1::2]
    assert 0 < sum(inputs) < 20
    assert 0 < sum(targets) < 20
    assert inputs != targets


def test_sides_may_have_other_channels_and_a_batch_has_one_pair_unless_told(folder: Path) -> None:
    data = UnpairedDataset.from_folders(folder, 8, target_channels=1)
    batch = next(iter(batches(data)))
    assert batch.input.shape == (1, 3, 8, 8)
    assert batch.target.shape == (1, 1, 8, 8)


def test_pictures_are_stretched_like_those_of_pairs(tmp_path: Path) -> None:
    write(tmp_path / "trainA", 1, first=7, side=20, width=31)
    write(tmp_path / "trainB", 1, first=9)
    assert UnpairedDataset.from_folders(tmp_path, 8)[0].input.shape == (3, 8, 8)


def test_the_fingerprint_tells_apart_what_is_learned_from(folder: Path) -> None:
    def fingerprint(**arguments: object) -> str:
        return UnpairedDataset.from_folders(folder, 8, **arguments).fingerprint  # type: ignore[arg-type]

    assert fingerprint() == fingerprint()
    others = [fingerprint(seed=1), fingerprint(matching="serial"), fingerprint(target_channels=1)]
    Image.fromarray(np.zeros((8, 8, 3), dtype=np.uint8)).save(folder / "trainB" / "000.png")
    assert len({fingerprint(), *others, UnpairedDataset.from_folders(folder, 8).fingerprint}) == 4


def test_an_empty_or_missing_side_is_refused_by_name(folder: Path) -> None:
    for file in (folder / "trainB").iterdir():
        file.unlink()
    with pytest.raises(DatasetError, match="trainB' is empty: put pictures there"):
        UnpairedDataset.from_folders(folder, 8)
    (folder / "trainB").rmdir()
    with pytest.raises(DatasetError, match="there is no folder trainB"):
        UnpairedDataset.from_folders(folder, 8)
    with pytest.raises(DatasetError, match="there is no folder testA"):
        UnpairedDataset.from_folders(folder, 8, side="test")


def test_sides_of_two_sizes_and_a_pair_alone_are_refused(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "one", 1, first=0, width=16)
    small, large = (PairDataset.side_by_side(tmp_path / "one", size) for size in (8, 16))
    with pytest.raises(DatasetError, match="sides of 8 pixels, targets of 16"):
        UnpairedDataset(small, large)
    with pytest.raises(DatasetError, match="one pair cannot be unpaired"):
        UnpairedDataset(small, small)
    with pytest.raises(ConfigurationError, match="matching is 'sorted'"):
        UnpairedDataset.from_folders(folder, 8, matching="sorted")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="seed is -1"):
        UnpairedDataset(small, large, seed=-1)
    with pytest.raises(ConfigurationError, match="channels is 2"):
        PictureReader(2)


def test_a_picture_without_a_partner_has_a_target_of_no_channels(folder: Path) -> None:
    alone = PairDataset(list_side_by_side(folder / "trainA"), PictureReader(1), 4, augmentation=PairAugmentation())
    assert alone[0].input.shape == (1, 4, 4)
    assert alone[0].target.shape == (0, 4, 4)
    assert torch.isfinite(alone[0].input).all()
