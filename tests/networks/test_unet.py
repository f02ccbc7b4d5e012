"""The U-Net against the layer names, sizes and outputs of pytorch-CycleGAN-and-pix2pix, written down by hand."""

import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from piggygan.errors import ConfigurationError, InputError
from piggygan.networks import UNetGenerator

BATCH_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def expected_keys(depth: int) -> list[str]:
    """unet_128 and unet_256 with batch norm: the rule of their names."""
    keys = ["model.model.0.weight", "model.model.3.weight", "model.model.3.bias"]
    prefix = "model.model.1.model"
    for _ in range(depth - 2):
        keys += [f"{prefix}.1.weight", f"{prefix}.5.weight"]
        keys += [f"{prefix}.{norm}.{name}" for norm in (2, 6) for name in BATCH_NORM]
        prefix += ".3.model"
    keys += [f"{prefix}.1.weight", f"{prefix}.3.weight"] + [f"{prefix}.4.{name}" for name in BATCH_NORM]
    return keys


@pytest.mark.parametrize(("depth", "keys", "parameters"), [(7, 70, 41_828_995), (8, 82, 54_413_955)])
def test_names_and_sizes_are_those_of_unet_128_and_unet_256(depth: int, keys: int, parameters: int) -> None:
    with torch.device("meta"):
        generator = UNetGenerator(depth=depth, norm="batch")
    assert sorted(generator.state_dict()) == sorted(expected_keys(depth))
    assert len(generator.state_dict()) == keys
    assert sum(parameter.numel() for parameter in generator.parameters()) == parameters


def test_the_channels_double_up_to_eight_times_the_width() -> None:
    shapes = {
        name: tuple(p.shape) for name, p in UNetGenerator(1, 2, depth=6, width=3, norm="batch").named_parameters()
    }
    assert shapes["model.model.0.weight"] == (3, 1, 4, 4)
    assert shapes["model.model.3.weight"] == (6, 2, 4, 4)
    prefix, sizes = "model.model.1.model", [3, 6, 12, 24, 24]
    for outer, inner in pairwise(sizes):
        assert shapes[f"{prefix}.1.weight"] == (inner, outer, 4, 4)
        assert shapes[f"{prefix}.5.weight"] == (2 * inner, outer, 4, 4)
        prefix += ".3.model"
    assert shapes[f"{prefix}.1.weight"] == shapes[f"{prefix}.3.weight"] == (24, 24, 4, 4)


def in_place_reference(tensors: dict[str, Tensor], images: Tensor, depth: int) -> Tensor:
    """What the network with in-place activations computes in training: its skips carry activated features."""

    def norm(features: Tensor, name: str) -> Tensor:
        mean = features.mean(dim=(0, 2, 3), keepdim=True)
        variance = (features - mean).square().mean(dim=(0, 2, 3), keepdim=True)
        scale, shift = (tensors[f"{name}.{part}"][:, None, None] for part in ("weight", "bias"))
        return (features - mean) / torch.sqrt(variance + 1e-5) * scale + shift

    def block(features: Tensor, prefix: str, level: int) -> Tensor:
        features = torch.where(features > 0, features, 0.2 * features)
        inner = functional.conv2d(features, tensors[f"{prefix}.1.weight"], stride=2, padding=1)
        if level == depth - 1:
            up, last = 3, 4
        else:
            inner, up, last = block(norm(inner, f"{prefix}.2"), f"{prefix}.3.model", level + 1), 5, 6
        outer = functional.conv_transpose2d(inner.clamp(min=0), tensors[f"{prefix}.{up}.weight"], stride=2, padding=1)
        return torch.cat([features, norm(outer, f"{prefix}.{last}")], dim=1)

    features = functional.conv2d(images, tensors["model.model.0.weight"], stride=2, padding=1)
    features = block(features, "model.model.1.model", 1).clamp(min=0)
    weight, bias = tensors["model.model.3.weight"], tensors["model.model.3.bias"]
    return torch.tanh(functional.conv_transpose2d(features, weight, bias, stride=2, padding=1))


def test_outputs_and_gradients_are_those_of_the_network_with_activated_skips() -> None:
    torch.manual_seed(0)
    generator = UNetGenerator(depth=4, width=3, norm="batch").double()
    images = torch.rand(2, 3, 16, 32, dtype=torch.float64) * 2 - 1
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    output = generator(images)
    gradients = torch.autograd.grad(output.square().sum(), list(generator.parameters()))
    by_name = dict(generator.named_parameters())
    reference = in_place_reference(by_name, images, depth=4)
    reference_gradients = torch.autograd.grad(reference.square().sum(), list(by_name.values()))
    np.testing.assert_allclose(output.detach(), reference.detach(), rtol=1e-9, atol=1e-12)
    for gradient, expected in zip(gradients, reference_gradients, strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_in_evaluation_an_output_depends_on_its_own_input_only(norm: str) -> None:
    torch.manual_seed(0)
    generator = UNetGenerator(depth=5, width=4, norm=norm, dropout=True)  # type: ignore[arg-type]
    images = torch.rand(3, 3, 32, 32) * 2 - 1
    generator(images)  # moves running statistics
    generator.eval()
    with torch.inference_mode():
        together = generator(images)
        alone = torch.cat([generator(image[None]) for image in images])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-6)
    assert together.std() > 0


def test_with_instance_norm_every_convolution_has_a_bias() -> None:
    names = set(UNetGenerator(depth=5, width=2, norm="instance", affine=False).state_dict())
    weights = {name for name in names if name.endswith("weight")}
    assert len(weights) == 10
    assert names == weights | {name.removesuffix("weight") + "bias" for name in weights}


def test_dropout_stands_at_the_end_of_the_inner_blocks_only() -> None:
    dropouts = [
        name for name, module in UNetGenerator(depth=7, width=1, dropout=True).named_modules()
        if isinstance(module, torch.nn.Dropout)
    ]  # fmt: skip
    inner = "model.model.1.model.3.model.3.model.3.model"
    assert sorted(dropouts) == [f"{inner}.3.model.7", f"{inner}.7"]


def test_the_arguments_build_the_same_network_again() -> None:
    generator = UNetGenerator(1, 2, depth=5, width=2, norm="batch", affine=False, dropout=True)
    again = UNetGenerator(**json.loads(json.dumps(generator.arguments)))
    again.load_state_dict(generator.state_dict())
    assert str(again) == str(generator)
    assert again.arguments == generator.arguments


@pytest.mark.parametrize(
    ("shape", "dtype", "message"),
    [
        ((1, 3, 32, 48), torch.float32, "multiples of 32 pixels, the input is 32 x 48"),
        ((1, 3, 0, 32), torch.float32, "at least 32"),
        ((3, 32, 32), torch.float32, r"batch axis"),
        ((1, 3, 32, 32), torch.uint8, "127.5"),
    ],
)
def test_a_wrong_input_is_refused_with_what_is_needed(shape: tuple[int, ...], dtype: torch.dtype, message: str) -> None:
    with pytest.raises(InputError, match=message):
        UNetGenerator(depth=5, width=1)(torch.zeros(shape, dtype=dtype))


@pytest.mark.parametrize(
    "arguments",
    [{"depth": 1}, {"width": 0}, {"in_channels": 0}, {"out_channels": -1}, {"norm": "layer"}, {"depth": 7.5}],
)
def test_an_argument_outside_its_range_is_refused_by_name(arguments: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(arguments))):
        UNetGenerator(**arguments)  # type: ignore[arg-type]
