"""A class of theirs is known as the one of ours that has its layers, and no other class is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from piggygan.networks import UNetGenerator
from piggygan.networks.pix2pix.namesakes import as_ours, computes_the_same
from tests.networks.pix2pix.their_classes import BATCH, INSTANCE, ResnetBlock, UnetGenerator, theirs


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


@pytest.mark.parametrize("kind", ["unet", "resnet"])
@pytest.mark.parametrize("norm", [BATCH, INSTANCE], ids=["batch", "instance"])
def test_ours_has_their_tensors_and_gives_their_bits(kind: str, norm: Callable[[int], nn.Module]) -> None:
    there = theirs(kind, norm).eval()
    ours = as_ours(there)
    assert ours is not None
    assert {parameter.device.type for parameter in ours.parameters()} == {"meta"}  # without values
    assert list(ours.state_dict()) == list(there.state_dict())
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    assert computes_the_same(ours, there, images)


def test_another_forward_under_the_same_name_does_not_compute_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    there = theirs("resnet", INSTANCE).eval()
    ours = as_ours(there)
    assert ours is not None
    images = torch.rand(1, 3, 16, 16)
    monkeypatch.setattr(ResnetBlock, "forward", lambda self, x: x - self.conv_block(x))
    assert not computes_the_same(ours, there, images)


def changed(change: Callable[[nn.Module], object]) -> nn.Module:
    made = theirs("resnet", INSTANCE)
    change(made.get_submodule("model"))
    return made


@pytest.mark.parametrize(
    "other",
    [
        lambda: nn.Sequential(nn.Conv2d(3, 3, 1)),
        lambda: UNetGenerator(depth=5, width=2),
        lambda: changed(lambda model: model.__setitem__(0, nn.ReflectionPad2d(2))),
        lambda: changed(lambda model: model.__setitem__(0, nn.ZeroPad2d(3))),
        lambda: changed(lambda model: model.__setitem__(3, nn.LeakyReLU(0.2))),
        lambda: changed(lambda model: model.append(nn.Identity())),
        lambda: changed(lambda model: model[4].__setattr__("stride", (1, 1))),
        lambda: changed(lambda model: model.register_buffer("more", torch.zeros(1))),
    ],
    ids=["another class", "ours", "less padding", "zeros", "another activation", "one more", "stride", "a buffer"],
)
def test_what_has_another_name_or_layer_is_none_of_theirs(other: Callable[[], nn.Module]) -> None:
    assert as_ours(theirs("resnet", INSTANCE)) is not None
    assert as_ours(other()) is None
