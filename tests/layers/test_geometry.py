"""How kernels are applied, against torch's own layers."""

import pytest
import torch
from torch import nn

from piggygan.layers.geometry import Geometry

LAYERS = [
    nn.Conv1d(2, 4, 3, stride=2, padding=1),
    nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(2, 1), dilation=(1, 2), groups=2),
    nn.Conv3d(2, 2, 2),
    nn.ConvTranspose1d(2, 4, 3, stride=3, padding=1, output_padding=2),
    nn.ConvTranspose2d(4, 6, (3, 4), stride=2, padding=1, output_padding=(1, 0), dilation=(2, 1), groups=2),
    nn.ConvTranspose3d(2, 3, 2, stride=2),
]


def of(conv: nn.Module) -> Geometry:
    return Geometry(*(getattr(conv, name) for name in Geometry._fields))


@pytest.mark.parametrize("conv", LAYERS, ids=str)
def test_output_gradients_and_sides_are_those_of_the_layer(conv: nn.Module) -> None:
    conv, geometry = conv.double(), of(conv)
    sides = (7, 6, 5)[: len(geometry.stride)]
    features = torch.randn(2, conv.in_channels, *sides, dtype=torch.float64, requires_grad=True)
    expected = conv(features)
    assert torch.equal(geometry.convolve(features, conv.weight, conv.bias), expected)
    assert geometry.output_sides(sides, conv.kernel_size) == tuple(expected.shape[2:])
    outer = torch.randn_like(expected)
    wanted = torch.autograd.grad(expected, [features, conv.weight], outer)
    both = geometry.gradients(outer, features, conv.weight, of_features=True, of_kernel=True)
    torch.testing.assert_close(both, wanted)
    only, none = geometry.gradients(outer, features, conv.weight, of_features=False, of_kernel=True)
    assert only is None
    torch.testing.assert_close(none, wanted[1])
