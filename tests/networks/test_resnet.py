"""The residual generator against CycleGAN's layer names and a forward pass written down by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from piggygan.errors import ConfigurationError, InputError
from piggygan.networks import ResNetGenerator

DATA = Path(__file__).parents[2] / "../shared/data"
WEIGHTS = DATA / "weights/vintagify_G_A2B_epoch33.pth"
PHOTO = DATA / "facades/val/1.jpg"


def expected_keys(blocks: int) -> list[str]:
    """resnet_6blocks and resnet_9blocks with instance norm: the rule of their names."""
    layers = [f"model.{i}" for i in (1, 4, 7)]
    layers += [f"model.{10 + block}.conv_block.{i}" for block in range(blocks) for i in (1, 5)]
    layers += [f"model.{10 + blocks + i}" for i in (0, 3, 7)]
    return [f"{layer}.{name}" for layer in layers for name in ("weight", "bias")]


@pytest.mark.parametrize(("blocks", "parameters"), [(6, 7_837_699), (9, 11_378_179)])
def test_names_and_sizes_are_those_of_resnet_6blocks_and_resnet_9blocks(blocks: int, parameters: int) -> None:
    with torch.device("meta"):
        generator = ResNetGenerator(blocks=blocks, affine=False)
    assert list(generator.state_dict()) == expected_keys(blocks)
    assert sum(parameter.numel() for parameter in generator.parameters()) == parameters


def reference(tensors: dict[str, Tensor], images: Tensor, blocks: int) -> Tensor:
    def conv(features: Tensor, name: str, pad: int = 0, stride: int = 1) -> Tensor:
        padded = functional.pad(features, [pad] * 4, mode="reflect") if pad else features
        zeros = 1 if stride == 2 else 0
        return functional.conv2d(padded, tensors[f"{name}.weight"], tensors[f"{name}.bias"], stride, zeros)

    def up(features: Tensor, name: str) -> Tensor:
        weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        full = functional.conv_transpose2d(features, weight, bias, stride=2)  # 2 n + 1 pixels a side
        return full[:, :, 1:, 1:]  # padding 1 on both sides, output padding 1 gives one of them back

    def norm(features: Tensor) -> Tensor:
        mean = features.mean(dim=(2, 3), keepdim=True)
        return (features - mean) / torch.sqrt((features - mean).square().mean(dim=(2, 3), keepdim=True) + 1e-5)

    features = norm(conv(images, "model.1", pad=3)).clamp(min=0)
    for name in ("model.4", "model.7"):
        features = norm(conv(features, name, stride=2)).clamp(min=0)
    for block in range(10, 10 + blocks):
        inner = norm(conv(features, f"model.{block}.conv_block.1", pad=1)).clamp(min=0)
        features = features + norm(conv(inner, f"model.{block}.conv_block.5", pad=1))
    for index in (10 + blocks, 13 + blocks):
        features = norm(up(features, f"model.{index}")).clamp(min=0)
    return torch.tanh(conv(features, f"model.{17 + blocks}", pad=3))


def test_outputs_are_those_of_the_forward_pass_by_hand() -> None:
    torch.manual_seed(0)
    generator = ResNetGenerator(2, 1, blocks=2, width=3, affine=False).double().eval()
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    images = torch.rand(2, 2, 12, 16, dtype=torch.float64) * 2 - 1
    with torch.no_grad():
        expected = reference(generator.state_dict(), images, blocks=2)
        np.testing.assert_allclose(generator(images), expected, rtol=1e-9, atol=1e-12)


def test_dropout_moves_the_second_convolution_of_a_block_by_one() -> None:
    names = ResNetGenerator(blocks=1, width=1, affine=False, dropout=True).state_dict()
    assert [name for name in names if name.startswith("model.10") and name.endswith("weight")] == [
        "model.10.conv_block.1.weight",
        "model.10.conv_block.6.weight",
    ]


def test_the_arguments_build_the_same_network_again() -> None:
    generator = ResNetGenerator(1, 2, blocks=1, width=2, norm="batch", dropout=True)
    again = ResNetGenerator(**json.loads(json.dumps(generator.arguments)))
    again.load_state_dict(generator.state_dict())
    assert str(again) == str(generator)


@pytest.mark.parametrize(
    ("height", "width", "message"),
    [(10, 8, "multiples of 4 pixels, the input is 10 x 8"), (8, 4, "at least 8")],
)
def test_a_size_that_would_come_out_otherwise_is_refused(height: int, width: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ResNetGenerator(blocks=1, width=1)(torch.zeros(1, 3, height, width))


def test_the_smallest_size_that_is_not_refused_works() -> None:
    assert ResNetGenerator(blocks=1, width=1)(torch.zeros(1, 3, 8, 8)).shape == (1, 3, 8, 8)


@pytest.mark.parametrize("arguments", [{"blocks": -1}, {"width": 0}, {"norm": "group"}, {"in_channels": True}])
def test_an_argument_outside_its_range_is_refused_by_name(arguments: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(arguments))):
        ResNetGenerator(**arguments)  # type: ignore[arg-type]


@pytest.mark.skipif(not (WEIGHTS.exists() and PHOTO.exists()), reason="the shared data are not on this machine")
def test_weights_that_others_trained_turn_a_photo_into_an_old_one() -> None:
    theirs = torch.load(WEIGHTS, weights_only=True, map_location="cpu")
    generator = ResNetGenerator(blocks=9, affine=True).eval()
    generator.load_state_dict({name.replace(".block.", ".conv_block."): tensor for name, tensor in theirs.items()})
    with Image.open(PHOTO) as pair:
        photo = np.asarray(pair.convert("RGB").crop((0, 0, 256, 256)), dtype=np.float32) / 127.5 - 1
    with torch.inference_mode():
        old = generator(torch.from_numpy(photo).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    # The same facade, in fewer colours: red above blue on the whole, and alike from channel to channel.
    assert np.corrcoef(photo.mean(axis=2).ravel(), old.mean(axis=2).ravel())[0, 1] > 0.9
    assert np.abs(old - photo).mean() > 0.05
    assert old[..., 0].mean() > old[..., 2].mean()
