import json

import pytest
import torch

from piggygan.errors import ConfigurationError, InputError
from piggygan.networks import PatchDiscriminator


@pytest.mark.parametrize(
    ("norm", "affine", "channels", "parameters"),
    [("batch", True, 6, 2_768_705), ("instance", False, 3, 2_764_737)],
)
def test_names_and_sizes_are_those_of_the_published_discriminators(
    norm: str, affine: bool, channels: int, parameters: int
) -> None:
    with torch.device("meta"):
        discriminator = PatchDiscriminator(channels, norm=norm, affine=affine)  # type: ignore[arg-type]
    assert sum(parameter.numel() for parameter in discriminator.parameters()) == parameters
    keys = {"model.0.weight", "model.0.bias", "model.11.weight", "model.11.bias"}
    for conv in (2, 5, 8):
        keys.add(f"model.{conv}.weight")
        if norm == "instance":
            keys.add(f"model.{conv}.bias")
        else:
            names = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
            keys |= {f"model.{conv + 1}.{name}" for name in names}
    assert set(discriminator.state_dict()) == keys


@pytest.mark.parametrize(("layers", "patch"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_a_score_sees_a_patch_of_the_stated_size(layers: int, patch: int) -> None:
    torch.manual_seed(0)
    # Batch norm in evaluation keeps each place by itself, so gradients reach a score's own patch only.
    discriminator = PatchDiscriminator(1, width=2, layers=layers, norm="batch").double().eval()
    image = torch.rand(1, 1, 256, 256, dtype=torch.float64, requires_grad=True)
    scores = discriminator(image)
    side = 256 // 2**layers - 2
    assert scores.shape == (1, 1, side, side)
    (gradient,) = torch.autograd.grad(scores[0, 0, side // 2, side // 2], image)
    rows = gradient[0, 0].ne(0).any(dim=1).nonzero().ravel()
    assert rows[-1] - rows[0] + 1 == patch


def test_the_smallest_image_has_one_score_and_a_smaller_one_is_refused() -> None:
    discriminator = PatchDiscriminator(1, width=1, layers=2)
    assert discriminator(torch.zeros(1, 1, 12, 15)).shape == (1, 1, 1, 1)
    with pytest.raises(InputError, match="at least 12 pixels, the input is 12 x 11"):
        discriminator(torch.zeros(1, 1, 12, 11))


def test_the_arguments_build_the_same_network_again() -> None:
    discriminator = PatchDiscriminator(4, width=2, layers=2, norm="batch")
    again = PatchDiscriminator(**json.loads(json.dumps(discriminator.arguments)))
    again.load_state_dict(discriminator.state_dict())
    assert str(again) == str(discriminator)


def test_a_discriminator_without_layers_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="layers is 0"):
        PatchDiscriminator(3, layers=0)
