"""Promises over random convolution arguments and input shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from piggygan.layers.convolutions import PiggybackConvolution, layer_kind
from piggygan.layers.filters import filters_first, task_parameters_count, unconstrained_count
from piggygan.layers.ways.compute import Way

# torch says once a process that it pads even kernels with a copy; which test that hits is chance.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")

WAYS: tuple[Way, ...] = get_args(Way)
DIMENSIONS = {
    (1, False): nn.Conv1d,
    (2, False): nn.Conv2d,
    (3, False): nn.Conv3d,
    (1, True): nn.ConvTranspose1d,
    (2, True): nn.ConvTranspose2d,
    (3, True): nn.ConvTranspose3d,
}


@dataclass
class Case:
    """A layer with three tasks, an input, and the share of unconstrained filters."""

    layer: PiggybackConvolution
    bare: nn.Module
    x: Tensor
    fraction: float


@st.composite
def cases(draw: st.DrawFn) -> Case:
    axes, transposed = draw(st.integers(1, 3)), draw(st.booleans())
    groups = draw(st.sampled_from([1, 1, 2]))
    stride, dilation = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    arguments: dict[str, Any] = {
        "kernel_size": draw(st.integers(1, 3)),
        "stride": stride,
        "dilation": dilation,
        "groups": groups,
        "bias": draw(st.booleans()),
    }
    if transposed:
        arguments["output_padding"] = draw(st.integers(0, max(stride, dilation) - 1))
        arguments["padding"] = draw(st.integers(0, 1))
    else:
        modes = ["zeros", "reflect", "replicate", "circular"]
        arguments["padding_mode"] = draw(st.sampled_from(modes))
        arguments["padding"] = draw(st.sampled_from([0, 1, "same", "valid"] if stride == 1 else [0, 1]))
    c_in, c_out = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 4))
    torch.manual_seed(draw(st.integers(0, 1000)))
    bare = DIMENSIONS[axes, transposed](c_in, c_out, **arguments).double()
    x = torch.randn(draw(st.integers(1, 3)), c_in, *[draw(st.integers(5, 7))] * axes, dtype=torch.float64)
    fraction = draw(st.sampled_from([0.0, 0.25, 0.6, 1.0]))
    kind = layer_kind(bare)
    assert kind is not None
    held = DIMENSIONS[axes, transposed](c_in, c_out, **arguments).double()
    held.load_state_dict(bare.state_dict())
    layer = kind(held)
    layer.freeze_task("base")
    for task in ("second", "third"):
        layer.add_task(task, unconstrained_fraction=fraction, init="normal")
        for parameter in layer.stored(task).parameters():
            nn.init.normal_(parameter)
        if task == "second":
            layer.freeze_task(task)
    return Case(layer, bare, x, fraction)


@given(case=cases())
@settings(max_examples=60)
def test_the_base_task_gives_the_bits_of_the_bare_convolution(case: Case) -> None:
    with torch.no_grad():
        assert case.layer(case.x).numpy().tobytes() == case.bare(case.x).numpy().tobytes()


@given(case=cases())
@settings(max_examples=60)
def test_every_composed_filter_is_a_weighted_sum_of_whole_filters(case: Case) -> None:
    layer, groups = case.layer, case.layer.conv.groups
    tensors = layer.tensors("third")
    assume("factors" in tensors)
    own = [filters for task in ("base", "second") if (filters := layer.own_filters(task)) is not None]
    in_group = [torch.cat([filters.chunk(groups)[group] for filters in own]) for group in range(groups)]
    kernel = filters_first(layer.kernel("third"), groups=groups, transposed=layer.transposed).detach()
    composed, c_out = len(tensors["factors"]) // groups, len(kernel) // groups
    for group in range(groups):
        for row in range(composed):
            by_hand = torch.zeros_like(kernel[0])
            factors = tensors["factors"][group * composed + row]
            columns = tensors.get("picked", torch.arange(len(factors)))  # a bounded bank lacks some
            for column, factor in zip(columns.tolist(), factors, strict=True):
                by_hand += factor * in_group[group][column]
            torch.testing.assert_close(kernel[group * c_out + row], by_hand, rtol=1e-10, atol=1e-12)


@given(case=cases())
@settings(max_examples=60)
def test_all_ways_agree_in_values_and_gradients(case: Case) -> None:
    found = []
    for way in WAYS:
        case.layer.costs.forced = way
        with case.layer.selection.using("third"):
            case.layer.zero_grad()
            x = case.x.clone().requires_grad_()
            output = case.layer(x)
            (output * torch.linspace(-1, 1, output.numel(), dtype=torch.float64).reshape(output.shape)).sum().backward()
            parameters = case.layer.stored("third").parameters()
            found.append([output.detach(), x.grad, *(parameter.grad for parameter in parameters)])
    for by_filters, *others in zip(*found, strict=True):
        for other in others:
            torch.testing.assert_close(other, by_filters, rtol=1e-10, atol=1e-10)


@given(case=cases())
@settings(max_examples=60)
def test_a_folded_task_gives_the_same_bits(case: Case) -> None:
    case.layer.eval()
    with torch.no_grad():
        for task in ("base", "second", "third"):
            folded = case.layer.fold_task(task)
            assert type(folded) is type(case.bare)
            with case.layer.selection.using(task):
                assert folded(case.x).numpy().tobytes() == case.layer(case.x).numpy().tobytes()


@given(case=cases())
@settings(max_examples=60)
def test_a_task_stores_the_closed_form(case: Case) -> None:
    conv = case.layer.conv
    groups = conv.groups
    is_depthwise = groups > 1 and groups == conv.in_channels
    own = unconstrained_count(conv.out_channels, 1.0 if is_depthwise else case.fraction, groups)
    expected = task_parameters_count(
        filter_size=conv.weight.numel() // conv.out_channels,
        c_out=conv.out_channels,
        bank=conv.out_channels + own,
        unconstrained=own,
        groups=groups,
    )
    tensors = case.layer.tensors("third")
    bias = tensors.pop("bias", torch.empty(0)).numel()
    assert sum(tensor.numel() for tensor in tensors.values()) == expected
    assert bias == (0 if conv.bias is None else conv.out_channels)
