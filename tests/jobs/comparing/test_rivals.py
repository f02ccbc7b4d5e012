"""Other ways to learn a task: what they start from, and how what they made of earlier tasks is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from piggygan.errors import ConfigurationError
from piggygan.jobs.comparing.rivals import ReadAs, check_methods, fine_tuned, separate
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.training.preparing import Prepared, prepare
from piggygan.model.generator import MultiTaskGenerator


@pytest.fixture
def lungs(once_learned: Path, lung_films: Path, small: Any) -> Prepared:
    return prepare(RunFolder.at(once_learned), "lungs", small(lung_films))


def answer(model: MultiTaskGenerator, images: Tensor, task: str) -> Tensor:
    with torch.no_grad():
        output: Tensor = model.eval()(images, task=task)
    return output


def test_fine_tuning_starts_as_the_task_and_all_of_the_network_learns(lungs: Prepared) -> None:
    tuned = fine_tuned(lungs).generator
    images = torch.rand(2, lungs.data.in_channels, 32, 32) * 2 - 1
    torch.testing.assert_close(answer(tuned, images, "lungs"), answer(lungs.learner.generator, images, "lungs"))
    assert tuned.tasks == ("lungs",)
    ours = sum(parameter.numel() for parameter in lungs.learner.generator.task_parameters("lungs"))
    assert sum(parameter.numel() for parameter in tuned.task_parameters("lungs")) > 2 * ours


def test_a_separate_network_is_random_and_the_same_for_the_same_seed(lungs: Prepared) -> None:
    images = torch.rand(2, lungs.data.in_channels, 32, 32) * 2 - 1
    first, again = (answer(separate(lungs).generator, images, "lungs") for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, answer(lungs.learner.generator, images, "lungs"))


def test_the_first_task_has_nothing_to_be_fine_tuned(facade_pairs: Path, tmp_path: Path, small: Any) -> None:
    first = prepare(RunFolder.at(tmp_path / "new"), "facades", small(facade_pairs, size=32))
    with pytest.raises(ConfigurationError, match="'facades' is the first task: there is no earlier network"):
        fine_tuned(first)


def test_methods_are_taken_once_and_others_are_refused_with_the_nearest() -> None:
    assert check_methods(("separate", "fine-tuning", "separate")) == ("separate", "fine-tuning")
    with pytest.raises(ConfigurationError, match="method 'seperate' to compare with: did you mean 'separate'"):
        check_methods(("fine-tuning", "seperate"))


def test_outputs_of_other_channels_are_read_by_their_mean(lungs: Prepared) -> None:
    images = torch.rand(2, lungs.data.in_channels, 32, 32) * 2 - 1
    as_they_are = answer(lungs.learner.generator, images, "lungs")
    assert as_they_are.shape[1] == 1
    with torch.no_grad():
        read = ReadAs(lungs.learner.models, "lungs", channels=3, back_channels=1).translate(images)
        same = ReadAs(lungs.learner.models, "lungs", channels=1, back_channels=1).translate(images)
    assert torch.equal(same, as_they_are)
    assert torch.equal(read, as_they_are.expand(-1, 3, -1, -1))
