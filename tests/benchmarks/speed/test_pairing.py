"""Ratios within rounds, by a clock that is turned by hand."""

import itertools

import pytest
import torch

from benchmarks.speed import pairing

CPU = torch.device("cpu")


class Clock:
    """Stands still, but for what the contenders say they take."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def working(self, *seconds: float):
        taken = itertools.cycle(seconds)

        def work() -> None:
            self.now += next(taken)

        return work


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pairing, "time", clock)
    return clock


def test_a_ratio_is_the_median_of_those_within_rounds_and_not_a_ratio_of_medians(clock: Clock) -> None:
    contenders = {"plain": clock.working(1, 2, 100, 1, 2), "ours": clock.working(2, 6, 50, 4, 2)}
    found = pairing.paired(contenders, reference="plain", device=CPU, seconds=0, least=5, warm_up=0)
    # ratios 2, 3, 0.5, 4, 1; differences 1, 4, -50, 3, 0
    assert found["ours"].ratio == 2.0
    assert found["ours"].milliseconds == pytest.approx(4000)
    assert found["ours"].difference == pytest.approx(1000)
    assert (found["ours"].low, found["ours"].high) == (0.75, 3.5)
    assert found["plain"].milliseconds == pytest.approx(2000)
    assert (found["plain"].ratio, found["plain"].difference) == (1.0, 0.0)


def test_rounds_go_on_until_the_time_is_up_and_warming_up_is_not_in_it(clock: Clock) -> None:
    found = pairing.paired({"one": clock.working(1.0)}, reference="one", device=CPU, seconds=10.0, least=2, warm_up=7)
    assert found["one"].rounds == 10


def test_slow_contenders_still_run_the_least_number_of_rounds(clock: Clock) -> None:
    found = pairing.paired({"one": clock.working(60.0)}, reference="one", device=CPU, seconds=1.0, least=3, warm_up=0)
    assert found["one"].rounds == 3


def test_one_round_has_no_spread(clock: Clock) -> None:
    contenders = {"one": clock.working(2.0), "other": clock.working(3.0)}
    other = pairing.paired(contenders, reference="one", device=CPU, seconds=0, least=1, warm_up=0)["other"]
    assert (other.low, other.ratio, other.high) == (1.5, 1.5, 1.5)


def test_who_comes_first_changes_from_round_to_round() -> None:
    order: list[str] = []
    contenders = {name: (lambda name=name: order.append(name)) for name in "abc"}
    pairing.paired(contenders, reference="a", device=CPU, seconds=0, least=3, warm_up=0)
    assert "".join(order) == "abcbcacab"
