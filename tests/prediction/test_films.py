"""One file, opened once and brought to the network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import piggygan as pg
from piggygan.data.dicom.description import DicomRequirements
from piggygan.data.dicom.identity import Identity
from piggygan.data.dicom.source import Identify, SourceImage
from piggygan.data.image_file import ImageFile, read_image_file
from piggygan.data.untrusted.reader import UntrustedReader
from piggygan.prediction import PredictionOptions
from piggygan.prediction.dicom_seg import Algorithm
from piggygan.prediction.films import Film, read_film, reading
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.job import Job
from piggygan.prediction.pseudonyms import Pseudonyms
from piggygan.prediction.translator import Translator
from piggygan.registry import TaskRegistry

WriteFilm = Callable[..., Path]

SMALL = PredictionOptions(size=32)


def test_films_of_another_part_are_refused_when_one_is_required(
    registry: TaskRegistry, tmp_path: Path, write_film: WriteFilm, chest: np.ndarray[Any, Any]
) -> None:
    write_film(tmp_path / "chest.dcm", chest)
    write_film(tmp_path / "hand.dcm", chest, BodyPartExamined="HAND")
    write_film(tmp_path / "unknown.dcm", chest, BodyPartExamined=None)
    write_film(tmp_path / "tomogram.dcm", chest, Modality="CT")
    options = PredictionOptions(size=32, dicom_seg=False, body_part="CHEST")
    summary = pg.predict(registry, "lungs", tmp_path, tmp_path / "out", options)
    assert [Path(file.source).name for file in summary.predicted] == ["chest.dcm"]
    assert [file.error for file in summary.refused] == ["DicomError"] * 3


@dataclass
class Recorded:
    """Stands for whoever opens files: gives one picture and keeps what it was asked for."""

    found: ImageFile
    asked: list[tuple[Path, int, DicomRequirements, Identify]] = field(default_factory=list)

    def read_file(self, path: Path, channels: int, *, requirements: DicomRequirements, identify: Identify) -> ImageFile:
        self.asked.append((path, channels, requirements, identify))
        return self.found

    def is_dicom(self, path: Path) -> bool:
        return path.suffix == ".dcm"


def film_of(rows: int, columns: int, **fields: Any) -> Recorded:
    picture = torch.zeros(1, rows, columns)
    return Recorded(ImageFile(picture, "0" * 64, **{"kind": "PNG", "bits": 8, **fields}))  # type: ignore[arg-type]


def job_of(translator: Translator, options: PredictionOptions) -> Job:
    return Job(translator.in_channels, translator.kind, options, Algorithm("lungs", "a" * 64, {}))


FILE = InputFile(Path("film.dcm"), "film", may_be_dicom=True)


@pytest.fixture
def read(mirror_registry: TaskRegistry, make_mirror: Callable[..., nn.Module]) -> Callable[..., Film]:
    model = mirror_registry.load(generator=make_mirror())

    def read(reading: Recorded, **options: Any) -> Film:
        chosen = PredictionOptions(**{"size": 16, **options})
        return read_film(FILE, job_of(Translator(model, "lungs", chosen), chosen), reading)

    return read


def test_a_film_is_what_one_opening_gave_brought_to_the_network(read: Callable[..., Film]) -> None:
    source = SourceImage("1.2", "1.3", "1.4", "1.5")
    film = read(film_of(10, 14, kind="DICOM", source=source, remarks=("odd",)))
    assert (film.file, film.digest, film.source, film.remarks) == (FILE, "0" * 64, source, ("odd",))
    assert (film.placement.rows, film.placement.columns) == (10, 14)
    assert film.canvas.shape == (1, 16, 16)
    assert film.preview.shape == (10, 14, 3)


def test_only_what_is_needed_is_asked_of_a_file(read: Callable[..., Film]) -> None:
    for options, modalities, part, identify in (
        ({}, (), None, "patient"),
        ({"patient": "empty"}, (), None, "image"),
        ({"dicom_seg": False}, (), None, "nothing"),
        ({"kind": "picture"}, (), None, "nothing"),
        ({"body_part": "chest"}, ("CR", "DX"), "CHEST", "patient"),
    ):
        reading = film_of(10, 14)
        read(reading, **options)
        ((path, channels, requirements, identified),) = reading.asked  # once
        assert (path, channels, identified) == (FILE.path, 1, identify)
        assert (tuple(requirements.modalities), requirements.body_part) == (modalities, part)


def test_a_picture_twice_as_wide_as_high_is_remarked_on_unless_it_is_a_film_or_cut_to_tiles(
    read: Callable[..., Film],
) -> None:
    assert "twice as wide as high" in read(film_of(8, 16)).remarks[0]
    assert read(film_of(8, 15)).remarks == ()
    assert read(film_of(8, 16, kind="DICOM")).remarks == ()
    assert read(film_of(8, 16), fit="tile").remarks == ()
    assert read(film_of(8, 16, remarks=("odd",))).remarks[0] == "odd"


def test_pixels_that_are_high_make_a_preview_that_is_high(read: Callable[..., Film]) -> None:
    film = read(film_of(10, 20, aspect=2.0), fit="pad")
    assert film.preview.shape == (20, 20, 3)
    assert (film.placement.height, film.placement.width) == (16, 16)


def test_files_are_opened_here_or_in_a_process_apart(write_film: WriteFilm, tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.dcm", np.arange(12, dtype=np.uint8).reshape(3, 4))
    asked: dict[str, Any] = {"requirements": DicomRequirements(), "identify": "patient"}
    with reading(PredictionOptions()) as here:
        expected = here.read_file(path, 1, **asked)
        assert here.is_dicom(path)
    assert expected.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    with reading(PredictionOptions(untrusted=True)) as apart:
        assert isinstance(apart, UntrustedReader)
        found = apart.read_file(path, 1, **asked)
        assert torch.equal(found.picture, expected.picture)
        assert replace(found, picture=expected.picture) == expected
    assert apart._child is None  # it ended with the block


@pytest.mark.parametrize("untrusted", [False, True])
def test_films_are_known_by_pseudonyms_where_these_are_asked_for(
    write_film: WriteFilm, tmp_path: Path, untrusted: bool
) -> None:
    path = write_film(tmp_path / "film.dcm", np.arange(12, dtype=np.uint8).reshape(3, 4))
    key = tmp_path / "key"
    key.write_bytes(bytes(range(33, 65)))
    key.chmod(0o600)
    options = PredictionOptions(patient="pseudonym", patient_key=str(key), untrusted=untrusted)
    with reading(options) as opening:
        found = opening.read_file(path, 1, requirements=DicomRequirements(), identify="patient")
        assert opening.is_dicom(path)
        nameless = opening.read_file(path, 1, requirements=DicomRequirements(), identify="nothing")
    assert nameless.source is None
    whole = read_image_file(path, 1, identify="patient").source
    assert whole is not None
    assert found.source == Pseudonyms.of_key_file(key).of_source(whole)
    assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()  # that of the file all the same


def test_what_is_left_out_of_an_identity_is_remarked_on(read: Callable[..., Film]) -> None:
    source = SourceImage("1.2", "1.3", "1.4", "1.5", identity=Identity({}, ("PatientBirthDate", "StudyTime")))
    (remark,) = read(film_of(10, 14, kind="DICOM", source=source)).remarks
    assert "leave them empty: PatientBirthDate, StudyTime." in remark
