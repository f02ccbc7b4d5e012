"""A film read and its files made: durable, counted and described; one that fails costs itself, a full disk all."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.errors import PredictionError
from piggygan.prediction import PredictionOptions, making
from piggygan.prediction.dicom_seg import Algorithm
from piggygan.prediction.films import reading
from piggygan.prediction.findings import Finding
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.job import Job
from piggygan.prediction.making import Made, Maker, Opened
from piggygan.prediction.summary import RefusedFile

JOB = Job(1, "mask", PredictionOptions(size=16), Algorithm("lungs", "a" * 64, {}, "2026-11-27T10:20:30+01:00"))


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    (tmp_path / "staging").mkdir()
    with reading(JOB.options) as source:
        return Maker(JOB, source, tmp_path / "staging")


@pytest.fixture
def file(tmp_path: Path) -> InputFile:
    Image.fromarray(np.full((10, 12), 90, dtype=np.uint8)).save(tmp_path / "film.png")
    return InputFile(tmp_path / "film.png", "film", may_be_dicom=False)


def test_what_is_made_waits_on_disk_with_its_digests(maker: Maker, file: InputFile, tmp_path: Path) -> None:
    opened = maker.read(file)
    assert isinstance(opened, Opened)
    finding = Finding("distance", 0.5, "like the training films")
    made = maker.make(opened, torch.ones(1, 16, 16), (finding,))
    assert isinstance(made, Made)
    record, status = made.record, file.path.stat()
    assert (record.name, record.size, record.modified) == ("film", status.st_size, status.st_mtime_ns)
    assert record.file.sha256 == hashlib.sha256(file.path.read_bytes()).hexdigest()
    assert record.file.findings == (finding,)
    assert record.file.at.endswith("+00:00")
    assert set(made.staged) == {"masks/film.png", "overlays/film.png"}
    for kind, inside in record.file.outputs.items():
        content = (tmp_path / "staging" / made.staged[inside]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == record.file.digests[kind]


def test_a_film_and_its_segmentation_are_named_by_their_instances(
    maker: Maker, tmp_path: Path, write_film: Callable[..., Path]
) -> None:
    pytest.importorskip("highdicom")
    import pydicom

    path = write_film(tmp_path / "film.dcm", np.full((10, 12), 90, dtype=np.uint8))
    opened = maker.read(InputFile(path, "film", may_be_dicom=True))
    assert isinstance(opened, Opened)
    made = maker.make(opened, torch.ones(1, 16, 16))
    assert isinstance(made, Made)
    written = pydicom.dcmread(tmp_path / "staging" / made.staged["segmentations/film.dcm"])
    assert made.record.file.instances == {
        "source": pydicom.dcmread(path).SOPInstanceUID,
        "segmentations": written.SOPInstanceUID,
    }


def test_what_is_wrong_with_a_film_is_its_own(maker: Maker, file: InputFile, tmp_path: Path) -> None:
    opened = maker.read(file)
    assert isinstance(opened, Opened)
    broken = maker.make(opened, torch.full((1, 16, 16), float("nan")))
    failed = maker.make(opened, RuntimeError("of Plantagenet"))
    missing = maker.read(InputFile(tmp_path / "none.png", "none", may_be_dicom=False))
    assert [one.error for one in (broken, failed, missing) if isinstance(one, RefusedFile)] == [
        "PredictionError",
        "RuntimeError",
        "ImageError",
    ]
    assert "Plantagenet" not in str(failed)
    assert list((tmp_path / "staging").iterdir()) == []


def test_where_nothing_more_can_be_written_that_is_said_and_no_half_file_stays(
    maker: Maker, file: InputFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, sync = maker.read(file), os.fsync
    assert isinstance(opened, Opened)

    def full(descriptor: int) -> None:
        if any((tmp_path / "staging").glob("*-2")):
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(making.os, "fsync", full)
    with pytest.raises(PredictionError, match=r"No space left.* whole; start the same again"):
        maker.make(opened, torch.ones(1, 16, 16))
    assert [path.name.split("-")[1] for path in (tmp_path / "staging").iterdir()] == ["1"]
