"""In how many bits a learned task is stored is decided on the validation side, and the task is left as it was."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.errors import ConfigurationError
from piggygan.files.digests import tensors_digest
from piggygan.jobs.config import MethodConfig, TrainConfig
from piggygan.jobs.evaluating.scoring import Scored
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.training import rounding
from piggygan.jobs.training.preparing import Prepared, prepare
from piggygan.jobs.training.rounding import chosen_precision
from piggygan.jobs.training.run import train_task

SCORE = "piggygan.jobs.training.rounding.score_side"


@pytest.fixture
def lungs(run_folder: Path, lung_films: Path, small: Any) -> Prepared:
    found = prepare(RunFolder.at(run_folder), "lungs", small(lung_films))
    with torch.no_grad():
        for parameter in found.learner.generator.task_parameters("lungs"):
            parameter += 0.1 * torch.randn_like(parameter)
    return found


def asking(prepared: Prepared, stored: str) -> Prepared:
    method = replace(prepared.config.method, stored=stored)  # type: ignore[arg-type]
    return replace(prepared, config=replace(prepared.config, method=method))


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Validated with 0.9; what 4, 8 and 16 bits lose is set by a test."""
    lost: list[float] = []
    monkeypatch.setattr("piggygan.jobs.training.rounding.validated", lambda *_: {"dice": 0.9})
    monkeypatch.setattr(SCORE, lambda *_: Scored({"dice": 0.9 - lost.pop(0)}, ""))
    monkeypatch.setattr(rounding, "FEWEST_FOR_4_BITS", 1)
    return lost  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("lost", "chosen"),
    [
        ([0.0019], "int4"),
        ([-0.1], "int4"),
        ([0.0021, 0.0019], "int8"),
        ([0.5, 0.5, 0.0], "bf16"),
        ([0.5, 0.5, 0.5], None),
    ],
)
def test_the_fewest_bits_that_cost_nothing_are_taken(
    lungs: Prepared, scored: list[float], lost: list[float], chosen: str | None
) -> None:
    scored += lost
    found, said = chosen_precision(lungs, 1)
    assert found == chosen
    assert (chosen or "float32") in said
    assert scored == []


def test_a_score_that_is_better_the_lower_is_turned(lungs: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = replace(lungs, data=replace(lungs.data, kind="pairs"))
    monkeypatch.setattr(rounding, "FEWEST_FOR_4_BITS", 1)
    monkeypatch.setattr("piggygan.jobs.training.rounding.validated", lambda *_: {"l1": 0.3, "ssim": 0.1, "psnr": 9.0})
    found = [{"l1": 0.31, "ssim": 0.1, "psnr": 9.0}, {"l1": 0.3, "ssim": 0.09, "psnr": 9.0}, {"l1": 0.2, "ssim": 0.2}]
    monkeypatch.setattr(SCORE, lambda *_: Scored(found.pop(0), ""))
    assert chosen_precision(pairs, 1)[0] == "bf16"


def test_a_small_validation_side_is_not_asked_about_4_bits(lungs: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("piggygan.jobs.training.rounding.validated", lambda *_: {"dice": 0.0})
    assert len(lungs.data.validation) < rounding.FEWEST_FOR_4_BITS
    assert chosen_precision(lungs, 1)[0] == "int8"


@pytest.mark.parametrize("stored", ["float32", "bf16", "int8", "int4"])
def test_what_was_asked_for_is_not_tried(lungs: Prepared, stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(SCORE)
    assert chosen_precision(asking(lungs, stored), 1) == (None if stored == "float32" else stored, "")


def test_looking_leaves_the_task_as_it_was(lungs: Prepared, scored: list[float]) -> None:
    scored += [0.5, 0.5, 0.5]
    model = lungs.learner.generator
    before = [parameter.detach().clone() for parameter in model.task_parameters("lungs")]
    chosen_precision(lungs, 1)
    assert all(torch.equal(now, then) for now, then in zip(model.task_parameters("lungs"), before, strict=True))


def test_what_is_scored_is_what_is_frozen_then(lungs: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    model, seen = lungs.learner.generator, []
    monkeypatch.setattr("piggygan.jobs.training.rounding.validated", lambda *_: {"dice": 0.0})

    def look(*_: object) -> Scored:
        seen.append(tensors_digest(model.task_tensors("lungs")))
        return Scored({"dice": 0.0}, "")

    monkeypatch.setattr(SCORE, look)
    stored, _ = chosen_precision(lungs, 1)
    lungs.learner.freeze_task(stored)
    assert seen == [tensors_digest(model.task_tensors("lungs"))]


def test_training_says_what_was_chosen(run_folder: Path, lung_films: Path, small: Any) -> None:
    result = train_task(run_folder, "lungs", small(lung_films), progress=False)
    assert any("it is stored in int8" in note for note in result.notes)
    assert result.cost.size < 0.4 * 4 * result.cost.parameters
    assert f"{result.cost.size / 1e6:.2f} MB in int8" in str(result)
    assert result.stored == "int8"


def test_the_first_task_of_a_registry_is_not_rounded(tmp_path: Path, facade_pairs: Path, small: Any) -> None:
    config: TrainConfig = replace(small(facade_pairs), method=MethodConfig(stored="int8"))
    with pytest.raises(ConfigurationError, match="a registry's first one is kept to the bit"):
        train_task(tmp_path / "new", "facades", config, progress=False)


class Lit(nn.Module):
    """A convolution whose channels a matrix of the user's own mixes."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.own, self.last = nn.Conv2d(3, 8, 3), nn.Linear(8, 8), nn.Conv2d(8, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.last(self.own(self.first(x).movedim(1, -1)).movedim(-1, 1))
        return output


def test_what_is_looked_at_is_what_freezing_makes_copies_of_other_modules_included() -> None:
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(Lit(), "facades", per_task=["own"])
    model.freeze_task("facades")
    model.add_task("lungs", init="normal")
    frozen, learner = copy.deepcopy(model), cast(Any, SimpleNamespace(models={"generator": model}, task="lungs"))
    frozen.freeze_task("lungs", stored="int4")
    x = torch.randn(1, 3, 8, 8)
    before = tensors_digest(model.task_tensors("lungs"))
    with rounding._rounded(learner, "int4"), torch.no_grad():
        assert torch.equal(model.eval()(x, task="lungs"), frozen.eval()(x, task="lungs"))
    assert tensors_digest(model.task_tensors("lungs")) == before
