"""The networks of a task: one or one for each direction, new, loaded, or of one's own."""

from __future__ import annotations

import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from piggygan.data.pairs import PairDataset
from piggygan.data.unpaired import UnpairedDataset
from piggygan.errors import BankMismatchError, ConfigurationError, TaskStateError
from piggygan.jobs.config import LearningConfig, MethodConfig, NetworkConfig, TrainConfig
from piggygan.jobs.data import TaskData
from piggygan.jobs.training.learner import (
    Learner,
    generator_of_own,
    loaded_learner,
    make_objective,
    network_of,
    new_learner,
)
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry import TaskRegistry
from piggygan.training.objectives.cyclegan import CycleGANObjective
from piggygan.training.objectives.pix2pix import Pix2PixObjective
from piggygan.training.objectives.supervised import SupervisedObjective

SMALL = NetworkConfig("resnet_6blocks", 16, 2, "instance", False)


def taken_apart(data: TaskData) -> TaskData:
    assert isinstance(data.train, PairDataset)
    return replace(data, train=UnpairedDataset(data.train, data.train))


def test_pairs_have_one_network_and_unpaired_sides_one_for_each_direction(facades: TaskData) -> None:
    data = replace(facades, in_channels=3, out_channels=1)
    images = torch.zeros(1, 3, 16, 16)
    one = new_learner("a", data, SMALL)
    assert list(one.models) == ["generator"]
    assert one.networks is one.generator is one.models["generator"]
    both = new_learner("a", taken_apart(data), SMALL)
    assert list(both.models) == ["forward", "backward"]
    assert both.networks is both.models
    assert both.generator is both.models["forward"]
    assert both.translate(images).shape == (1, 1, 16, 16)
    assert both.translate_back(both.translate(images)).shape == images.shape
    assert network_of(both) == replace(SMALL, size=None)


@pytest.mark.parametrize("unpaired", [False, True])
def test_a_task_of_other_channels_is_added_to_every_network_and_frozen_in_all(
    unpaired: bool, facades: TaskData
) -> None:
    learner = new_learner("a", taken_apart(facades) if unpaired else facades, SMALL)
    learner.freeze_task()
    later = Learner(learner.models, "b")
    grey = replace(facades, in_channels=1, out_channels=2)
    later.add_task(grey, MethodConfig(unconstrained_fraction=0.5), ("a",), "a")
    assert later.translate(torch.zeros(1, 1, 16, 16)).shape == (1, 2, 16, 16)
    assert later.digests.keys() == learner.models.keys()
    assert all(later.digests[name] != learner.digests[name] for name in later.models)
    later.freeze_task()
    for model in later.models.values():
        with pytest.raises(TaskStateError):
            model.task_parameters("b")


def test_what_is_loaded_is_what_the_new_task_draws_on(clinic: TaskRegistry) -> None:
    learner = loaded_learner(clinic, "new", ("facades", "lungs"), None)
    assert learner.generator.tasks == ("facades", "lungs")
    assert Learner(learner.models, "lungs").digests == Learner({"generator": clinic.load(["lungs"])}, "lungs").digests


@pytest.mark.parametrize(
    ("objective", "made"),
    [("supervised", SupervisedObjective), ("pix2pix", Pix2PixObjective), ("cyclegan", CycleGANObjective)],
)
def test_an_objective_moves_the_task_in_all_networks(objective: Any, made: type, facades: TaskData) -> None:
    learner = new_learner("a", taken_apart(facades) if objective == "cyclegan" else facades, SMALL)
    chosen = LearningConfig(objective=objective, l1_weight=2.0, dice_weight=0.0, discriminator_layers=1)
    found = make_objective(learner, TrainConfig(network=SMALL, training=chosen), facades)
    assert type(found) is made
    moved = {id(parameter) for name, player in found.players().items() if "generator" in name for parameter in player}
    learned = [parameter for model in learner.models.values() for parameter in model.task_parameters("a")]
    assert moved == {id(parameter) for parameter in learned}


class Own(nn.Module):
    """A network that no registry can build."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels, 4, 3, padding=1)
        self.last = nn.Conv2d(4, out_channels, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.last(self.first(images).relu())
        return output


def test_a_network_of_ones_own_is_named_again_and_its_channels_are_found(
    tmp_path: Path, clinic: TaskRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    module: Any = types.ModuleType("own_networks")
    module.Own = Own
    module.other = lambda in_channels, out_channels: nn.Conv2d(in_channels, out_channels, 3)
    monkeypatch.setitem(sys.modules, "own_networks", module)
    model = MultiTaskGenerator(Own(1, 2), "a")
    model.freeze_task("a")
    registry = TaskRegistry(tmp_path / "own")
    registry.commit(model, "a")
    assert generator_of_own(clinic, None, "generator") is None
    with pytest.raises(ConfigurationError, match=r"one of your own, .* name it again, as --net module:function"):
        generator_of_own(registry, None, "generator")
    made = generator_of_own(registry, "own_networks:Own", "generator")
    assert isinstance(made, Own)
    assert (made.first.in_channels, made.last.out_channels) == (1, 2)
    loaded = loaded_learner(registry, "b", ("a",), "own_networks:Own")
    assert network_of(loaded).net is None
    with pytest.raises(BankMismatchError):
        loaded_learner(registry, "b", ("a",), "own_networks:other")
