import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data import batches
from piggygan.data.augmentation import PairAugmentation
from piggygan.data.folders import PairFiles
from piggygan.data.images import read_image
from piggygan.data.pairs import PairDataset
from piggygan.data.readers import MaskReader
from piggygan.errors import ConfigurationError, DatasetError, ImageError, PairError

RANDOM = np.random.default_rng(3)


@pytest.fixture
def with_masks(tmp_path: Path) -> tuple[Path, Path]:
    """Forty noisy images of 20 x 24 pixels and their masks."""
    images, masks = tmp_path / "images", tmp_path / "masks"
    images.mkdir()
    masks.mkdir()
    for number in range(40):
        Image.fromarray(RANDOM.integers(0, 256, (20, 24), dtype=np.uint8)).save(images / f"{number:02}.png")
        Image.fromarray(RANDOM.random((20, 24)) > 0.5).save(masks / f"{number:02}.png")
    return images, masks


@pytest.fixture
def side_by_side(tmp_path: Path) -> Path:
    folder = tmp_path / "train"
    folder.mkdir()
    for number in range(4):
        labels = RANDOM.integers(0, 3, (8, 8, 3), dtype=np.uint8) * 100
        photo = RANDOM.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(np.concatenate([photo, labels], axis=1)).save(folder / f"{number}.png")
    return folder


def same(first: PairDataset, second: PairDataset) -> bool:
    return len(first) == len(second) and all(
        torch.equal(a.input, b.input) and torch.equal(a.target, b.target) and a.name == b.name
        for a, b in zip(first, second, strict=True)  # type: ignore[call-overload]
    )


def test_items_are_pairs_of_the_size_asked_for(with_masks: tuple[Path, Path]) -> None:
    dataset = PairDataset.with_masks(*with_masks, 16, channels=1)
    assert len(dataset) == 40
    assert dataset.names[:2] == ["00", "01"]
    assert dataset.size == 16
    pair = dataset[3]
    assert (pair.name, pair.input.shape, pair.target.shape) == ("03", (1, 16, 16), (1, 16, 16))
    assert pair.target.unique().tolist() == [-1.0, 1.0]
    assert torch.equal(dataset[-37].input, pair.input)
    with pytest.raises(IndexError):
        dataset[40]
    assert PairDataset.with_masks(*with_masks, 16)[0].input.shape == (3, 16, 16)


def test_pictures_of_the_right_size_are_kept_exactly(side_by_side: Path) -> None:
    dataset = PairDataset.side_by_side(side_by_side, 8)
    whole = read_image(side_by_side / "2.png")
    assert torch.equal(dataset[2].input, whole[..., :8])
    assert torch.equal(dataset[2].target, whole[..., 8:])
    swapped = PairDataset.side_by_side(side_by_side, 8, input_side="right")
    assert torch.equal(swapped[2].input, whole[..., 8:])
    assert torch.equal(swapped[2].target, whole[..., :8])


def test_resized_labels_get_no_new_colours_and_resized_photos_do(side_by_side: Path) -> None:
    def levels(picture: torch.Tensor) -> set[int]:
        return set(((picture + 1) * 127.5).round().int().flatten().tolist())

    pair = PairDataset.side_by_side(side_by_side, 5)[0]
    assert levels(pair.target) <= {0, 100, 200}
    both_photos = PairDataset.side_by_side(side_by_side, 5, label_side=None)[0]
    assert not levels(both_photos.target) <= {0, 100, 200}
    swapped = PairDataset.side_by_side(side_by_side, 5, input_side="right", augmentation=PairAugmentation())
    assert levels(swapped[0].input) <= {0, 100, 200}


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
    kept = [part.levels for pair in dataset._cache.values() for part in pair]
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
        with pytest.raises(DatasetError, match="'07' is not the picture, or not the target, that it was"):
            list(batches(dataset, 4, workers=workers))
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


def test_variations_depend_on_seed_epoch_and_item_only(with_masks: tuple[Path, Path]) -> None:
    def dataset(seed: int) -> PairDataset:
        return PairDataset.with_masks(*with_masks, 16, augmentation=PairAugmentation(), seed=seed)

    first, again, other = dataset(1), dataset(1), dataset(2)
    for index in (5, 0, 5):  # in any order, any number of times, whatever else draws
        torch.rand(3)
        first[index]
    assert same(first, again)
    assert not same(first, other)
    in_epoch_0 = first[4].input
    again.set_epoch(3)
    first.set_epoch(3)
    assert same(first, again)
    assert not torch.equal(first[4].input, in_epoch_0)
    first.set_epoch(0)
    assert torch.equal(first[4].input, in_epoch_0)


def test_item_and_epoch_do_not_stand_for_each_other(with_masks: tuple[Path, Path]) -> None:
    """All pictures are alike here, so equal variations would show as equal pictures."""
    for number in range(40):
        for folder in with_masks:
            (folder / f"{number:02}.png").write_bytes((folder / "00.png").read_bytes())
    dataset = PairDataset.with_masks(*with_masks, 16, augmentation=PairAugmentation())
    seen = set()
    for epoch in range(5):
        dataset.set_epoch(epoch)
        seen |= {dataset[index].input.numpy().tobytes() for index in range(40)}
    assert len(seen) == 200


def test_without_augmentation_every_epoch_is_the_same(with_masks: tuple[Path, Path]) -> None:
    dataset = PairDataset.with_masks(*with_masks, 16)
    before = dataset[0].input
    dataset.set_epoch(9)
    assert torch.equal(dataset[0].input, before)


def test_arguments_are_checked_before_any_file_is_read(tmp_path: Path) -> None:
    files = [PairFiles("a", tmp_path / "missing.png", tmp_path / "missing.png")]
    for options, name in (
        ({"size": 0}, "size"),
        ({"seed": -1}, "seed"),
        ({"cache_bytes": -1}, "cache_bytes"),
        ({"max_skipped": 1.5}, "max_skipped"),
        ({"max_skipped": float("nan")}, "max_skipped"),
    ):
        with pytest.raises(ConfigurationError, match=name):
            PairDataset(files, MaskReader(), **{"size": 8, **options})  # type: ignore[arg-type]


def test_an_epoch_is_at_least_zero(side_by_side: Path) -> None:
    with pytest.raises(ConfigurationError, match="epoch is -1"):
        PairDataset.side_by_side(side_by_side, 8).set_epoch(-1)


@pytest.mark.unpickles
def test_a_data_set_can_be_sent_to_a_worker_process(side_by_side: Path) -> None:
    dataset = PairDataset.side_by_side(side_by_side, 8, augmentation=PairAugmentation())
    assert same(pickle.loads(pickle.dumps(dataset)), dataset)  # noqa: S301 (what spawned workers do)


def test_the_real_chest_x_rays_make_a_data_set(shared_data: Path) -> None:
    folder = shared_data / "covid_cxr"
    names = json.loads((folder / "splits.json").read_text())["test"]
    dataset = PairDataset.with_masks(folder / "images", folder / "masks", 64, names=names, channels=1)
    assert len(dataset) == len(names)
    assert dataset.skipped == []
    lungs = [float(pair.input[pair.target > 0].mean() - pair.input[pair.target < 0].mean()) for pair in dataset]  # type: ignore[attr-defined]
    assert np.mean(lungs) < -0.1  # air is darker than the rest


def test_the_real_facades_make_a_data_set(shared_data: Path) -> None:
    names = [str(number) for number in range(1, 9)]
    folder = shared_data / "facades" / "val"
    dataset = PairDataset.side_by_side(folder, 256, names=names)
    assert dataset.names == sorted(names)
    assert dataset[0].input.shape == dataset[0].target.shape == (3, 256, 256)
    saturation = [
        float((picture.amax(0) - picture.amin(0)).mean()) for picture in (dataset[0].input, dataset[0].target)
    ]
    assert saturation[1] > 2 * saturation[0]  # label colours are pure


def test_a_missing_name_is_an_error(side_by_side: Path) -> None:
    with pytest.raises(PairError, match="'99'"):
        PairDataset.side_by_side(side_by_side, 8, names=["99"])
