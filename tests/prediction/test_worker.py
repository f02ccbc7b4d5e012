"""The worker's side: orders and answers, a line each, and numbers."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.prediction import PredictionOptions, making
from piggygan.prediction.dicom_seg import Algorithm
from piggygan.prediction.job import Job
from piggygan.prediction.worker import receive, send, serve

JOB = Job(3, "mask", PredictionOptions(size=16), Algorithm("lungs", "a" * 64, {"size": "16"}, None))


def served(tmp_path: Path, *orders: dict[str, Any] | torch.Tensor) -> io.BytesIO:
    (tmp_path / "staging").mkdir(exist_ok=True)
    said, answers = io.BytesIO(), io.BytesIO()
    setup = {"job": JOB.as_dict(), "staging": os.fsencode(tmp_path / "staging").hex()}
    for order in (setup, *orders):
        if isinstance(order, torch.Tensor):
            send(order, said)
        else:
            said.write(json.dumps(order).encode() + b"\n")
    said.seek(0)
    serve(said, answers)
    answers.seek(0)
    return answers


def read(path: Path, film: int = 1) -> dict[str, Any]:
    return {"what": "read", "film": film, "path": os.fsencode(path).hex(), "name": "film", "may_be_dicom": False}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n\xe2\x80\xae.png"))
    Image.fromarray(np.full((10, 12), 90, dtype=np.uint8)).save(path, format="PNG")
    return path


def test_a_film_is_read_and_made_with_what_was_found_out(tmp_path: Path, path: Path) -> None:
    finding = {"name": "distance", "value": 0.5, "says": "like"}
    make = {"what": "make", "film": 1, "shape": [1, 16, 16], "findings": [finding]}
    answers = served(tmp_path, read(path), make, torch.ones(1, 16, 16))
    said = json.loads(answers.readline())
    assert said == {"shape": [1, 16, 16], "channels": 3}  # one band of three that are alike
    canvas = receive(said["shape"], answers)
    assert torch.allclose(canvas, torch.full((1, 16, 16), 90 / 255 * 2 - 1))
    made = json.loads(answers.readline())["made"]
    assert made["record"]["file"]["findings"] == [finding]
    assert {(tmp_path / "staging" / name).is_file() for name in made["staged"].values()} == {True}
    assert answers.read() == b""


def test_what_is_wrong_with_a_film_is_answered_and_the_next_one_is_read(tmp_path: Path, path: Path) -> None:
    answers = served(tmp_path, read(tmp_path / "none.png"), read(path, 2), {"what": "drop", "film": 2})
    assert json.loads(answers.readline())["refused"]["error"] == "ImageError"
    assert json.loads(answers.readline())["channels"] == 3


def test_a_full_disk_is_answered(tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(making.os, "fsync", full)
    make = {"what": "make", "film": 1, "shape": [1, 16, 16], "findings": []}
    answers = served(tmp_path, read(path), make, torch.ones(1, 16, 16))
    answers.readline()
    answers.read(16 * 16 * 4)
    assert "No space left" in json.loads(answers.readline())["stop"]


def test_numbers_that_are_cut_off_are_no_numbers() -> None:
    with pytest.raises(EOFError):
        receive([2, 2], io.BytesIO(bytes(15)))
