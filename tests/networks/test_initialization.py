import pytest
import torch
from torch import nn

from piggygan.networks import PatchDiscriminator, ResNetGenerator, UNetGenerator, initialize


@pytest.mark.parametrize(
    "make",
    [
        lambda: UNetGenerator(depth=5, width=16, norm="batch"),
        lambda: ResNetGenerator(blocks=2, width=16),
        lambda: PatchDiscriminator(6, width=16),
    ],
)
def test_networks_start_from_the_published_distributions(make) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    weights, scales = [], []
    for module in make().modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            weights.append(module.weight.ravel())
            assert module.bias is None or not module.bias.any()
        elif isinstance(module, (nn.BatchNorm2d, nn.InstanceNorm2d)):
            scales.append(module.weight)
            assert not module.bias.any()
    drawn, scale = torch.cat(weights), torch.cat(scales)
    assert abs(drawn.mean()) < 4 * 0.02 / len(drawn) ** 0.5
    assert drawn.std().item() == pytest.approx(0.02, rel=0.02)
    assert abs(scale.mean() - 1) < 4 * 0.02 / len(scale) ** 0.5
    assert scale.std().item() == pytest.approx(0.02, rel=0.25)


def test_the_gain_is_the_standard_deviation() -> None:
    conv = nn.Conv2d(16, 64, 4)
    initialize(conv, gain=0.5)
    assert conv.weight.std().item() == pytest.approx(0.5, rel=0.05)


def test_norms_without_scale_are_left_alone() -> None:
    initialize(nn.Sequential(nn.InstanceNorm2d(3), nn.BatchNorm2d(3, affine=False)))


def test_running_statistics_are_as_new() -> None:
    norm = nn.BatchNorm2d(2)
    norm(torch.ones(2, 2, 4, 4) * 3)
    initialize(norm)
    fresh = nn.BatchNorm2d(2)
    assert torch.equal(norm.running_mean, fresh.running_mean)
    assert torch.equal(norm.num_batches_tracked, fresh.num_batches_tracked)
