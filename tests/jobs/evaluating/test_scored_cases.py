"""Pairs through two tasks: what one of them cannot score is scored for neither."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from piggygan.errors import ConfigurationError, DatasetError, InputError
from piggygan.jobs.data import TaskData
from piggygan.jobs.evaluating.contender import Contender
from piggygan.jobs.evaluating.scored_cases import ScoredCases
from piggygan.jobs.evaluating.scored_pairs import ScoredPairs
from piggygan.prediction import PredictionOptions
from piggygan.prediction.ensemble import Pooled
from piggygan.prediction.translator import Translator
from piggygan.registry import TaskRegistry


@pytest.fixture
def pairs(films: Path, masks_in: Callable[..., TaskData]) -> ScoredPairs:
    return ScoredPairs.of(masks_in(films))


def contender(clinic: TaskRegistry, task: str) -> Contender:
    return Contender.load(clinic, task, PredictionOptions())


def test_what_one_task_cannot_score_is_scored_for_neither(
    clinic: TaskRegistry, pairs: ScoredPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = contender(clinic, "lungs"), contender(clinic, "hearts")
    output, calls = Contender.judged, []

    def failing(self: Contender, picture: Tensor, aspect: float = 1.0) -> Pooled:
        calls.append(self.task)
        if calls.count("hearts") == 2 and self.task == "hearts":
            raise RuntimeError("out of memory at 0x7f")
        return output(self, picture, aspect)

    monkeypatch.setattr(Contender, "judged", failing)
    scored = ScoredCases([one, other], pairs, owners={})
    scored.run(progress=False)
    (refused,) = scored.refused
    assert (refused.source, refused.error) == ("p0-1", "RuntimeError")
    assert refused.reason.endswith("p0-1.png' cannot be scored: that failed (RuntimeError).")  # its text may quote all
    assert len(scored.cases) == 5
    without = replace(pairs, files=tuple(files for files in pairs.files if files.name != "p0-1"))
    alone = ScoredCases([one], without, owners={})
    monkeypatch.setattr(Contender, "judged", output)
    alone.run(progress=False)
    assert scored.pooled() == alone.pooled()


def test_a_network_that_gives_no_numbers_is_refused_file_by_file(
    clinic: TaskRegistry, pairs: ScoredPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = contender(clinic, "lungs")
    monkeypatch.setattr(Translator, "__call__", lambda *_: [torch.full((1, 16, 16), float("nan"))])
    with pytest.raises(DatasetError, match=r"none of 6 files could be scored; the first: .* no numbers"):
        ScoredCases([one], pairs, owners={}).run(progress=False)


def test_tasks_that_see_other_pictures_are_not_compared(clinic: TaskRegistry, pairs: ScoredPairs) -> None:
    one, other = contender(clinic, "lungs"), contender(clinic, "hearts")
    other.ensemble._first.in_channels = 1
    with pytest.raises(ConfigurationError, match="'lungs' takes 3 channels and 'hearts' takes 1 channels"):
        ScoredCases([one, other], pairs, owners={})


def test_a_case_is_looked_at_as_it_was_scored(clinic: TaskRegistry, pairs: ScoredPairs) -> None:
    scored = ScoredCases([contender(clinic, "lungs")], pairs, owners={})
    scored.run(progress=False)
    image, target, (mask,) = scored.translated("p1-2")
    assert (image.shape, mask.shape) == ((3, 24, 20), (1, 24, 20))
    assert set(mask.unique().tolist()) <= {-1.0, 1.0}
    found, true = mask > 0, target > 0
    dice = 2 * (found & true).sum() / (found.sum() + true.sum())
    assert scored.cases[2].scores["dice"] == pytest.approx(dice.item())


def test_pixels_that_are_not_square_reach_the_network_as_they_do_in_predicting(
    clinic: TaskRegistry, pairs: ScoredPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []
    output = Contender.judged

    def noting(self: Contender, picture: Tensor, aspect: float = 1.0) -> Pooled:
        seen.append(aspect)
        return output(self, picture, aspect)

    monkeypatch.setattr(Contender, "judged", noting)
    monkeypatch.setattr("piggygan.jobs.evaluating.scored_cases.spacings_of", lambda _: {"p0-0": (0.4, 0.2)})
    ScoredCases([contender(clinic, "lungs")], pairs, owners={}).run(progress=False)
    assert seen == [2.0, 1.0, 1.0, 1.0, 1.0, 1.0]


def test_an_error_of_a_files_own_is_told_in_one_line(clinic: TaskRegistry, pairs: ScoredPairs) -> None:
    broken: Any = replace(pairs, reader=_Refusing())
    with pytest.raises(DatasetError, match="the first: two lines"):
        ScoredCases([contender(clinic, "lungs")], broken, owners={}).run(progress=False)


class _Refusing:
    def read(self, _: object) -> None:
        raise InputError("two\nlines")
