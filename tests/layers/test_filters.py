"""The pure arithmetic, against loops written by hand."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from piggygan.errors import ConfigurationError
from piggygan.layers.filters import (
    compose,
    filters_first,
    join,
    mix,
    native_layout,
    task_parameters_count,
    unconstrained_count,
)


def composed_by_hand(factors: Tensor, bank: Tensor, groups: int) -> Tensor:
    """Each composed filter is a sum over the whole bank filters of its group, one number at a time."""
    composed, in_group = factors.shape[0] // groups, bank.shape[0] // groups
    result = torch.zeros(factors.shape[0], *bank.shape[1:], dtype=torch.float64)
    for group in range(groups):
        for row in range(composed):
            for column in range(in_group):
                weight = factors[group * composed + row, column]
                result[group * composed + row] += weight * bank[group * in_group + column]
    return result


@given(groups=st.integers(1, 3), composed=st.integers(1, 4), bank=st.integers(1, 4), seed=st.integers(0, 99))
def test_a_composed_filter_is_a_weighted_sum_of_whole_bank_filters(
    groups: int, composed: int, bank: int, seed: int
) -> None:
    rng = torch.Generator().manual_seed(seed)
    factors = torch.randn(groups * composed, bank, dtype=torch.float64, generator=rng)
    filters = torch.randn(groups * bank, 2, 3, 2, dtype=torch.float64, generator=rng)
    by_hand = composed_by_hand(factors, filters, groups)
    torch.testing.assert_close(compose(factors, filters, groups=groups), by_hand, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("groups", [1, 2])
def test_filters_of_a_transposed_kernel_are_its_output_channels(groups: int) -> None:
    kernel = torch.arange(4 * 3 * 2 * 2.0).reshape(4, 3, 2, 2)  # c_in 4, c_out 3 a group
    filters = filters_first(kernel, groups=groups, transposed=True)
    assert filters.shape == (3 * groups, 4 // groups, 2, 2)
    for group in range(groups):
        for out in range(3):
            for into in range(4 // groups):
                expected = kernel[group * (4 // groups) + into, out]
                assert torch.equal(filters[group * 3 + out, into], expected)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("groups", [1, 2])
def test_native_layout_undoes_filters_first(groups: int, transposed: bool) -> None:
    kernel = torch.randn(4, 6, 3, 3)
    filters = filters_first(kernel, groups=groups, transposed=transposed)
    back = native_layout(filters, groups=groups, transposed=transposed)
    assert back.is_contiguous()
    assert torch.equal(back, kernel)


def test_joining_keeps_groups_together() -> None:
    first, second = torch.tensor([1, 2, 3, 4]), torch.tensor([8, 9])
    assert join([first, second], groups=2).tolist() == [1, 2, 8, 3, 4, 9]
    assert join([first[None], second[None]], groups=2, axis=1).tolist() == [[1, 2, 8, 3, 4, 9]]


@pytest.mark.parametrize("groups", [1, 2])
def test_mixing_feature_maps_equals_a_sum_over_the_bank(groups: int) -> None:
    maps = torch.randn(2, 3 * groups, 4, 5, dtype=torch.float64)
    factors = torch.randn(2 * groups, 3, dtype=torch.float64)
    bias = torch.randn(2 * groups, dtype=torch.float64)
    mixed = mix(maps, factors, bias, groups=groups)
    for row in range(2 * groups):
        group = row // 2
        expected = sum(factors[row, column] * maps[:, group * 3 + column] for column in range(3)) + bias[row]
        torch.testing.assert_close(mixed[:, row], expected)


@given(c_out=st.integers(1, 2000), numerator=st.integers(0, 64), denominator=st.integers(1, 64))
def test_the_unconstrained_count_is_the_exact_ceiling(c_out: int, numerator: int, denominator: int) -> None:
    exact = Fraction(min(numerator, denominator), denominator)
    assert unconstrained_count(c_out, float(exact)) == math.ceil(exact * c_out)


@pytest.mark.parametrize("fraction", [-0.01, 1.01, math.nan, math.inf])
def test_d03_a_fraction_outside_zero_to_one_is_refused(fraction: float) -> None:
    with pytest.raises(ConfigurationError, match="from 0"):
        unconstrained_count(8, fraction)


def test_the_closed_form_counts_filters_and_factors() -> None:
    # 64 -> 128, 4x4 kernel, bank of the base's 128 filters, a quarter unconstrained.
    count = task_parameters_count(filter_size=64 * 16, c_out=128, bank=128, unconstrained=32)
    assert count == 64 * 16 * 32 + 128 * 96
