"""Generators of the repository's own classes, wrapped: what is promised of ours holds of them.

Its classes are stated anew here, under its names and with its constructor's arguments, from what its layers are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from piggygan.cli import main
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks.pix2pix import load_pix2pix_generator, pix2pix_options, save_pix2pix_generator
from piggygan.networks.pix2pix.namesakes import as_ours
from piggygan.registry import TaskRegistry

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


@pytest.fixture(params=[("unet", BATCH), ("unet", INSTANCE), ("resnet", BATCH), ("resnet", INSTANCE)], ids=str)
def model(request: pytest.FixtureRequest) -> MultiTaskGenerator:
    model = MultiTaskGenerator(theirs(*request.param), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", out_channels=1, init="normal")
    model.freeze_task("lungs")
    return model.eval()


def test_their_classes_are_stored_verified_predicted_and_exported_like_ours(
    model: MultiTaskGenerator, tmp_path: Path
) -> None:
    folder = tmp_path / "clinic"
    registry = TaskRegistry(folder)
    for task in model.tasks:
        registry.commit(model, task, image_size=32)
    assert not registry.needs_generator
    assert main(["verify", str(folder)]) == 0
    assert [check.state for check in registry.verify()] == ["equal", "equal"]
    film = tmp_path / "film.png"
    Image.fromarray(np.arange(32 * 32 * 3, dtype=np.uint8).reshape(32, 32, 3)).save(film)
    assert main(["predict", str(folder), str(film), "--task", "lungs", "--out", str(tmp_path / "out")]) == 0
    assert main(["export-pix2pix", str(folder), str(tmp_path / "lungs.pth"), "--task", "lungs"]) == 0
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.inference_mode():
        assert torch.equal(load_pix2pix_generator(tmp_path / "lungs.pth")(images), model(images, task="lungs"))
        loaded = registry.load(generator=model.fold_task("facades"))  # their class can be given all the same
        assert type(loaded.fold_task("lungs")) is type(model.fold_task("lungs"))
        assert torch.equal(loaded(images, task="lungs"), model(images, task="lungs"))


def test_a_folded_task_of_theirs_goes_out_as_it_is(model: MultiTaskGenerator, tmp_path: Path) -> None:
    plain = model.fold_task("lungs")
    save_pix2pix_generator(plain, tmp_path / "lungs.pth")
    written = torch.load(tmp_path / "lungs.pth", weights_only=True)
    assert list(written) == list(plain.state_dict())
    assert "--output_nc 1 " in pix2pix_options(plain)


@pytest.mark.parametrize("kind", ["unet", "resnet"])
def test_whether_theirs_has_dropout_is_known(kind: str) -> None:
    for dropout in (False, True) if kind == "resnet" else (False,):
        ours = as_ours(theirs(kind, BATCH, dropout))
        assert ours is not None
        assert ours.arguments["dropout"] is dropout
    deep = as_ours(UnetGenerator(3, 3, 6, 2, use_dropout=True))
    assert deep is not None
    assert deep.arguments["dropout"]


def test_a_namesake_with_another_layer_is_the_users_own() -> None:
    changed = theirs("resnet", INSTANCE)
    changed.get_submodule("model")[-1] = nn.Sigmoid()
    assert as_ours(changed) is None


def test_a_namesake_that_computes_something_else_is_the_users_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ResnetBlock, "forward", lambda self, x: x - self.conv_block(x))
    model = MultiTaskGenerator(theirs("resnet", INSTANCE), "facades")
    model.freeze_task("facades")
    registry = TaskRegistry(tmp_path)
    registry.commit(model, "facades")
    assert registry.needs_generator
    assert registry.verify(generator=theirs("resnet", INSTANCE)).is_sound
