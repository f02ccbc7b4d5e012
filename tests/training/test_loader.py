"""The batches of an epoch, in a way that can be repeated."""

from typing import Any

import torch
from torch import Tensor

from piggygan.training.loader import Loader
from piggygan.training.processes import Processes


def epoch(program: Any, number: int, done: int = 0, seed: int = 5) -> list[Tensor]:
    loader = Loader(program.make_data("shuffle"), Processes(0), seed)
    return [batch.input for batch in loader.epoch(number, done)]


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return [tensor.numpy().tobytes() for tensor in one] == [tensor.numpy().tobytes() for tensor in other]


def test_an_epoch_depends_on_seed_and_number_alone(program: Any) -> None:
    first = epoch(program, 1)
    torch.manual_seed(99)
    assert same(epoch(program, 1), first)
    assert not same(epoch(program, 2), first)
    assert not same(epoch(program, 1, seed=6), first)


def test_an_epoch_can_be_wound_forward(program: Any) -> None:
    assert same(epoch(program, 1, done=4), epoch(program, 1)[4:])
    assert epoch(program, 1, done=10) == []


def test_making_batches_draws_nothing_from_the_networks_random_states(program: Any) -> None:
    loader = Loader(program.make_data("shuffle"), Processes(0), 5)
    torch.manual_seed(3)
    expected = torch.rand(10)
    torch.manual_seed(3)
    assert [torch.rand(1) for _ in loader.epoch(0)] == list(expected.split(1))
