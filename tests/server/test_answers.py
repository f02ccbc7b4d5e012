"""Forms of an answer: which is chosen, and what 8 bits keep of a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from piggygan.prediction import PredictionOptions, predict
from piggygan.prediction.films import read_film, reading
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.job import Job
from piggygan.registry import TaskRegistry
from piggygan.server.answers import answer_of, chosen_form, headers_of, levels_of_values
from piggygan.server.held import HeldTasks
from piggygan.server.problems import Refusal


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "image/png"),
        ("image/*", "image/png"),
        ("application/json;q=0.2, application/x-npy;q=0.9", "application/x-npy"),
        ("*/*;q=0.1, application/dicom", "application/dicom"),
        ("text/html, application/json;q=nonsense, application/x-npy", "application/x-npy"),
    ],
)
def test_the_form_that_is_liked_best_is_chosen(accept: str, form: str) -> None:
    assert chosen_form(accept) == form


def test_what_nobody_has_is_not_acceptable() -> None:
    with pytest.raises(Refusal) as refused:
        chosen_form("text/html, image/png;q=0")
    assert refused.value.status == 406


def test_levels_are_cut_where_values_are_and_rise_with_them() -> None:
    soft = torch.linspace(-1, 1, 4001)[None, None]
    tiny = torch.tensor([[[-1e-30, 0.0, 1e-30, torch.nextafter(torch.tensor(0.0), torch.tensor(1.0))]]])
    for values in (soft, tiny):
        levels = levels_of_values(values)
        assert ((levels >= 128) == (values[0].numpy() > 0)).all()
    levels = levels_of_values(soft)[0].astype(int)
    assert (np.diff(levels) >= 0).all()
    assert set(levels) == set(range(256))


def test_headers_are_ascii_whatever_is_said() -> None:
    headers = headers_of({"task": "lungs", "remarks": ["ä\r\nX: y"], "input_sha256": "ab"})
    assert headers == {
        "Piggygan-Task": "lungs",
        "Piggygan-Remarks": '["\\u00e4\\r\\nX: y"]',
        "Piggygan-Input-Sha256": "ab",
    }


@pytest.mark.parametrize("task", ["lungs", "lungs@1", "hearts"])
def test_answers_of_versions_and_ensembles_are_those_of_predict(
    hospital: Path, tmp_path: Path, picture: Callable[..., bytes], task: str
) -> None:
    (tmp_path / "a.png").write_bytes(picture())
    options = PredictionOptions(size=16, disagreement=task == "hearts")
    summary = predict(hospital, task, tmp_path / "a.png", tmp_path / "out", options)
    ready = HeldTasks(TaskRegistry(hospital)).ready(task, None, options)
    with reading(options) as here:
        job = Job(3, "mask", options, ready.applied(options))
        film = read_film(InputFile(tmp_path / "a.png", "upload", may_be_dicom=False), job, here)
    (made,) = ready.network([film.canvas])
    assert isinstance(made[0], torch.Tensor)
    answer = answer_of(film, (made[0], made[1]), ready, options, "image/png", "result")
    assert answer.content == (tmp_path / "out/masks/a.png").read_bytes()
    (predicted,) = summary.predicted
    assert answer.facts["findings"] == [asdict(finding) for finding in predicted.findings]
    assert (answer.facts["task"], answer.facts["certificate"]) == (summary.task, summary.certificate)
    if task == "hearts":
        assert answer.facts["members"] == ["hearts-1", "hearts-2"]
        shown = answer_of(film, (made[0], made[1]), ready, options, "image/png", "disagreement")
        assert shown.content == (tmp_path / "out/disagreement/a.png").read_bytes()
    else:
        with pytest.raises(Refusal, match="no ensemble"):
            answer_of(film, (made[0], made[1]), ready, options, "image/png", "disagreement")
