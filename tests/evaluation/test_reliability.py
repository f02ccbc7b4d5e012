"""Probabilities against what was found, counted as a loop would."""

from __future__ import annotations

import pytest
import torch

from piggygan.evaluation.reliability import Reliability


def test_the_error_is_that_of_a_loop_over_tenths_however_the_pixels_come() -> None:
    numbers = torch.Generator().manual_seed(0)
    probability = torch.rand(600, generator=numbers, dtype=torch.float64)
    truth = torch.rand(600, generator=numbers, dtype=torch.float64) < probability**2
    counted = Reliability()
    for start in range(0, 600, 200):
        counted.update(probability[start : start + 200].view(10, 20), truth[start : start + 200].view(10, 20))
    wanted = 0.0
    for tenth in range(10):
        inside = [n for n in range(600) if tenth / 10 <= float(probability[n]) < (tenth + 1) / 10]
        said = sum(float(probability[n]) for n in inside) / len(inside)
        found = sum(bool(truth[n]) for n in inside) / len(inside)
        assert (counted.bins[tenth].said, counted.bins[tenth].found) == pytest.approx((said, found))
        wanted += len(inside) / 600 * abs(said - found)
    assert counted.error == pytest.approx(wanted)


def test_certainty_is_in_the_last_tenth_and_nothing_has_no_error() -> None:
    counted = Reliability()
    assert (counted.bins, counted.error) == ([], 0.0)
    counted.update(torch.ones(3), torch.ones(3, dtype=torch.bool))
    assert (len(counted.bins), counted.error) == (1, 0.0)
