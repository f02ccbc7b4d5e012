"""The generators of pytorch-CycleGAN-and-pix2pix, stated anew: how its modules nest, and what they compute.

Written from the architecture of the papers and the layer numbers in its files, so that what piggygan reads and
writes is compared with something that is not piggygan's. Activations work in place, as there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn


class Nest(nn.Module):
    """Layers under the name ``model``, beside a skip connection or not."""

    def __init__(self, *layers: nn.Module, skip: bool) -> None:
        super().__init__()
        self.model = nn.Sequential(*layers)
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.model(x)], 1) if self.skip else self.model(x)


class Whole(nn.Module):
    """The outermost block of a U-Net, under the name ``model``."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.model = block

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class Residual(nn.Module):
    """Layers under the name ``conv_block``, added to their input."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


def norm_of(kind: str) -> Callable[[int], nn.Module]:
    return {
        "batch": nn.BatchNorm2d,
        "instance": nn.InstanceNorm2d,
        "affine": lambda channels: nn.InstanceNorm2d(channels, affine=True),
        # as old torch versions saved it
        "tracked": lambda channels: nn.InstanceNorm2d(channels, track_running_stats=True),
    }[kind]


def unet(downs: int, ngf: int, norm: str, c_in: int = 3, c_out: int = 3, dropout: bool = False) -> nn.Module:
    """``unet_128`` is 7 downs, ``unet_256`` 8; from 8 ngf on the channels stay."""
    make, bias = norm_of(norm), norm != "batch"

    def down(a: int, b: int) -> nn.Module:
        return nn.Conv2d(a, b, 4, 2, 1, bias=bias)

    def up(a: int, b: int, bias: bool = bias) -> nn.Module:
        return nn.ConvTranspose2d(a, b, 4, 2, 1, bias=bias)

    top = 8 * ngf
    block = Nest(nn.LeakyReLU(0.2, True), down(top, top), nn.ReLU(True), up(top, top), make(top), skip=True)
    pairs = [(top, top)] * (downs - 5) + [(4 * ngf, top), (2 * ngf, 4 * ngf), (ngf, 2 * ngf)]
    for outer, inner in pairs:
        layers = [nn.LeakyReLU(0.2, True), down(outer, inner), make(inner), block]
        layers += [nn.ReLU(True), up(2 * inner, outer), make(outer)]
        layers += [nn.Dropout(0.5)] if dropout and outer == top else []
        block = Nest(*layers, skip=True)
    layers = [down(c_in, ngf), block, nn.ReLU(True), up(2 * ngf, c_out, True), nn.Tanh()]
    return Whole(Nest(*layers, skip=False))


def resnet(blocks: int, ngf: int, norm: str, c_in: int = 3, c_out: int = 3, dropout: bool = False) -> nn.Module:
    """``resnet_6blocks`` and ``resnet_9blocks``."""
    make, bias, top = norm_of(norm), norm != "batch", 4 * ngf
    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(c_in, ngf, 7, bias=bias), make(ngf), nn.ReLU(True)]
    for c in (ngf, 2 * ngf):
        layers += [nn.Conv2d(c, 2 * c, 3, 2, 1, bias=bias), make(2 * c), nn.ReLU(True)]
    for _ in range(blocks):
        half = [nn.ReflectionPad2d(1), nn.Conv2d(top, top, 3, bias=bias), make(top)]
        drop = [nn.Dropout(0.5)] if dropout else []
        again = [nn.ReflectionPad2d(1), nn.Conv2d(top, top, 3, bias=bias), make(top)]
        layers += [Residual(*half, nn.ReLU(True), *drop, *again)]
    for c in (top, 2 * ngf):
        layers += [nn.ConvTranspose2d(c, c // 2, 3, 2, 1, 1, bias=bias), make(c // 2), nn.ReLU(True)]
    layers += [nn.ReflectionPad2d(3), nn.Conv2d(ngf, c_out, 7), nn.Tanh()]
    return Nest(*layers, skip=False)


def randomized(network: nn.Module) -> nn.Module:
    """Give it weights and statistics that leave nothing at its default."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2, generator=generator)
        elif tensor.is_floating_point():
            tensor.normal_(0, 0.2, generator=generator)
        else:
            tensor.fill_(7)
    return network.eval()


@pytest.fixture
def make_unet() -> Callable[..., nn.Module]:
    return lambda *args, **kwargs: randomized(unet(*args, **kwargs))


@pytest.fixture
def make_resnet() -> Callable[..., nn.Module]:
    return lambda *args, **kwargs: randomized(resnet(*args, **kwargs))


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[object], Path]:
    """Write anything as ``torch.save`` does."""

    def save(content: object) -> Path:
        path = tmp_path / "latest_net_G.pth"
        torch.save(content, path)
        return path

    return save
