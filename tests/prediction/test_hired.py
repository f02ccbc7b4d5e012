"""The other side of a worker: films go there as they are, and its end is noticed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.errors import PredictionError
from piggygan.prediction import PredictionOptions
from piggygan.prediction.dicom_seg import Algorithm
from piggygan.prediction.hired import Hired, WorkerEndedError
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.job import Job
from piggygan.prediction.making import Made
from piggygan.prediction.summary import RefusedFile

JOB = Job(3, "mask", PredictionOptions(size=16), Algorithm("lungs", "a" * 64, {}, None))


def test_films_are_read_and_made_elsewhere_until_it_ends(tmp_path: Path) -> None:
    Image.fromarray(np.full((10, 12), 90, dtype=np.uint8)).save(tmp_path / "film.png")
    film = InputFile(tmp_path / "film.png", "film", may_be_dicom=False)
    hired = Hired(JOB, tmp_path)
    number = hired.order_film(film)
    canvas = hired.canvas()
    assert isinstance(canvas, torch.Tensor)
    assert canvas.shape == (3, 16, 16)
    made = hired.make(number, torch.ones(1, 16, 16))
    assert isinstance(made, Made)
    assert all((tmp_path / name).is_file() for name in made.staged.values())
    hired.order_film(InputFile(tmp_path / "none.png", "none", may_be_dicom=False))
    assert isinstance(hired.canvas(), RefusedFile)
    number = hired.order_film(film)
    assert isinstance(hired.canvas(), torch.Tensor)
    hired.drop(number)
    hired.end()

    def go_on() -> None:
        hired.order_film(film)
        hired.canvas()

    with pytest.raises(WorkerEndedError):
        go_on()
    hired.close()


def test_a_process_that_cannot_be_started_ends_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    hired = Hired(JOB, tmp_path)
    hired.order_film(InputFile(tmp_path / "film.png", "film", may_be_dicom=False))
    with pytest.raises(PredictionError, match="workers=0 does without"):
        hired.canvas()
    hired.close()
