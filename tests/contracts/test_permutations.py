"""Invariant 2: permutation factors permute whole filters, in both kinds of convolution.

An identity matrix would also pass where filters are cut up by a reshape; a permutation does not.
"""

from typing import Any

import pytest
import torch
from torch import nn

import piggygan as pg

ARGUMENTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "strided": {"stride": 2, "padding": 1},
    "dilated": {"dilation": 2},
    "without bias": {"bias": False},
    "wide kernel": {"kernel_size": (3, 5)},
}
MODES = ["zeros", "reflect", "replicate", "circular"]


def permuted_output_matches(conv: nn.Module, layer: pg.PiggybackConv2d | pg.PiggybackConvTranspose2d) -> None:
    x = torch.randn(2, conv.in_channels, 9, 9, dtype=torch.float64)
    expected = conv(x)  # before freezing; the filters stay
    layer.freeze_task("base")
    layer.add_task("permuted", unconstrained_fraction=0.0)
    order = torch.randperm(conv.out_channels)
    tensors = layer.tensors("permuted")
    permuted = {"factors": torch.eye(conv.out_channels, dtype=torch.float64)[order]}
    if "bias" in tensors:
        permuted["bias"] = tensors["bias"][order]
    layer.load_tensors("permuted", permuted)
    for training in (True, False):  # both ways to compute
        layer.train(training)
        with layer.selection.using("permuted"):
            torch.testing.assert_close(layer(x), expected[:, order], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ARGUMENTS)
def test_a_permutation_moves_whole_filters(kind: str, mode: str) -> None:
    arguments = {"kernel_size": 3, "padding": 1, "padding_mode": mode, **ARGUMENTS[kind]}
    conv = nn.Conv2d(5, 7, **arguments).double()
    permuted_output_matches(conv, pg.PiggybackConv2d(conv))


@pytest.mark.parametrize("output_padding", [0, 1])
@pytest.mark.parametrize("kind", ARGUMENTS)
def test_a_permutation_moves_whole_transposed_filters(kind: str, output_padding: int) -> None:
    arguments = {"kernel_size": 3, **ARGUMENTS[kind], "stride": 2, "output_padding": output_padding}
    conv = nn.ConvTranspose2d(5, 7, **arguments).double()
    permuted_output_matches(conv, pg.PiggybackConvTranspose2d(conv))


def test_a_reshape_in_place_of_the_transpose_would_be_noticed() -> None:
    """What the public re-implementations do is not a permutation of filters: the test above can fail."""
    kernel = torch.randn(5, 5, 3, 3, dtype=torch.float64)
    order = torch.tensor([1, 2, 3, 4, 0])
    wrong = (kernel.reshape(-1, 5) @ torch.eye(5, dtype=torch.float64)[order].T).reshape(5, 5, 3, 3)
    assert not torch.allclose(wrong, kernel[order])
    identity = (kernel.reshape(-1, 5) @ torch.eye(5, dtype=torch.float64)).reshape(5, 5, 3, 3)
    assert torch.allclose(identity, kernel)
