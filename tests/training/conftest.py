"""Small pairs of pictures to learn from, and networks that take milliseconds."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from piggygan.networks import NormKind, PatchDiscriminator, UNetGenerator
from piggygan.training import Pix2PixObjective


class Pair(NamedTuple):
    input: Tensor
    target: Tensor
    name: str | list[str]


class Pairs(Dataset[Pair]):
    """Noise and its negative; notes down which epoch it was told."""

    def __init__(self, count: int = 3, side: int = 16) -> None:
        images = torch.rand(count, 1, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1
        self.pairs = [Pair(image, -image, f"image {index}") for index, image in enumerate(images)]
        self.epochs: list[int] = []

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Pair:
        return self.pairs[index]

    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)


@pytest.fixture
def pairs() -> Pairs:
    return Pairs()


@pytest.fixture
def make_pair() -> type[Pair]:
    return Pair


@pytest.fixture
def make_loader(pairs: Pairs) -> Callable[[], DataLoader[Pair]]:
    return lambda: DataLoader(pairs, batch_size=1, shuffle=True)


@pytest.fixture
def make_objective() -> Callable[..., Pix2PixObjective]:
    """Make the same small pix2pix at every call."""

    def make(norm: NormKind = "instance", **arguments: Any) -> Pix2PixObjective:
        torch.manual_seed(7)
        generator = UNetGenerator(1, 1, depth=3, width=2, norm=norm)
        discriminator = PatchDiscriminator(2, width=2, layers=1, norm=norm)
        noisy = nn.Sequential(nn.Dropout(0.1), generator)  # so that chance has a part in training
        return Pix2PixObjective(noisy, discriminator, **arguments)

    return make


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Two runs are to end in the same bytes, whatever else the machine does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
