"""A task made ready to be scored."""

from __future__ import annotations

import pytest
import torch

from piggygan.errors import ConfigurationError
from piggygan.jobs.evaluating.contender import Contender
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.prediction import PredictionOptions, translate_pictures
from piggygan.prediction.ensemble import Ensemble
from piggygan.registry import TaskRegistry


def test_it_makes_what_predicting_makes_at_the_pictures_own_size(clinic: TaskRegistry) -> None:
    contender = Contender.load(clinic, "lungs", PredictionOptions())
    picture = torch.rand(3, 21, 34, generator=torch.Generator().manual_seed(0)) * 2 - 1
    (expected,) = translate_pictures(clinic.load(["lungs"]), "lungs", [picture], PredictionOptions(size=16))
    assert torch.equal(contender.judged(picture).output, expected)
    assert expected.shape == (1, 21, 34)
    assert contender.options.size == 16


def test_it_says_what_the_registry_certifies(clinic: TaskRegistry) -> None:
    certified = clinic.describe("lungs").networks["generator"].certificate
    assert Contender.load(clinic, "lungs", PredictionOptions()).certificate == certified.tensors_digest


def test_another_size_than_the_trained_one_is_warned_of(clinic: TaskRegistry) -> None:
    with pytest.warns(UserWarning, match="was trained on squares of 16 pixels and predicts at 32"):
        assert Contender.load(clinic, "lungs", PredictionOptions(size=32)).options.side == 32


def test_a_task_of_any_number_of_channels_is_scored() -> None:
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4, in_channels=4, out_channels=2), "organs")
    options = PredictionOptions(size=16)
    ensemble = Ensemble(model, ["organs"], options)
    output = Contender("organs", "r", "", options, ensemble).judged(torch.zeros(4, 20, 18)).output
    assert (ensemble.in_channels, output.shape) == (4, (2, 20, 18))
    with pytest.raises(ConfigurationError, match="takes 4 channels"):  # which predicting of files does not know
        ensemble.check_channels()
