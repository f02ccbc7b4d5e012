"""Canvases through the network: what goes wrong with one is its own, and each has its own findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from piggygan.prediction import Finding
from piggygan.prediction.ensemble import Pooled
from piggygan.prediction.options import PredictionOptions
from piggygan.prediction.running import Network


class Halving:
    """A network that halves canvases, has no memory for two at once, and breaks at a canvas of ones."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.seen: list[int] = []

    def __call__(self, canvases: Sequence[Tensor]) -> list[Pooled]:
        self.seen.append(len(canvases))
        if len(canvases) > self.most or any(bool((canvas == 1).all()) for canvas in canvases):
            raise MemoryError
        self.features = torch.stack([canvas.flatten()[:1] for canvas in canvases])
        return [Pooled(canvas / 2, spread=canvas[:1], disagreement=0.25) for canvas in canvases]


class Knowing:
    """Finds a canvas's first number in its features."""

    def __init__(self, network: Halving) -> None:
        self._network = network

    @contextmanager
    def watching(self) -> Iterator[Any]:
        yield self._network

    def findings(self, canvas: Tensor, features: Tensor) -> tuple[Finding, ...]:
        assert float(canvas.flatten()[0]) == float(features[0])
        return (Finding("first", float(features[0])),)


def through(network: Halving, likeness: Any = None, *, disagreement: bool = False) -> Network:
    return Network(network, PredictionOptions(disagreement=disagreement), likeness)  # type: ignore[arg-type]


DIFFER = Finding("disagreement", 0.25)
CANVASES = [torch.full((3, 4, 4), value) for value in (0.25, 1.0, 0.75)]


def test_what_breaks_takes_no_other_with_it_and_findings_stay_with_their_canvas() -> None:
    for most in (1, 3):
        network = Halving(most)
        good, broken, other = through(network, Knowing(network))(CANVASES)
        assert isinstance(good[0], Tensor)
        assert torch.equal(good[0], CANVASES[0] / 2)
        assert (good[1], other[1]) == ((Finding("first", 0.25), DIFFER), (Finding("first", 0.75), DIFFER))
        assert isinstance(broken[0], MemoryError)
        assert broken[1] == ()
        assert network.seen == [3, 1, 1, 1]


def test_what_is_wrong_with_a_comparison_is_the_end_of_that_film_alone() -> None:
    network = Halving(3)

    def findings(canvas: Tensor, features: Tensor) -> tuple[Finding, ...]:
        del features
        if float(canvas.flatten()[0]) == 0.75:
            raise ValueError
        return ()

    likeness: Any = SimpleNamespace(watching=Knowing(network).watching, findings=findings)
    good, broken = through(network, likeness)([CANVASES[0], CANVASES[2]])
    assert isinstance(good[0], Tensor)
    assert isinstance(broken[0], ValueError)


def test_of_films_that_are_not_compared_nothing_is_found() -> None:
    assert through(Halving(3))([]) == []
    assert [findings for _, findings in through(Halving(3))(CANVASES[:1])] == [(DIFFER,)]


def test_where_members_disagree_is_the_last_channel_if_it_is_asked_for() -> None:
    ((output, _),) = through(Halving(3), disagreement=True)(CANVASES[:1])
    assert isinstance(output, Tensor)
    assert torch.equal(output, torch.cat([CANVASES[0] / 2, CANVASES[0][:1]]))
