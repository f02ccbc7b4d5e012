"""Pairs decoded once: kept, decoded again and known again, or left out with the reason."""

import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data import batches
from piggygan.data.augmentation import PairAugmentation
from piggygan.data.folders import PairFiles
from piggygan.data.mask_reader import MaskReader
from piggygan.data.pairs import PairDataset
from piggygan.errors import DatasetError, ImageError

RANDOM = np.random.default_rng(3)


def same(first: PairDataset, second: PairDataset) -> bool:
    return len(first) == len(second) and all(
        torch.equal(a.input, b.input) and torch.equal(a.target, b.target) and a.name == b.name
        for a, b in zip(first, second, strict=True)  # type: ignore[call-overload]
    )


def test_sixteen_bits_survive_the_cache(tmp_path: Path) -> None:
    values = RANDOM.integers(0, 65536, (8, 8)).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    Image.fromarray(values > 100).save(tmp_path / "mask.png")
    dataset = PairDataset([PairFiles("a", tmp_path / "a.png", tmp_path / "mask.png")], MaskReader(1), 8)
    np.testing.assert_allclose(dataset[0].input[0], values / 65535.0 * 2 - 1, atol=2e-7)


def test_a_small_cache_changes_nothing(with_masks: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"augmentation": PairAugmentation(), "seed": 5}
    everything = PairDataset.with_masks(*with_masks, 16, **options)
    little = PairDataset.with_masks(*with_masks, 16, cache_bytes=40_000, **options)
    nothing = PairDataset.with_masks(*with_masks, 16, cache_bytes=0, **options)
    assert same(everything, little)
    assert same(everything, nothing)
    # What is in memory is not read again, and what is not is.
    read: list[str] = []
    monkeypatch.setattr(MaskReader, "read", lambda _self, files: read.append(files.name) or 1 / 0)
    everything[0], everything[39], little[0]
    assert read == []
    for dataset, index in ((little, 39), (nothing, 0)):
        with pytest.raises(ZeroDivisionError):
            dataset[index]
    assert read == ["39", "00"]


def test_the_cache_stays_within_its_bytes(with_masks: tuple[Path, Path]) -> None:
    dataset = PairDataset.with_masks(*with_masks, 16, channels=1, cache_bytes=5000)
    kept = [part.levels for pair in dataset._decoded._kept.values() for part in pair]
    assert 5000 - 2 * 768 < sum(levels.nbytes for levels in kept) <= 5000


def test_a_file_that_vanishes_later_raises_our_error(with_masks: tuple[Path, Path]) -> None:
    dataset = PairDataset.with_masks(*with_masks, 16, cache_bytes=0)
    (with_masks[0] / "07.png").unlink()
    with pytest.raises(ImageError, match=r"07\.png"):
        dataset[7]


@pytest.mark.parametrize("side", ["image", "mask"])
@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.unpickles)])
def test_a_picture_exchanged_later_is_refused_by_name_and_taken_again_when_it_is_back(
    with_masks: tuple[Path, Path], side: str, workers: int
) -> None:
    dataset = PairDataset.with_masks(*with_masks, 16, cache_bytes=0)
    path = with_masks[0 if side == "image" else 1] / "07.png"
    before, pair = path.read_bytes(), dataset[7]
    for exchanged in (np.flipud(np.asarray(Image.open(path))), np.asarray(Image.open(path.with_name("08.png")))):
        Image.fromarray(exchanged).save(path)
        with pytest.raises(DatasetError, match="'07' is not the picture, or not the target, that it was") as caught:
            list(batches(dataset, 4, workers=workers))
        # What torch raises holds itself, and so the loader: the collector would wait for its processes in vain.
        traceback.clear_frames(caught.tb)
        assert dataset[8].name == "08"
    path.write_bytes(before)
    assert torch.equal(dataset[7].input, pair.input)
    Image.open(path).save(path, compress_level=0)  # other bytes, the same picture
    assert path.read_bytes() != before
    assert torch.equal(dataset[7].target, pair.target)


def test_a_picture_exchanged_later_stays_what_it_was_in_the_cache(with_masks: tuple[Path, Path]) -> None:
    half = 20 * (3 * 16 * 16 * 2 + 16 * 16)  # bytes of photos at 16 bits and of masks at 8
    whole, dataset = PairDataset.with_masks(*with_masks, 16), PairDataset.with_masks(*with_masks, 16, cache_bytes=half)
    assert dataset.fingerprint == whole.fingerprint
    for name in ("00.png", "39.png"):
        (with_masks[0] / name).write_bytes((with_masks[0] / "10.png").read_bytes())
    assert torch.equal(dataset[0].input, whole[0].input)
    with pytest.raises(DatasetError, match="'39' is not the picture"):
        dataset[39]


def test_a17_unusable_files_are_skipped_and_listed(with_masks: tuple[Path, Path]) -> None:
    (with_masks[0] / "05.png").write_bytes(b"<html>")
    Image.new("1", (3, 3)).save(with_masks[1] / "08.png")
    dataset = PairDataset.with_masks(*with_masks, 16)
    assert len(dataset) == 38
    assert [skipped.name for skipped in dataset.skipped] == ["05", "08"]
    assert "not a PNG or JPEG" in dataset.skipped[0].reason
    assert "24 x 20 pixels and its mask" in dataset.skipped[1].reason
    assert "05" not in dataset.names
    assert dataset[5].name == "06"


def test_a17_too_many_unusable_files_are_an_error_that_lists_ten(with_masks: tuple[Path, Path]) -> None:
    for number in range(12):
        (with_masks[1] / f"{number:02}.png").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"12 of 40 pairs cannot be used; at most 5%") as caught:
        PairDataset.with_masks(*with_masks, 16)
    assert "'09'" in str(caught.value)
    assert "'10'" not in str(caught.value)
    assert "and 2 more" in str(caught.value)
    assert len(PairDataset.with_masks(*with_masks, 16, max_skipped=0.3)) == 28


def test_a20_nothing_left_is_an_error_whatever_may_be_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(DatasetError, match="1 of 1"):
        PairDataset.side_by_side(tmp_path, 16, max_skipped=1.0)
    with pytest.raises(DatasetError, match="empty"):
        PairDataset([], MaskReader(), 16)


def test_an_error_that_is_not_the_files_fault_is_not_skipped(side_by_side: Path) -> None:
    class BrokenReader(MaskReader):
        def read(self, files: PairFiles) -> tuple[torch.Tensor, torch.Tensor]:
            raise RuntimeError(files.name)

    with pytest.raises(RuntimeError, match="a"):
        PairDataset([PairFiles("a", side_by_side / "0.png")], BrokenReader(), 8)
