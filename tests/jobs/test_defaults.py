"""What is taken where nothing was said is what the table at the top of the module says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from piggygan.data.pairs import PairDataset
from piggygan.data.unpaired import UnpairedDataset
from piggygan.errors import ConfigurationError
from piggygan.jobs.config import LearningConfig, NetworkConfig
from piggygan.jobs.data import TaskData
from piggygan.jobs.defaults import VARIATIONS, every_so_often, settled_learning, settled_network, variations
from piggygan.jobs.source import Kind


def of_kind(data: TaskData, kind: Kind) -> TaskData:
    assert isinstance(data.train, PairDataset)
    train = UnpairedDataset(data.train, data.train) if kind == "unpaired" else data.train
    return replace(data, kind=kind, train=train)


@pytest.mark.parametrize(
    ("unpaired", "size", "net", "norm", "dropout"),
    [
        (False, 256, "unet_256", "batch", True),
        (False, 96, "unet_32", "batch", True),
        (False, 1024, "unet_256", "batch", True),
        (True, 256, "resnet_9blocks", "instance", False),
        (True, 128, "resnet_6blocks", "instance", False),
    ],
)
def test_a_network_follows_the_data_and_the_size(unpaired: bool, size: int, net: str, norm: str, dropout: bool) -> None:
    found = settled_network(NetworkConfig(), size, unpaired=unpaired)
    assert (found.net, found.size, found.width, found.norm, found.dropout) == (net, size, 64, norm, dropout)


def test_what_is_said_of_a_network_stays_and_nothing_is_made_up_for_one_of_ones_own() -> None:
    said = NetworkConfig("resnet_6blocks", width=8, norm="batch", dropout=True)
    assert settled_network(said, 64, unpaired=False) == replace(said, size=64)
    own = settled_network(NetworkConfig("mine:Net"), 64, unpaired=False)
    assert (own.net, own.norm, own.dropout) == ("mine:Net", None, None)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("pairs", {"objective": "pix2pix", "l1_weight": 100.0, "dice_weight": 0.0, "batch_size": 4}),
        ("masks", {"objective": "supervised", "l1_weight": 1.0, "dice_weight": 1.0, "augmentation": "films"}),
        ("unpaired", {"objective": "cyclegan", "batch_size": 1, "identity_weight": 0.5, "augmentation": "pix2pix"}),
        ("unpaired", {"forward_cycle_weight": 10.0, "cycle_weight": 10.0, "instance_noise": 0.0}),
    ],
)
def test_learning_follows_the_kind(kind: Kind, expected: dict[str, Any], facades: TaskData) -> None:
    data = of_kind(facades, kind)
    found = settled_learning(LearningConfig(), data, 256)
    assert {name: getattr(found, name) for name in expected} == expected
    assert (found.epochs, found.learning_rate, found.discriminator_layers) == (200, 2e-4, 3)
    said = LearningConfig(
        epochs=7, batch_size=2, learning_rate=0.0, l1_weight=0.0, identity_weight=0.0, discriminator_layers=1
    )
    kept = settled_learning(said, data, 256)
    assert all(getattr(kept, name) == value for name, value in vars(said).items() if value is not None)


def test_of_other_channels_nothing_is_left_alone_and_small_pictures_have_small_patches(facades: TaskData) -> None:
    assert settled_learning(LearningConfig(), replace(facades, out_channels=1), 256).identity_weight == 0.0
    assert [settled_learning(LearningConfig(), facades, size).discriminator_layers for size in (4, 16, 32)] == [1, 2, 3]
    few = replace(facades, train=facades.train)
    assert settled_learning(LearningConfig(), few, 16).batch_size == len(few.train) == 4


@pytest.mark.parametrize("kind", ["masks", "unpaired"])
def test_masks_without_pairs_have_defaults_of_their_own(kind: Kind, facades: TaskData) -> None:
    apart = replace(of_kind(facades, kind), train=UnpairedDataset(facades.train, facades.train), targets_are_masks=True)
    assert apart.form == "masks apart"
    asked = LearningConfig(objective="cyclegan")
    found = settled_learning(asked, apart, 256)
    assert (found.forward_cycle_weight, found.cycle_weight, found.instance_noise) == (1.0, 10.0, 0.2)
    assert found.augmentation == "none"
    assert settled_learning(replace(asked, cycle_weight=5.0), apart, 256).forward_cycle_weight == 0.5
    layers = {size: settled_learning(asked, apart, size).discriminator_layers for size in (4, 16, 64, 70, 72, 128, 256)}
    assert layers == {4: 1, 16: 1, 64: 3, 70: 3, 72: 4, 128: 4, 256: 5}  # patches of 16, 70, 142 and 286 pixels
    said = replace(asked, forward_cycle_weight=0.0, instance_noise=0.0, augmentation="films")
    found = settled_learning(said, apart, 256)
    assert (found.forward_cycle_weight, found.instance_noise, found.augmentation) == (0.0, 0.0, "films")


def test_pictures_that_are_taken_apart_have_the_defaults_of_pictures(facades: TaskData) -> None:
    apart = replace(facades, train=UnpairedDataset(facades.train, facades.train))
    found = settled_learning(LearningConfig(objective="cyclegan"), apart, 256)
    assert (apart.form, found.augmentation, found.instance_noise) == ("pairs", "pix2pix", 0.0)


def test_an_objective_that_learns_from_other_data_is_refused(facades: TaskData) -> None:
    with pytest.raises(ConfigurationError, match=r"--objective pix2pix learns from others: take .* cyclegan"):
        settled_learning(LearningConfig(objective="pix2pix"), of_kind(facades, "unpaired"), 256)


def test_looking_costs_a_hundredth_and_is_never_rarer_than_once(facades: TaskData) -> None:
    assert [every_so_often(*sides) for sides in ((700, 100), (1000, 1), (10, 10))] == [4, 1, 25]
    assert settled_learning(LearningConfig(epochs=3), facades, 256).validate_every == 3  # 25 if there were as many


def test_variations_are_by_name_or_by_kind() -> None:
    assert variations("none") is None
    assert variations("films") == VARIATIONS["films"]
    by_kind = variations(None)
    assert isinstance(by_kind, dict)
    assert by_kind["masks"] == VARIATIONS["films"]
    assert by_kind["pairs"] == by_kind["unpaired"] == VARIATIONS["pix2pix"]
    assert "masks apart" not in by_kind
