"""Time several ways to do one thing against each other, in one process and in turns.

What else a machine does, its clock and its caches change from second to second; a ratio within one round hardly does.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

Work = Callable[[], Any]


@dataclass(frozen=True)
class Timing:
    """What one contender took, over all rounds.

    Attributes:
        milliseconds: Median over the rounds.
        ratio: Median over the rounds of its time divided by the reference's in the same round.
        low: First quartile of those ratios.
        high: Third quartile.
        difference: Median over the rounds of its time minus the reference's in the same round, in milliseconds.
        rounds: How many.
    """

    milliseconds: float
    ratio: float
    low: float
    high: float
    difference: float
    rounds: int


def paired(
    contenders: Mapping[str, Work],
    *,
    reference: str,
    device: torch.device,
    seconds: float = 20.0,
    least: int = 5,
    warm_up: int = 2,
    lead_in: int = 0,
    runs: int = 1,
    clock: Callable[[], float] | None = None,
) -> dict[str, Timing]:
    """Run all contenders once a round, in an order that rotates, until the time is up.

    Args:
        contenders: What to time, by name.
        reference: The one that the others are divided by.
        device: Where they run; it is waited for before and after each.
        seconds: How long to go on.
        least: Rounds that are run however long they take.
        warm_up: Runs of each before anything is timed.
        lead_in: Runs at the beginning of each turn that are not timed: what others left in the processor's caches is
            no part of a loop that takes one step after another.
        runs: Runs that are timed in each turn, together.
        clock: Seconds; None: ``time.perf_counter``. ``time.process_time`` counts this process's alone.
    """
    for work in contenders.values():
        for _ in range(warm_up):
            work()
    clock = clock or time.perf_counter
    times: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    gc.collect()
    gc.disable()  # a collection in the middle would be counted as the work of one contender
    end = time.perf_counter() + seconds
    try:
        while time.perf_counter() < end or len(times[reference]) < least:
            for name in names:
                for _ in range(lead_in):
                    contenders[name]()
                times[name].append(_timed(contenders[name], device, runs, clock))
            names.append(names.pop(0))
    finally:
        gc.enable()
    return {name: _summary(times[name], times[reference]) for name in contenders}


def wait_for(device: torch.device) -> None:
    """Wait until an accelerator has done what it was given."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def _timed(work: Work, device: torch.device, runs: int, clock: Callable[[], float]) -> float:
    wait_for(device)
    start = clock()
    for _ in range(runs):
        work()
    wait_for(device)
    return (clock() - start) / runs


def _summary(times: list[float], reference: list[float]) -> Timing:
    ratios = [own / other for own, other in zip(times, reference, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    difference = statistics.median(own - other for own, other in zip(times, reference, strict=True))
    return Timing(statistics.median(times) * 1e3, middle, low, high, difference * 1e3, len(times))
