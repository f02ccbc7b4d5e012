"""Interpolation and convolution in place of transposed convolution, in both families."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from piggygan import MultiTaskGenerator, TaskRegistry
from piggygan.errors import ConfigurationError
from piggygan.networks import ResNetGenerator, UNetGenerator
from piggygan.networks.pix2pix import save_pix2pix_generator
from piggygan.networks.upsampling import interpolated

FAMILIES = [(ResNetGenerator, {"blocks": 1}), (UNetGenerator, {"depth": 3})]


def test_pixels_are_repeated_and_then_convolved() -> None:
    layer = interpolated(2, 3, bias=True).double()
    features = torch.rand(1, 2, 3, 4, dtype=torch.float64)
    repeated = features.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    convolution = next(module for module in layer if isinstance(module, nn.Conv2d))
    padded = functional.pad(repeated, [1, 1, 1, 1], mode="reflect")
    expected = functional.conv2d(padded, convolution.weight, convolution.bias)
    torch.testing.assert_close(layer(features), expected, rtol=1e-12, atol=1e-12)


def test_a_constant_stays_constant_where_a_transposed_convolution_makes_a_checkerboard() -> None:
    flat = torch.ones(1, 4, 8, 8)
    smooth = interpolated(4, 1, bias=False)(flat)
    assert smooth.amax() - smooth.amin() < 1e-6
    rough = nn.ConvTranspose2d(4, 1, 3, stride=2, padding=1, output_padding=1, bias=False)(flat)[..., 2:-2, 2:-2]
    assert rough.amax() - rough.amin() > 1e-3


@pytest.mark.parametrize(("family", "arguments"), FAMILIES)
def test_both_families_have_it_and_learn_tasks_with_it(family: type, arguments: dict[str, int], tmp_path: Path) -> None:
    plain = family(width=4, **arguments, upsampling="interpolated")
    assert not any(isinstance(module, nn.ConvTranspose2d) for module in plain.modules())
    images = torch.rand(1, 3, 16, 16)
    expected = plain.eval()(images)
    assert expected.shape == images.shape
    model = MultiTaskGenerator(plain, "facades")
    model.freeze_task("facades")
    assert torch.equal(model.eval()(images), expected)
    registry = TaskRegistry(tmp_path / "registry")
    registry.commit(model, "facades")
    assert torch.equal(registry.load()(images), expected)


@pytest.mark.parametrize(("family", "arguments"), FAMILIES)
def test_the_default_is_recorded_as_it_was_before_there_was_a_choice(family: type, arguments: dict[str, int]) -> None:
    assert "upsampling" not in family(width=4, **arguments).arguments
    assert any(isinstance(module, nn.ConvTranspose2d) for module in family(width=4, **arguments).modules())


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="upsampling is 'bicubic'; choose one of transposed, interpolated"):
        ResNetGenerator(upsampling="bicubic")  # type: ignore[arg-type]


def test_it_is_no_network_of_pix2pix(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be exported"):
        save_pix2pix_generator(ResNetGenerator(blocks=1, width=4, upsampling="interpolated"), tmp_path / "x.pth")
