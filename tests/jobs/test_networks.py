"""A name means a network, a network has its name, and one of one's own is found in the working folder."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from piggygan.errors import ConfigurationError
from piggygan.jobs.config import NetworkConfig
from piggygan.jobs.networks import check_size, described, is_own, make_discriminator, make_generator, unet_for


@pytest.mark.parametrize(("size", "net"), [(32, "unet_32"), (96, "unet_32"), (256, "unet_256"), (1024, "unet_256")])
def test_the_deepest_unet_that_divides_the_size_is_taken(size: int, net: str) -> None:
    assert unet_for(size) == net
    check_size(net, size)


@pytest.mark.parametrize(("size", "way_out"), [(240, 256), (16, 32), (100, 96)])
def test_a_size_that_no_unet_takes_is_refused_with_one_that_is_near(size: int, way_out: int) -> None:
    with pytest.raises(ConfigurationError, match=f"take --size {way_out}, or --net resnet_6blocks"):
        unet_for(size)


def test_a_size_is_a_multiple_of_what_the_network_needs() -> None:
    check_size("resnet_9blocks", 36)
    check_size("mine:Net", 7)
    with pytest.raises(ConfigurationError, match="multiple of 4, and --size is 30: take --size 32"):
        check_size("resnet_9blocks", 30)
    with pytest.raises(ConfigurationError, match="multiple of 128, and --size is 192: take --size 256"):
        check_size("unet_128", 192)


@pytest.mark.parametrize("net", ["unet_32", "resnet_6blocks", "resnet_9blocks"])
def test_a_network_that_is_made_by_a_name_has_that_name(net: str) -> None:
    config = NetworkConfig(net, None, 2, "batch", True)
    made = make_generator(config, 2, 1)
    assert described(made) == config
    assert made(torch.zeros(2, 2, 32, 32)).shape == (2, 1, 32, 32)
    assert described(nn.Identity()) == NetworkConfig()


def test_a_name_that_is_none_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="no network 'unet_265': did you mean 'unet_256'"):
        make_generator(NetworkConfig("unet_265"), 3, 3)


def test_a_discriminator_suits_its_generator() -> None:
    judge = make_discriminator(4, NetworkConfig(width=2, norm="batch"), 1)
    kinds = {type(module) for module in judge.modules()}
    assert nn.BatchNorm2d in kinds
    assert nn.InstanceNorm2d not in kinds
    assert next(judge.parameters()).shape[:2] == (2, 4)


OWN = """
from torch import nn

def net(in_channels, out_channels):
    return nn.Conv2d(in_channels, out_channels, 1)

def otherwise(channels):
    return nn.Identity()

def nothing(in_channels, out_channels):
    return "a network"

class Nets:
    net = staticmethod(net)
"""


def test_a_network_of_ones_own_is_found_in_the_working_folder_and_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "networks_of_mine.py").write_text(OWN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    try:
        for name in ("net", "Nets.net"):
            made = make_generator(NetworkConfig(f"networks_of_mine:{name}"), 5, 2)
            assert isinstance(made, nn.Conv2d)
            assert (made.in_channels, made.out_channels) == (5, 2)
        for name, words in (
            ("otherwise", "TypeError: .* it is to be a function that takes in_channels= and out_channels="),
            ("absent", "AttributeError"),
            ("nothing", "gave a str; it is to give a torch.nn.Module"),
        ):
            with pytest.raises(ConfigurationError, match=words):
                make_generator(NetworkConfig(f"networks_of_mine:{name}"), 5, 2)
        with pytest.raises(ConfigurationError, match="ModuleNotFoundError"):
            make_generator(NetworkConfig("networks_of_nobody:net"), 5, 2)
    finally:
        sys.modules.pop("networks_of_mine", None)
    assert sys.path == before


def test_only_a_module_and_a_function_are_ones_own() -> None:
    assert is_own("my.module:Class.method")
    assert not any(map(is_own, (None, "unet_256", "a:b:c", "a: b", ":b", "a:")))
    assert re.match(r"unet_\d+$", unet_for(64))
