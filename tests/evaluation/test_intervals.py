"""Intervals and comparisons, against the normal approximation and against counting by hand."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piggygan.errors import InputError
from piggygan.evaluation.intervals import crossed_interval, mean_interval, paired_comparison

scores = st.lists(st.floats(0, 1), min_size=2, max_size=12)


def test_the_interval_of_many_cases_is_that_of_the_normal_approximation() -> None:
    drawn = np.random.default_rng(3).normal(0.2, 1.0, size=400)
    found = mean_interval(drawn.tolist())
    error = 1.96 * drawn.std() / 20
    assert (found.low, found.high) == pytest.approx((drawn.mean() - error, drawn.mean() + error), abs=0.01)
    assert (found.mean, found.cases, found.patients, found.is_rough) == (drawn.mean(), 400, 400, False)


def test_films_of_one_patient_that_agree_are_no_further_witnesses() -> None:
    patients = np.random.default_rng(3).uniform(0.8, 1.0, size=30)
    films = np.repeat(patients, 4).tolist()
    owners = [f"patient {number // 4}" for number in range(120)]
    apart, together = mean_interval(films), mean_interval(films, owners)
    once = mean_interval(patients.tolist())
    assert together.mean == pytest.approx(once.mean)
    assert (together.low, together.high) == pytest.approx((once.low, once.high), abs=0.002)
    assert together.high - together.low > 1.8 * (apart.high - apart.low)  # type: ignore[operator]
    assert (apart.patients, together.patients, together.cases) == (120, 30, 120)


def bca_by_hand(values: Sequence[float], owners: Sequence[str], corrected: bool = True) -> tuple[float, float]:
    """Efron's formulas, equations 14.9 to 14.15 of Efron and Tibshirani (1993), with patients in the cases' place."""
    normal, draw = NormalDist(), np.random.default_rng(11)
    films = [
        [value for value, owner in zip(values, owners, strict=True) if owner == one] for one in sorted(set(owners))
    ]
    sums, counts = np.array([sum(one) for one in films]), np.array([len(one) for one in films])
    drawn = draw.integers(len(films), size=(20_000, len(films)))
    means = np.sort(sums[drawn].sum(1) / counts[drawn].sum(1))
    bias = normal.inv_cdf(float((means < sums.sum() / counts.sum()).mean()))
    without = (sums.sum() - sums) / (counts.sum() - counts)  # one patient left out
    off = without.mean() - without
    acceleration = (off**3).sum() / (6 * ((off**2).sum()) ** 1.5)
    ends = []
    for share in (0.025, 0.975):
        z = bias + normal.inv_cdf(share)
        place = normal.cdf(bias + z / (1 - acceleration * z)) if corrected else share
        ends.append(float(np.quantile(means, place)))
    return ends[0], ends[1]


def test_the_interval_is_that_of_efrons_formulas_over_patients() -> None:
    draw = np.random.default_rng(5)
    owners = [f"{number:02d}" for number in draw.integers(0, 15, 40)]
    values = (draw.exponential(1.0, 15)[list(map(int, owners))] + draw.exponential(0.2, 40)).tolist()
    found = mean_interval(values, owners)
    assert (found.low, found.high) == pytest.approx(bca_by_hand(values, owners), abs=0.03)
    assert (found.low, found.high) != pytest.approx(bca_by_hand(values, owners, corrected=False), abs=0.06)


def test_it_is_the_patients_that_are_counted_for_rough() -> None:
    values = np.random.default_rng(0).uniform(size=100).tolist()
    assert not mean_interval(values[:50]).is_rough
    assert mean_interval(values[:49]).is_rough
    assert mean_interval(values, [str(number // 3) for number in range(100)]).is_rough


def test_a_patient_of_more_films_counts_for_more() -> None:
    found = mean_interval([1.0, 1.0, 1.0, 0.0], ["ann", "ann", "ann", "bob"])
    assert (found.mean, found.low, found.high) == (0.75, 0.0, 1.0)


def test_of_one_patient_there_is_no_interval() -> None:
    found = mean_interval([0.5, 0.7], ["ann", "ann"])
    assert (found.mean, found.low, found.high) == (0.6, None, None)
    assert str(found) == "0.600"
    assert paired_comparison([0.5, 0.7], [0.4, 0.6], ["ann", "ann"]).p_value is None


def test_the_same_seed_gives_the_same_interval_and_the_order_of_cases_does_not_matter() -> None:
    values = np.random.default_rng(1).uniform(size=20).tolist()
    owners = [f"{number // 2:02d}" for number in range(20)]
    first = mean_interval(values, owners, seed=4)
    assert first == mean_interval(values, owners, seed=4)
    assert first != mean_interval(values, owners, seed=5)
    turned = mean_interval(values[::-1], owners[::-1], seed=4)
    assert (turned.low, turned.high) == pytest.approx((first.low, first.high))


@given(scores)
def test_an_interval_holds_only_means_that_can_be_drawn(values: list[float]) -> None:
    found = mean_interval(values)
    assert found.low is not None
    assert found.high is not None
    assert min(values) - 1e-12 <= found.low <= found.high <= max(values) + 1e-12


def all_turned(differences: Sequence[float]) -> float:
    """The share of all ways to turn signs whose mean is as far from 0, counted by hand."""
    least = abs(sum(differences)) * (1 - 1e-12)
    turned = [
        abs(sum(sign * one for sign, one in zip(signs, differences, strict=True))) >= least
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    return sum(turned) / len(turned)


@pytest.mark.parametrize("seed", range(4))
def test_the_p_value_of_few_patients_counts_all_ways_to_turn_signs(seed: int) -> None:
    draw = np.random.default_rng(seed)
    ours, theirs = draw.uniform(0.5, 1, 16), draw.uniform(0.4, 1, 16)
    owners = [str(number // 2) for number in range(16)]
    found = paired_comparison(ours.tolist(), theirs.tolist(), owners)
    by_patient = (ours - theirs).reshape(8, 2).sum(1).tolist()
    assert found.p_value == pytest.approx(all_turned(by_patient))
    assert found.difference.mean == pytest.approx((ours - theirs).mean())


def test_no_difference_is_none() -> None:
    found = paired_comparison([0.5, 0.7, 0.9], [0.5, 0.7, 0.9])
    assert (found.difference.low, found.difference.mean, found.difference.high, found.p_value) == (0, 0, 0, 1)


def test_a_p_value_is_never_zero() -> None:
    found = paired_comparison([1.0] * 60, [0.0] * 60)
    assert found.p_value is not None
    assert 0 < found.p_value <= 2 / 10_000


def test_what_cannot_be_averaged_is_refused() -> None:
    for values, owners in (([], None), ([float("nan"), 1.0], None), ([0.5], ["ann", "bob"])):
        with pytest.raises(InputError, match="give at least one, all finite"):
            mean_interval(values, owners)
    with pytest.raises(InputError, match="2 scores and 1 to compare"):
        paired_comparison([0.1, 0.2], [0.1])


def test_the_interval_over_seeds_and_images_is_that_of_the_normal_approximation() -> None:
    drawn = np.random.default_rng(3).normal(0.2, 1.0, size=(1, 400))
    low, high = crossed_interval(drawn, resamples=4000)
    error = 1.96 * drawn.std() / 20
    assert (low, high) == pytest.approx((drawn.mean() - error, drawn.mean() + error), abs=0.015)


def test_seeds_that_differ_widen_the_interval() -> None:
    images = np.random.default_rng(3).normal(size=(1, 50))
    alike, apart = (np.concatenate([images + shift, images - shift, images]) for shift in (0.0, 1.0))
    assert np.ptp(crossed_interval(apart)) > 1.5 * np.ptp(crossed_interval(alike))


def test_no_difference_over_seeds_has_no_interval() -> None:
    assert crossed_interval(np.zeros((2, 5))) == (0.0, 0.0)
