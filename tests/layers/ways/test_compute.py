"""Each way against a convolution with a kernel composed by hand; that they agree in all else is in test_every_way."""

from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from piggygan.layers.geometry import Geometry
from piggygan.layers.ways.compute import MixedFilters, Way, autocast_type, compute

WAYS: tuple[Way, ...] = get_args(Way)


def filters(*, own: int, bias: bool) -> MixedFilters:
    torch.manual_seed(0)
    leaf = {"dtype": torch.float64, "requires_grad": True}
    return MixedFilters(
        bank=torch.randn(5, 2, 3, 3, dtype=torch.float64),
        factors=torch.randn(4, 5, **leaf),
        unconstrained=torch.randn(own, 2, 3, 3, **leaf) if own else None,
        bias=torch.randn(4 + own, **leaf) if bias else None,
    )


def by_hand(features: Tensor, mixed: MixedFilters) -> Tensor:
    kernel = torch.einsum("cn,nijk->cijk", mixed.factors, mixed.bank)
    kernel = kernel if mixed.unconstrained is None else torch.cat([kernel, mixed.unconstrained])
    return nn.functional.conv2d(features, kernel, mixed.bias, stride=2, padding=1)


GEOMETRY = Geometry((2, 2), (1, 1), (1, 1), False, (0, 0), 1)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("own", [0, 3])
@pytest.mark.parametrize("way", WAYS)
def test_output_and_gradients_are_those_of_the_composed_kernel(way: Way, own: int, bias: bool) -> None:
    mixed = filters(own=own, bias=bias)
    features = torch.randn(2, 2, 7, 6, dtype=torch.float64, requires_grad=True)
    wanted = [t for t in (features, mixed.factors, mixed.unconstrained, mixed.bias) if t is not None]
    outer = torch.randn(2, 4 + own, 4, 3, dtype=torch.float64)
    found, expected = (f(features, mixed) for f in (lambda x, m: compute(way, x, m, GEOMETRY), by_hand))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.autograd.grad(found, wanted, outer), torch.autograd.grad(expected, wanted, outer))


@pytest.mark.parametrize("groups", [1, 2])
def test_a_bias_is_split_group_by_group(groups: int) -> None:
    mixed = filters(own=2, bias=True)
    mixed.bias = torch.arange(6.0)
    composed, own = mixed.biases(groups)
    assert composed is not None
    assert own is not None
    assert (composed.tolist(), own.tolist()) == (
        ([0, 1, 2, 3], [4, 5]) if groups == 1 else ([0, 1, 3, 4], [2, 5])  # (g c): 0 1 | 2, then 3 4 | 5
    )
    assert filters(own=2, bias=False).biases(groups) == (None, None)


def test_a_kernel_is_composed_once_with_and_once_without_its_history() -> None:
    mixed = filters(own=2, bias=True)
    kernel = mixed.kernel(GEOMETRY)
    assert mixed.kernel(GEOMETRY) is kernel
    with torch.no_grad():
        assert mixed.kernel(GEOMETRY) is not kernel
        assert not mixed.kernel(GEOMETRY).requires_grad
        assert torch.equal(mixed.kernel(GEOMETRY), kernel)


def test_another_precision_is_made_once() -> None:
    mixed = filters(own=2, bias=False)
    low = mixed.to(torch.bfloat16)
    assert low is mixed.to(torch.bfloat16)
    assert {t.dtype for t in (low.bank, low.factors, low.unconstrained) if t is not None} == {torch.bfloat16}
    assert low.bias is None


@pytest.mark.parametrize(
    ("dtype", "expected"), [(torch.float32, torch.bfloat16), (torch.float64, None), (torch.bfloat16, torch.bfloat16)]
)
def test_autocast_says_in_which_type_to_multiply(dtype: torch.dtype, expected: torch.dtype | None) -> None:
    features = torch.zeros(1, dtype=dtype)
    assert autocast_type(features) is None
    with torch.autocast("cpu", torch.bfloat16):
        assert autocast_type(features) == expected
        assert autocast_type(features.to("meta")) is None
