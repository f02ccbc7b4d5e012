from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from piggygan.errors import BankMismatchError, ConfigurationError, CorruptFileError, RegistryError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.model.wrapping import Wrapping
from piggygan.networks import ResNetGenerator, UNetGenerator
from piggygan.registry.architectures import (
    OURS,
    PROBE_SIDE,
    architecture_of,
    network_difference,
    plain_generator,
    probe_side,
)
from piggygan.registry.described import Architecture, Network

UNET = UNetGenerator(in_channels=1, out_channels=2, depth=3, width=4, norm="batch")
RESNET = ResNetGenerator(blocks=1, width=4)


@pytest.mark.parametrize("generator", [UNET, RESNET])
def test_one_of_ours_is_described_by_class_and_arguments_and_built_from_them(generator: nn.Module) -> None:
    architecture = architecture_of(generator)
    assert architecture.class_name == type(generator).__name__
    assert architecture.arguments == generator.arguments
    built = plain_generator(architecture, dict(generator.named_parameters()) | dict(generator.named_buffers()), None)
    assert type(built) is type(generator)
    shapes = {name: tensor.shape for name, tensor in generator.state_dict().items()}
    assert {name: tensor.shape for name, tensor in built.state_dict().items()} == shapes


def test_one_of_ours_that_was_changed_counts_as_the_users_own() -> None:
    changed = UNetGenerator(depth=3, width=4)
    changed.model.model[-1] = nn.Sigmoid()
    assert architecture_of(changed).class_name is None
    assert architecture_of(UNetGenerator(depth=3, width=4).double()).class_name is None


def test_a_subclass_and_a_namesake_count_as_the_users_own() -> None:
    subclass = type("UNetGenerator", (UNetGenerator,), {})
    assert architecture_of(subclass(depth=3, width=4)).class_name is None
    namesake = type("ResNetGenerator", (nn.Sequential,), {})
    assert architecture_of(namesake(nn.Conv2d(3, 3, 1))).class_name is None


def test_describing_a_wrapped_and_folded_generator_gives_the_same(make_generator: Callable[[], nn.Sequential]) -> None:
    for plain in (make_generator(), UNetGenerator(depth=3, width=4)):
        expected = architecture_of(plain)
        model = MultiTaskGenerator(plain, "facades")
        model.freeze_task("facades")
        assert architecture_of(model.fold_task("facades")) == expected


def test_a_users_generator_has_to_be_given_and_to_be_the_same(make_generator: Callable[[], nn.Sequential]) -> None:
    architecture = architecture_of(make_generator())
    with pytest.raises(ConfigurationError, match="give generator="):
        plain_generator(architecture, {}, None)
    other = make_generator()
    other[2] = nn.LeakyReLU(0.1)
    with pytest.raises(BankMismatchError, match=r"here is 2 LeakyReLU negative_slope=0\.1; there is .*slope=0\.2"):
        plain_generator(architecture, {}, other)


def test_the_given_generator_is_copied(make_generator: Callable[[], nn.Sequential]) -> None:
    given = make_generator()
    built = plain_generator(architecture_of(given), {}, given)
    assert built is not given
    assert not {id(p) for p in built.parameters()} & {id(p) for p in given.parameters()}


@pytest.mark.parametrize(
    "name", ["os.system", "builtins.eval", "Sequential", "PatchDiscriminator", "", "unetgenerator"]
)
def test_h01_no_class_is_built_but_the_listed_ones(name: str) -> None:
    assert set(OURS) == {"UNetGenerator", "ResNetGenerator"}
    with pytest.raises(RegistryError, match=r"builds only ResNetGenerator, UNetGenerator"):
        plain_generator(Architecture(name, {}, ()), {}, None)


@pytest.mark.parametrize(
    "arguments", [{"depth": 0}, {"depth": "8"}, {"bogus": 1}, {"norm": "none"}, {"depth": 1, "width": 1}]
)
def test_arguments_that_cannot_be_are_a_corrupt_file(arguments: dict[str, str | bool | int | float | None]) -> None:
    with pytest.raises(CorruptFileError, match="which cannot be"):
        plain_generator(Architecture("UNetGenerator", arguments, ()), {}, None)


def test_h11_a_generator_of_another_size_than_its_tensors_is_never_built(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []

    def noted(**arguments: Any) -> UNetGenerator:
        generator = UNetGenerator(**arguments)
        built.append(next(generator.parameters()).device.type)
        return generator

    monkeypatch.setitem(OURS, "UNetGenerator", noted)
    with pytest.raises(
        BankMismatchError, match="numbers, the base task 4: the manifest and the base task do not belong"
    ):
        plain_generator(Architecture("UNetGenerator", {"width": 4, "depth": 3}, ()), {"weight": torch.zeros(4)}, None)
    assert built == ["meta"]  # shapes without memory


def test_what_differs_is_said() -> None:
    unet = Network(architecture_of(UNET), Wrapping("model", "0"))
    assert network_difference(unet, unet) == ""
    wider = Network(
        architecture_of(UNetGenerator(in_channels=1, out_channels=2, depth=3, width=8, norm="batch")), "model"
    )
    assert "width=8" in network_difference(wider, unet)
    assert "width=4" in network_difference(wider, unet)
    assert "ResNetGenerator(" in network_difference(unet, Network(architecture_of(RESNET), Wrapping("model", "0")))
    assert "output_layer='model'" in network_difference(unet, Network(unet.architecture, Wrapping("other", "0")))
    own = Network(architecture_of(nn.Conv2d(3, 3, 1)), Wrapping("model", "0"))
    assert f"1 modules, fingerprint {own.architecture.fingerprint[:12]}" in network_difference(own, unet)


def test_a_long_difference_is_cut() -> None:
    many = Network(architecture_of(nn.Sequential(*[nn.ReLU() for _ in range(20)])), "0")
    few = Network(architecture_of(nn.Sequential(nn.Tanh())), "0")
    assert network_difference(many, few).endswith("; and 11 lines more")


@pytest.mark.parametrize(("generator", "side"), [(UNET, 8), (RESNET, 32), (nn.Conv2d(3, 3, 1), PROBE_SIDE)])
def test_a_probe_is_as_small_as_the_generator_allows(generator: nn.Module, side: int) -> None:
    assert probe_side(generator) == side
    channels = generator.arguments["in_channels"] if isinstance(generator, UNetGenerator) else 3
    assert generator.eval()(torch.zeros(2, channels, side, side)).shape[2:] == (side, side)
