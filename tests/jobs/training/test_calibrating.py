"""A temperature is fitted on the validation side, by the formula and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from piggygan.evaluation.temperature import TemperatureFit
from piggygan.jobs.data import DataConfig, open_task_data
from piggygan.jobs.training.calibrating import fitted_temperature
from piggygan.jobs.training.learner import Learner
from tests.jobs.conftest import LEARNED_SIZE


class _Model:
    def eval(self) -> None: ...


class _Sure:
    """Says of each pixel how bright it is, and is surer than it is right."""

    generator = _Model()

    def translate(self, images: Tensor) -> Tensor:
        return torch.tanh(images[:, :1] * 4)


def learner(made: Any) -> Learner:
    return made  # type: ignore[no-any-return]


def test_the_validation_side_alone_says_how_sure_to_be(lung_films: Path) -> None:
    data = open_task_data(DataConfig(data=lung_films), size=LEARNED_SIZE, seed=0)
    found = fitted_temperature(learner(_Sure()), data, 2)
    fit = TemperatureFit()
    for image, target, _ in (data.validation[0], data.validation[1]):
        fit.update(_Sure().translate(image[None]), target)
    assert found == fit.temperature()
    assert found is not None
    assert found > 1


def test_of_pictures_and_of_what_is_no_number_there_is_none(lung_films: Path) -> None:
    class Broken(_Sure):
        def translate(self, images: Tensor) -> Tensor:
            return images[:, :1] * torch.nan

    data = open_task_data(DataConfig(data=lung_films), size=LEARNED_SIZE, seed=0)
    assert fitted_temperature(learner(Broken()), data, 2) is None
    assert fitted_temperature(learner(_Sure()), replace(data, kind="pairs"), 2) is None
    assert fitted_temperature(learner(_Sure()), replace(data, out_channels=2), 2) is None
