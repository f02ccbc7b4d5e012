"""What a new task stores in one convolution."""

from typing import Any

import pytest
import torch
from torch import nn

from piggygan.errors import ConfigurationError
from piggygan.layers.convolutions import PiggybackConv2d
from piggygan.layers.new_filters import bank_size, new_filters
from piggygan.layers.task_filters import TaskFilters


def base(groups: int = 1) -> PiggybackConv2d:
    torch.manual_seed(0)
    layer = PiggybackConv2d(nn.Conv2d(4, 8, 3, groups=groups).double(), "base")
    layer.freeze_task("base")
    return layer


def made(layer: PiggybackConv2d, **changes: Any) -> TaskFilters:
    settings = {
        "sources": ("base",),
        "start_from": "base",
        "fraction": 0.25,
        "max_bank": None,
        "c_in": 4,
        "c_out": 8,
        "init": "warm",
        "factor_step": 4.0,
    }
    with torch.no_grad():
        return new_filters(layer, **{**settings, **changes})


def test_it_is_made_and_not_added() -> None:
    layer = base()
    filters = made(layer)
    assert layer.tasks == ("base",)
    assert (filters.composed, filters.bank_width, filters.in_channels, filters.out_channels) == (6, 8, 4, 8)
    assert filters.scaled_factors is not None
    assert torch.equal(filters.scaled_factors * 4, torch.eye(8, dtype=torch.float64)[:6])  # each is a filter of base's
    assert torch.equal(filters.unconstrained, layer.conv.weight[6:])  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"c_in": 2}, {"c_out": 6}, {"fraction": 1.0}, {"sources": ()}])
def test_a_layer_of_another_shape_or_without_a_bank_is_wholly_its_own(change: dict[str, Any]) -> None:
    filters = made(base(), **change)
    assert (filters.composed, filters.sources, filters.scaled_factors) == (0, (), None)
    assert filters.unconstrained is not None
    assert filters.unconstrained.shape == (change.get("c_out", 8), change.get("c_in", 4), 3, 3)


def test_a_start_of_another_shape_is_replaced_by_the_base_task() -> None:
    layer = base()
    layer.add_task("small", in_channels=2)
    layer.freeze_task("small")
    filters = made(layer, sources=("base", "small"), start_from="small")
    assert filters.sources == ("base",)  # small's filters are of another size
    assert torch.equal(filters.unconstrained, layer.conv.weight[6:])  # type: ignore[arg-type]


def test_a_normal_start_has_the_papers_spread_and_no_bias() -> None:
    layer = PiggybackConv2d(nn.Conv2d(64, 64, 3), "base")
    layer.freeze_task("base")
    filters = made(layer, c_in=64, c_out=64, init="normal", factor_step=1.0)
    assert filters.scaled_factors is not None
    assert filters.bias is not None
    assert filters.scaled_factors.std().item() == pytest.approx(0.02, rel=0.1)
    assert not filters.bias.any()


def test_a_fresh_start_is_a_warm_one_but_for_filters_of_its_own() -> None:
    layer = PiggybackConv2d(nn.Conv2d(64, 64, 3), "base")
    layer.freeze_task("base")
    with torch.no_grad():
        layer.conv.weight.mul_(100.0)
    warm, fresh = (made(layer, c_in=64, c_out=64, init=init) for init in ("warm", "fresh"))
    assert torch.equal(warm.scaled_factors, fresh.scaled_factors)  # type: ignore[arg-type]
    assert torch.equal(warm.bias, fresh.bias)  # type: ignore[arg-type]
    assert fresh.unconstrained is not None
    assert fresh.unconstrained.std().item() == pytest.approx(0.02, rel=0.1)


def test_the_bound_is_a_multiple_of_the_layers_own_filters_in_each_group() -> None:
    layer = base(groups=2)
    layer.add_task("b", unconstrained_fraction=1.0, init="normal")
    layer.freeze_task("b")
    sources = ("base", "b")
    assert [bank_size(layer, sources, bound) for bound in (None, 0.1, 0.5, 1, 1.25, 5)] == [8, 1, 2, 4, 5, 8]
    filters = made(layer, sources=sources, max_bank=1.25, init="empty")
    assert filters.picked is not None
    assert filters.picked.tolist() == [0, 1, 2, 3, 4]
    assert filters.bank_width == 5


def test_channels_that_do_not_divide_into_groups_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="4 and 7 channels do not divide into 2 groups"):
        made(base(groups=2), c_out=7)
