"""The repository's classes stated anew, under its names and with its constructor's arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn

BATCH = functools.partial(nn.BatchNorm2d, affine=True, track_running_stats=True)

INSTANCE = functools.partial(nn.InstanceNorm2d, affine=False, track_running_stats=False)


class UnetSkipConnectionBlock(nn.Module):
    def __init__(
        self,
        outer_nc: int,
        inner_nc: int,
        input_nc: int | None = None,
        submodule: nn.Module | None = None,
        outermost: bool = False,
        innermost: bool = False,
        norm_layer: Callable[[int], nn.Module] = BATCH,
        use_dropout: bool = False,
    ) -> None:
        super().__init__()
        self.outermost = outermost
        bias = norm_layer is INSTANCE
        down = nn.Conv2d(outer_nc if input_nc is None else input_nc, inner_nc, 4, 2, 1, bias=bias)
        wide = inner_nc if innermost else 2 * inner_nc
        up = nn.ConvTranspose2d(wide, outer_nc, 4, 2, 1, bias=outermost or bias)
        layers: list[nn.Module | None]
        if outermost:
            layers = [down, submodule, nn.ReLU(True), up, nn.Tanh()]
        elif innermost:
            layers = [nn.LeakyReLU(0.2, True), down, nn.ReLU(True), up, norm_layer(outer_nc)]
        else:
            layers = [nn.LeakyReLU(0.2, True), down, norm_layer(inner_nc), submodule]
            layers += [nn.ReLU(True), up, norm_layer(outer_nc), nn.Dropout(0.5) if use_dropout else None]
        self.model = nn.Sequential(*[layer for layer in layers if layer is not None])

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


class UnetGenerator(nn.Module):
    def __init__(
        self,
        input_nc: int,
        output_nc: int,
        num_downs: int,
        ngf: int = 64,
        norm_layer: Callable[[int], nn.Module] = BATCH,
        use_dropout: bool = False,
    ) -> None:
        super().__init__()
        make = functools.partial(UnetSkipConnectionBlock, norm_layer=norm_layer)
        block = make(ngf * 8, ngf * 8, innermost=True)
        for _ in range(num_downs - 5):
            block = make(ngf * 8, ngf * 8, submodule=block, use_dropout=use_dropout)
        for outer in (4, 2, 1):
            block = make(ngf * outer, ngf * outer * 2, submodule=block)
        self.model = make(output_nc, ngf, input_nc=input_nc, submodule=block, outermost=True)

    def forward(self, images: Tensor) -> Tensor:
        return self.model(images)


class ResnetBlock(nn.Module):
    def __init__(self, dim: int, norm_layer: Callable[[int], nn.Module], use_dropout: bool, use_bias: bool) -> None:
        super().__init__()
        half = [nn.ReflectionPad2d(1), nn.Conv2d(dim, dim, 3, bias=use_bias), norm_layer(dim)]
        drop = [nn.Dropout(0.5)] if use_dropout else []
        again = [nn.ReflectionPad2d(1), nn.Conv2d(dim, dim, 3, bias=use_bias), norm_layer(dim)]
        self.conv_block = nn.Sequential(*half, nn.ReLU(True), *drop, *again)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class ResnetGenerator(nn.Module):
    def __init__(
        self,
        input_nc: int,
        output_nc: int,
        ngf: int = 64,
        norm_layer: Callable[[int], nn.Module] = BATCH,
        use_dropout: bool = False,
        n_blocks: int = 6,
    ) -> None:
        super().__init__()
        bias = norm_layer is INSTANCE
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(input_nc, ngf, 7, bias=bias), norm_layer(ngf), nn.ReLU(True)]
        for c in (ngf, 2 * ngf):
            layers += [nn.Conv2d(c, 2 * c, 3, 2, 1, bias=bias), norm_layer(2 * c), nn.ReLU(True)]
        layers += [ResnetBlock(4 * ngf, norm_layer, use_dropout, bias) for _ in range(n_blocks)]
        for c in (4 * ngf, 2 * ngf):
            up = nn.ConvTranspose2d(c, c // 2, 3, 2, 1, output_padding=1, bias=bias)
            layers += [up, norm_layer(c // 2), nn.ReLU(True)]
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(ngf, output_nc, 7), nn.Tanh())

    def forward(self, images: Tensor) -> Tensor:
        return self.model(images)


def theirs(kind: str, norm: Callable[[int], nn.Module], dropout: bool = False) -> nn.Module:
    """Make one of their generators with weights and statistics that leave nothing at its default."""
    if kind == "unet":
        made: nn.Module = UnetGenerator(3, 3, 5, 2, norm, dropout)
    else:
        made = ResnetGenerator(3, 3, 2, norm, dropout, n_blocks=2)
    generator = torch.Generator().manual_seed(0)
    for name, tensor in made.state_dict().items():
        if tensor.is_floating_point():
            tensor.normal_(0, 0.2, generator=generator)
        if name.endswith("running_var"):
            tensor.abs_().add_(0.5)
    return made
