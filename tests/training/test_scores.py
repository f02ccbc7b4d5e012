"""Scores that ``on_epoch`` returns: whatever is a real number is one, and nothing else costs an epoch."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from piggygan.errors import ConfigurationError, ResumeError
from piggygan.training import Checkpoints, load_best
from piggygan.training.checkpoints.folder import CheckpointFolder
from piggygan.training.scores import as_score

REAL = [
    0.5, 1, True, Fraction(1, 2), np.bool_(True), np.float32(0.5), np.float16(0.5), np.int64(3), np.array(0.5),
    np.array([0.5]), torch.tensor(0.5), torch.tensor([0.5], dtype=torch.bfloat16), torch.tensor(2),
    torch.tensor(0.5, requires_grad=True), 10**400, -(10**400), math.inf, -math.inf, np.float32("inf"),
]  # fmt: skip
NOT_REAL = [
    "0.5",
    1j,
    np.complex64(1),
    torch.tensor([0.5, 1.0]),
    np.zeros((2, 2)),
    [0.5],
    {"dice": 0.5},
    pytest.param(object(), id="an object"),
]


@pytest.mark.parametrize("score", REAL, ids=repr)
def test_every_real_number_is_a_score_and_the_training_goes_on_with_it(
    program: Any, tmp_path: Path, score: Any
) -> None:
    data, checkpoints = program.make_data("list")[:1], Checkpoints(tmp_path)
    objective = program.make_objective("supervised")
    program.run(objective, data, checkpoints, epochs=1, decay_from=1.0, on_epoch=lambda _: score)
    assert load_best(checkpoints, objective) == as_score(score)
    assert len(program.run(objective, data, Checkpoints(tmp_path, inexact=True), epochs=2, decay_from=1.0).epochs) == 2
    assert load_best(checkpoints, objective) == as_score(score)


@pytest.mark.parametrize("score", NOT_REAL, ids=repr)
def test_what_is_no_number_is_refused_in_words_and_the_epoch_is_kept(program: Any, tmp_path: Path, score: Any) -> None:
    data, checkpoints = program.make_data("list")[:1], Checkpoints(tmp_path, every_epochs=5)
    with pytest.raises(ConfigurationError, match=r"on_epoch returned .* no score: return one real number"):
        program.run(program.make_objective("supervised"), data, checkpoints, on_epoch=lambda _: score)
    (newest,) = CheckpointFolder(tmp_path, 2).stored("last")
    assert newest.position == (1, 0)


def test_nan_is_said_and_loses_neither_the_epoch_nor_the_best_one(
    program: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data, checkpoints = program.make_data("list")[:1], Checkpoints(tmp_path)
    scores = iter([float("nan"), torch.tensor(-math.inf), np.float32(0.25), np.float32("nan")])
    objective = program.make_objective("supervised")
    history = program.run(objective, data, checkpoints, on_epoch=lambda _: next(scores))
    assert len(history.epochs) == 4
    assert load_best(checkpoints, objective) == 0.25
    assert sum("NaN" in record.getMessage() for record in caplog.records) == 2


def test_a_training_whose_scores_are_all_nan_has_no_best_epoch(program: Any, tmp_path: Path) -> None:
    data, checkpoints = program.make_data("list")[:1], Checkpoints(tmp_path)
    objective = program.make_objective("supervised")
    program.run(objective, data, checkpoints, epochs=1, on_epoch=lambda _: math.nan)
    with pytest.raises(ResumeError, match="no best checkpoint"):
        load_best(checkpoints, objective)
