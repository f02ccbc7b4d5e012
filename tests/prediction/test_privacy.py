"""B23: a patient's name that is planted in a film is in nothing that piggygan writes, prints or logs."""

from __future__ import annotations

import logging
import os
import shutil
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import torch
from PIL import Image

import piggygan as pg
from piggygan.cli import main
from piggygan.data import PairDataset, batches, read_image
from piggygan.errors import PiggyganError
from piggygan.evaluation.report.blocks import Facts, Picture
from piggygan.evaluation.report.page import Page, Section, write_page
from piggygan.evaluation.report.pictures import picture_grid
from piggygan.prediction import PredictionOptions
from piggygan.registry import TaskRegistry
from piggygan.terminal.about import INTENDED_USE
from piggygan.training import Checkpoints, SupervisedObjective, TrainingOptions, train

WriteFilm = Callable[..., Path]
SECRETS = ("Plantagenet", "18991231", "18991230", "235959", "127Y")
# Elements that are read, with a name where none belongs.
ABUSED: list[dict[str, Any]] = [
    {"PhotometricInterpretation": "Plantagenet"},
    {"PixelSpacing": "Plantagenet\\1"},
    {"PixelAspectRatio": "Plantagenet\\1"},
    {"StudyInstanceUID": "Plantagenet"},
    {"SOPClassUID": "Plantagenet"},
    {"WindowCenter": "Plantagenet", "WindowWidth": "Plantagenet"},
    {"RescaleSlope": "Plantagenet", "RescaleIntercept": "0"},
    {"VOILUTFunction": "Plantagenet", "WindowCenter": "1", "WindowWidth": "2"},
]


def assert_silent(text: str | bytes, where: object) -> None:
    data = text.encode() if isinstance(text, str) else text
    for secret in SECRETS:
        for coded in (secret.encode(), secret.encode("utf-16-le"), secret.encode()[::-1]):
            assert coded not in data, f"{secret} is in {where}"


def assert_silent_below(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert_silent(os.fsencode(path.relative_to(folder)), path)
        assert_silent(path.read_bytes(), path)
        if path.suffix == ".png":  # texts in a PNG may be compressed
            with Image.open(path) as image:
                image.load()
                assert image.info == {}


def abused(film: Path, chest: np.ndarray[Any, Any], write_film: WriteFilm, attributes: dict[str, Any]) -> Path:
    """Write a film with values that pydicom itself would not write: unchecked bytes in place of valid ones."""
    valid = {
        "PixelSpacing": ["12345678901", "1"], "PixelAspectRatio": ["12345678901", "1"],
        "WindowCenter": "12345678901", "WindowWidth": "12345678901", "RescaleSlope": "12345678901",
    }  # fmt: skip
    written = {
        keyword: valid.get(keyword, value) if "Plantagenet" in value else value for keyword, value in attributes.items()
    }
    write_film(film, chest, **written)
    film.write_bytes(film.read_bytes().replace(b"12345678901", b"Plantagenet"))
    return film


def test_the_secrets_are_planted(tmp_path: Path, write_film: WriteFilm, chest: np.ndarray[Any, Any]) -> None:
    data = write_film(tmp_path / "film.dcm", chest).read_bytes()
    assert all(secret.encode() in data for secret in SECRETS)
    for number, attributes in enumerate(ABUSED):
        path = abused(tmp_path / f"{number}.dcm", chest, write_film, attributes)
        assert path.read_bytes().count(b"Plantagenet") > data.count(b"Plantagenet")


@pytest.mark.parametrize("patient", ["copy", "empty", "pseudonym"])
def test_b23_predicting_tells_no_patient(
    patient: str,
    registry: TaskRegistry,
    tmp_path: Path,
    write_film: WriteFilm,
    chest: np.ndarray[Any, Any],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    pytest.importorskip("highdicom")
    films = tmp_path / "films"
    films.mkdir()
    good = write_film(films / "good.dcm", chest).read_bytes()
    for number, end in enumerate((140, 400, 900, len(good) // 2, len(good) - 1)):
        (films / f"cut{number}.dcm").write_bytes(good[:end])
    for number, attributes in enumerate(ABUSED):
        abused(films / f"abused{number}.dcm", chest, write_film, attributes)
    key = tmp_path / "key"
    key.write_bytes(b"YorkYorkYorkYorkYork")
    key.chmod(0o600)
    pseudonym = ["--patient-key", str(key)] if patient == "pseudonym" else []
    caplog.clear()
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(["predict", str(registry.folder), str(films), "--task", "lungs", "--out", str(tmp_path / "out"),
                     "--size", "32", "--patient", patient, *pseudonym]) == 0  # fmt: skip
    printed = capfd.readouterr()
    assert "refused" in printed.out
    said = {"copy": "name the patient and study", "empty": "name no patient", "pseudonym": "name pseudonyms"}
    assert f"DICOM segmentations {said[patient]}" in " ".join(printed.out.split())
    segmentation = tmp_path / "out/segmentations/good.dcm"
    assert (b"Plantagenet" in segmentation.read_bytes()) == (patient == "copy")
    for path in (tmp_path / "out").rglob("*.*"):
        assert b"York" not in path.read_bytes(), path
    if patient == "copy":  # these are for the archive that the film is in, and nothing else is
        assert len(list(segmentation.parent.iterdir())) > 1
        shutil.rmtree(segmentation.parent)
    assert_silent(printed.out + printed.err, "what was printed")
    assert_silent(caplog.text, "the log")
    assert_silent_below(tmp_path / "out")
    assert_silent_below(registry.folder)


@pytest.mark.parametrize(
    "attributes",
    [{}, *ABUSED],
)
def test_b23_no_error_and_no_traceback_tells_a_patient(
    registry: TaskRegistry,
    tmp_path: Path,
    write_film: WriteFilm,
    chest: np.ndarray[Any, Any],
    attributes: dict[str, Any],
) -> None:
    film = abused(tmp_path / "film.dcm", chest, write_film, attributes)
    data = film.read_bytes()
    for end in (len(data), len(data) - 7, 600):
        film.write_bytes(data[:end])
        try:
            read_image(film)
            pg.predict(registry, "lungs", film, tmp_path / f"out{end}", PredictionOptions(size=32, fit="pad"))
        except PiggyganError:
            assert_silent(traceback.format_exc(), "a traceback")


@pytest.mark.parametrize("patient", ["copy", "empty", "pseudonym"])
def test_b23_of_a_segmentation_every_value_is_known(
    patient: Any, registry: TaskRegistry, tmp_path: Path, write_film: WriteFilm, chest: np.ndarray[Any, Any]
) -> None:
    """What is copied from a film is four identifiers, its rows and its columns, and what an archive joins by."""
    pytest.importorskip("highdicom")
    film = pydicom.dcmread(write_film(tmp_path / "film.dcm", chest))
    key = tmp_path / "key"
    key.write_bytes(bytes(range(33, 65)))
    key.chmod(0o600)
    options = PredictionOptions(size=32, patient=patient, patient_key=str(key) if patient == "pseudonym" else None)
    pg.predict(registry, "lungs", tmp_path / "film.dcm", tmp_path / "out", options)
    found = pydicom.dcmread(tmp_path / "out/segmentations/film.dcm")
    of_the_film = {str(element.value) for element in film if element.VR != "OW" and str(element.value)}
    shared = {
        element.keyword
        for element in found.iterall()
        if element.VR not in ("SQ", "OB", "OW") and len(str(element.value)) > 3 and str(element.value) in of_the_film
    }
    identifiers = {"StudyInstanceUID", "SeriesInstanceUID", "ReferencedSOPInstanceUID"}
    identity = {"PatientName", "PatientID", "PatientBirthDate", "ReferringPhysicianName", "AccessionNumber", "StudyID",
                "StudyDate", "StudyTime", "StudyDescription"}  # fmt: skip
    assert shared == {
        "ReferencedSOPClassUID",
        "PhotometricInterpretation",  # MONOCHROME2, as every binary segmentation
        *(identifiers if patient != "pseudonym" else ()),
        *(identity if patient == "copy" else ()),
    }


def test_b23_training_committing_and_reporting_tell_no_patient(
    tmp_path: Path, write_film: WriteFilm, chest: np.ndarray[Any, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for number in range(3):
        write_film(tmp_path / f"images/{number}.dcm", chest)
        Image.fromarray((chest > 90).astype(np.uint8) * 255).save(tmp_path / f"masks/{number}.png")
    (tmp_path / "images/3.dcm").write_bytes((tmp_path / "images/0.dcm").read_bytes()[:900])
    Image.fromarray(chest).save(tmp_path / "masks/3.png")
    pairs = PairDataset.with_masks(tmp_path / "images", tmp_path / "masks", 32, max_skipped=0.5)
    assert len(pairs.skipped) == 1
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(pg.UNetGenerator(out_channels=1, depth=3, width=4), "lungs")
    out = tmp_path / "out"
    out.mkdir()
    train(
        SupervisedObjective(model, forward_arguments={"task": "lungs"}),
        batches(pairs, 2),
        TrainingOptions(epochs=1, progress=False, log_path=out / "log.jsonl"),
        checkpoints=Checkpoints(out / "checkpoints"),
    )
    model.freeze_task("lungs")
    TaskRegistry(out / "registry").commit(model, "lungs")
    pair = pairs[0]
    grid = Picture(picture_grid([[pair.input, pair.target]], [pair.name], ["film", "mask"]), "films", "films")
    skipped = Facts([(one.name, one.reason) for one in pairs.skipped])
    write_page(out / "report.html", Page("Lungs", "", [Section("Films", [grid, skipped])]))
    assert INTENDED_USE in (out / "report.html").read_text(encoding="utf-8")
    printed = capfd.readouterr()
    assert_silent(printed.out + printed.err, "what was printed")
    assert_silent_below(out)
