"""A task made ready to be scored."""

from __future__ import annotations

import pytest
import torch

from piggygan.jobs.contender import Contender
from piggygan.prediction import PredictionOptions, translate_pictures
from piggygan.registry import TaskRegistry


def test_it_makes_what_predicting_makes_at_the_pictures_own_size(clinic: TaskRegistry) -> None:
    contender = Contender.load(clinic, "lungs", PredictionOptions())
    picture = torch.rand(3, 21, 34, generator=torch.Generator().manual_seed(0)) * 2 - 1
    (expected,) = translate_pictures(clinic.load(["lungs"]), "lungs", [picture], PredictionOptions(size=16))
    assert torch.equal(contender.output(picture), expected)
    assert expected.shape == (1, 21, 34)
    assert contender.options.size == 16


def test_it_says_what_the_registry_certifies(clinic: TaskRegistry) -> None:
    certified = clinic.describe("lungs").networks["generator"].certificate
    assert Contender.load(clinic, "lungs", PredictionOptions()).certificate == certified.tensors_digest


def test_another_size_than_the_trained_one_is_warned_of(clinic: TaskRegistry) -> None:
    with pytest.warns(UserWarning, match="was trained on squares of 16 pixels and predicts at 32"):
        assert Contender.load(clinic, "lungs", PredictionOptions(size=32)).options.side == 32
