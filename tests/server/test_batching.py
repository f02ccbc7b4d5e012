"""Batches: formed where they change nothing, never where they do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from piggygan.prediction import PredictionOptions
from piggygan.prediction.ensemble import Pooled
from piggygan.prediction.running import Network
from piggygan.registry import TaskRegistry
from piggygan.server.batching import TRIES, Computing
from piggygan.server.held import HeldTasks, Proof


@pytest.fixture
def computing() -> Iterator[Computing]:
    computing = Computing()
    yield computing
    computing.close()


def ready(translate: Callable[[Sequence[Tensor]], list[Tensor]]) -> Any:
    network = Network(lambda canvases: [Pooled(one) for one in translate(canvases)], PredictionOptions())  # type: ignore[arg-type]
    return SimpleNamespace(network=network, side=2, proof=Proof())


def held_back(computing: Computing, give: Callable[[], list[Any]]) -> list[Any]:
    """Give orders while the thread is busy, so that they wait together."""
    free = threading.Event()
    computing.do(free.wait)
    given = give()
    free.set()
    return [made[0] if isinstance(made := future.result(timeout=30), tuple) else made for future in given]


def slow_alone(sizes: list[int]) -> Callable[[Sequence[Tensor]], list[Tensor]]:
    """Take as long for many as for one."""

    def translate(canvases: Sequence[Tensor]) -> list[Tensor]:
        sizes.append(len(canvases))
        threading.Event().wait(0.02)
        return list(canvases)

    return translate


def test_a_size_proves_itself_once_and_is_used_from_then_on(computing: Computing) -> None:
    sizes: list[int] = []
    task = ready(slow_alone(sizes))
    canvases = [torch.full((1, 2, 2), float(number)) for number in range(4)]
    for _ in range(2):
        found = held_back(computing, lambda: [computing.translate(task, canvas) for canvas in canvases])
        assert all(torch.equal(one, canvas) for one, canvas in zip(found, canvases, strict=True))
    assert sizes == [1, 1, 1, 1, 4, 4]
    assert (task.proof.batches, computing.proved) == ({4: True}, 1)
    assert computing.batches == {1: 4, 4: 1}


@pytest.mark.parametrize("value", [1.0, -0.0])  # -0.0 + 0.0 is 0.0, which `torch.equal` takes for the same
def test_a_size_that_changes_a_bit_is_never_used(computing: Computing, value: float) -> None:
    sizes: list[int] = []

    def translate(canvases: Sequence[Tensor]) -> list[Tensor]:
        sizes.append(len(canvases))
        threading.Event().wait(0.02)
        return [canvas + (0.0 if value == 0 else 1e-7) if len(canvases) > 1 else canvas.clone() for canvas in canvases]

    task, canvas = ready(translate), torch.full((1, 2, 2), value)
    for _ in range(3):
        for one in held_back(computing, lambda: [computing.translate(task, canvas) for _ in range(2)]):
            assert one.numpy().tobytes() == canvas.numpy().tobytes()
    assert task.proof.batches == {2: False}
    assert sizes.count(2) == 1


def test_a_size_that_gains_nothing_is_not_used(computing: Computing) -> None:
    def translate(canvases: Sequence[Tensor]) -> list[Tensor]:
        threading.Event().wait(0.02 * len(canvases) ** 2)
        return list(canvases)

    task = ready(translate)
    for tries in range(1, TRIES + 1):
        held_back(computing, lambda: [computing.translate(task, torch.zeros(1, 2, 2)) for _ in range(2)])
        assert task.proof.batches == ({2: False} if tries == TRIES else {})
    assert computing.refused == 1


def test_others_do_not_join_and_none_waits_for_ever(computing: Computing) -> None:
    sizes: list[int] = []
    task, other = ready(slow_alone(sizes)), ready(slow_alone(sizes))
    large = torch.zeros(1, 4, 2)

    def give() -> list[Any]:
        return [
            computing.translate(task, torch.zeros(1, 2, 2)),
            computing.translate(other, torch.zeros(1, 2, 2)),
            computing.translate(task, large),
            computing.do(lambda: "done"),
        ]

    assert held_back(computing, give)[-1] == "done"
    assert sizes == [1, 1, 1]


def test_what_is_wrong_with_one_is_not_wrong_with_the_others(computing: Computing) -> None:
    def translate(canvases: Sequence[Tensor]) -> list[Tensor]:
        if any(bool(canvas.isnan().any()) for canvas in canvases):
            raise RuntimeError
        return list(canvases)

    task = ready(translate)
    bad = torch.full((1, 2, 2), float("nan"))
    free = threading.Event()
    computing.do(free.wait)
    futures = [computing.translate(task, canvas) for canvas in (torch.zeros(1, 2, 2), bad)]
    gone = computing.translate(task, bad)
    gone.cancel()
    free.set()
    assert futures[0].result(timeout=30)[0].sum() == 0
    with pytest.raises(RuntimeError):
        futures[1].result(timeout=30)


def test_a_network_gives_the_same_bits_in_a_batch_or_is_not_batched(clinic: Path, computing: Computing) -> None:
    task = HeldTasks(TaskRegistry(clinic)).ready("lungs", None, PredictionOptions())
    canvases = [torch.rand(3, 16, 16) * 2 - 1 for _ in range(8)]
    alone = [task.ensemble([canvas])[0].output for canvas in canvases]
    for _ in range(2 + TRIES):
        found = held_back(computing, lambda: [computing.translate(task, canvas) for canvas in canvases])
        assert [one.numpy().tobytes() for one in found] == [one.numpy().tobytes() for one in alone]
    assert 8 in task.proof.batches
