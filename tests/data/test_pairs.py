import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from piggygan.data.augmentation import PairAugmentation
from piggygan.data.folders import PairFiles
from piggygan.data.images import read_image
from piggygan.data.mask_reader import MaskReader
from piggygan.data.pairs import PairDataset
from piggygan.errors import ConfigurationError, PairError

RANDOM = np.random.default_rng(3)


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
