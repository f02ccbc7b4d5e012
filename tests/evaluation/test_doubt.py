"""Numbers of doubt, compared with what loops in plain Python give."""

from __future__ import annotations

import itertools
import statistics

import pytest
import torch

from piggygan.evaluation.doubt import disagreement, expected_dice, spread

NUMBERS = torch.Generator().manual_seed(0)


def test_the_expected_dice_of_calibrated_pixels_is_near_the_mean_dice_of_truths_drawn_from_them() -> None:
    probability = torch.rand(40, 40, generator=NUMBERS) ** 3
    mask = probability > 0.5
    drawn = []
    for _ in range(200):
        truth = torch.rand(40, 40, generator=NUMBERS) < probability
        drawn.append(2 * int((truth & mask).sum()) / int(truth.sum() + mask.sum()))
    assert expected_dice(probability, mask) == pytest.approx(statistics.fmean(drawn), abs=0.005)


def test_a_mask_of_nothing_is_to_be_looked_at() -> None:
    assert expected_dice(torch.zeros(3, 3), torch.zeros(3, 3, dtype=torch.bool)) == 0


def test_disagreement_is_one_less_the_mean_dice_of_pairs() -> None:
    masks = torch.rand(4, 6, 5, generator=NUMBERS) > 0.6
    pairs = []
    for one, other in itertools.combinations(masks.flatten(1).tolist(), 2):
        both = sum(a and b for a, b in zip(one, other, strict=True))
        pairs.append(2 * both / (sum(one) + sum(other)))
    assert disagreement(masks) == pytest.approx(1 - statistics.fmean(pairs))
    assert disagreement(torch.zeros(3, 2, 2, dtype=torch.bool)) == 0
    assert disagreement(masks[:1]) == 0


def test_the_spread_is_the_standard_deviation_over_members() -> None:
    outputs = torch.rand(3, 2, 2, 2, generator=NUMBERS) * 2 - 1
    found = spread(outputs)
    for row, column in itertools.product(range(2), repeat=2):
        wanted = statistics.fmean(statistics.pstdev(outputs[:, channel, row, column].tolist()) for channel in range(2))
        assert float(found[0, row, column]) == pytest.approx(wanted, abs=1e-6)
