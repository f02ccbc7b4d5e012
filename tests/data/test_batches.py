from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.utils import send_to_device
from PIL import Image

from piggygan.data.augmentation import PairAugmentation
from piggygan.data.batches import EpochSampler, PairBatch, batches
from piggygan.data.pairs import PairDataset
from piggygan.errors import ConfigurationError


@pytest.fixture
def dataset(tmp_path: Path) -> PairDataset:
    random = np.random.default_rng(3)
    for number in range(10):
        values = random.integers(0, 256, (8, 16, 3), dtype=np.uint8)
        Image.fromarray(values).save(tmp_path / f"{number}.png")
    return PairDataset.side_by_side(tmp_path, 8, augmentation=PairAugmentation())


def contents(loader: Iterable[PairBatch]) -> list[tuple[bytes, bytes, list[str]]]:
    return [(batch.input.numpy().tobytes(), batch.target.numpy().tobytes(), batch.name) for batch in loader]


def names(loader: Iterable[PairBatch]) -> list[str]:
    return [name for batch in loader for name in batch.name]


def test_a_batch_stacks_pairs_and_lists_names(dataset: PairDataset) -> None:
    loader = batches(dataset, 4, shuffle=False)
    all_batches = list(loader)
    assert [len(batch.name) for batch in all_batches] == [4, 4, 2]
    first = all_batches[0]
    assert isinstance(first, PairBatch)
    assert first.input.shape == first.target.shape == (4, 3, 8, 8)
    assert first.name == ["0", "1", "2", "3"]
    assert torch.equal(first.input[2], dataset[2].input)
    assert [len(batch.name) for batch in batches(dataset, 4, drop_last=True)] == [4, 4]


def test_an_epoch_holds_every_pair_once_in_its_own_order(dataset: PairDataset) -> None:
    loader = batches(dataset, 3, seed=7)
    orders = []
    for epoch in range(4):
        loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
        orders.append(names(loader))
        assert sorted(orders[-1]) == dataset.names
    assert len({tuple(order) for order in orders}) == 4
    loader.sampler.set_epoch(2)  # type: ignore[attr-defined]
    assert names(loader) == orders[2]
    assert names(batches(dataset, 3, seed=8)) != names(batches(dataset, 3, seed=7))


@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.unpickles
def test_the_number_of_workers_changes_nothing(dataset: PairDataset) -> None:
    for epoch in (0, 3):
        expected = None
        for workers in (0, 2):
            loader = batches(dataset, 4, workers=workers)
            loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
            found = contents(loader)
            assert expected is None or found == expected
            expected = found


def test_the_random_state_of_the_program_is_neither_read_nor_moved(dataset: PairDataset) -> None:
    torch.manual_seed(1)
    first, state = contents(batches(dataset, 4)), torch.get_rng_state()
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert contents(batches(dataset, 4)) == first


def test_the_sampler_moves_the_data_set_to_its_epoch(dataset: PairDataset) -> None:
    at_start = dataset[0].input
    EpochSampler(dataset).set_epoch(5)
    moved = dataset[0].input
    dataset.set_epoch(5)
    assert torch.equal(dataset[0].input, moved)
    assert not torch.equal(moved, at_start)


def test_accelerate_moves_batches_and_counts_epochs(dataset: PairDataset) -> None:
    batch = send_to_device(next(iter(batches(dataset, 2))), torch.device("meta"))
    assert isinstance(batch, PairBatch)
    assert batch.input.is_meta
    assert isinstance(batch.name, list)

    expected = []
    plain = batches(dataset, 4, seed=1)
    for epoch in range(2):
        plain.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
        expected.append(contents(plain))
    prepared = Accelerator(cpu=True).prepare(batches(dataset, 4, seed=1))
    assert [contents(prepared) for _ in range(2)] == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": -1}, "batch_size is -1"),
        ({"batch_size": 2, "workers": -1}, "workers is -1"),
        ({"batch_size": 2, "seed": -1}, "seed is -1"),
        ({"batch_size": 11, "drop_last": True}, "nothing remains"),
    ],
)
def test_arguments_outside_their_range_are_refused(dataset: PairDataset, options: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        batches(dataset, **options)  # type: ignore[arg-type]
