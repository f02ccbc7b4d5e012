"""In a real archive a mask and its film are one patient's and one study's, and come back as they went in."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from torch import nn

import piggygan as pg
from piggygan.prediction import Patient, PredictionOptions
from piggygan.prediction.measure_films import MeasureOptions, measure
from piggygan.registry import TaskRegistry
from tests.prediction.orthanc import WHY_NOT, Archive, archive

pytest.importorskip("highdicom")
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))

WriteFilm = Callable[..., Path]
NAMES = (
    ("ISO_IR 100", "Müller^Jörg"),
    ("ISO_IR 192", "Wang^XiaoDong=王^小东"),
    (["", "ISO 2022 IR 87"], "Yamada=山田^太郎"),
)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    with archive(tmp_path_factory.mktemp("orthanc")) as found:
        yield found


def films_of(pictures: list[np.ndarray[Any, Any]], folder: Path, write_film: WriteFilm) -> list[Path]:
    """Make films of as many patients, whose names are written in several alphabets."""
    folder.mkdir()
    return [
        write_film(
            folder / f"{number}.dcm", picture, SpecificCharacterSet=NAMES[number % 3][0],
            PatientName=NAMES[number % 3][1], PatientID=f"P{number:03}", PixelSpacing=["0.4", "0.4"],
        )
        for number, picture in enumerate(pictures)
    ]  # fmt: skip


def stored_with_masks(
    archive: Archive, registry: TaskRegistry, generator: nn.Module, films: list[Path], out: Path, patient: Patient
) -> list[bool]:
    """Store films and what is made of them, and say of each whether the archive keeps the two together."""
    options = PredictionOptions(size=64, patient=patient)
    summary = pg.predict(registry, "lungs", films, out, options, generator=generator)
    assert not summary.refused
    joined = []
    for film, file in zip(films, summary.predicted, strict=True):
        segmentation = (out / file.outputs["segmentations"]).read_bytes()
        archive.store(film.read_bytes(), segmentation)
        one, other = (pydicom.dcmread(io.BytesIO(content)) for content in (film.read_bytes(), segmentation))
        assert archive.fetch(other.StudyInstanceUID, other.SeriesInstanceUID, other.SOPInstanceUID) == segmentation
        joined.append(archive.place(one.SOPInstanceUID) == archive.place(other.SOPInstanceUID))
    return joined


@pytest.mark.parametrize("patient", ["copy", "empty"])
def test_a_mask_joins_its_film_if_it_names_the_patient_and_else_does_not(
    orthanc: Archive,
    mirror_registry: TaskRegistry,
    make_mirror: Callable[..., nn.Module],
    tmp_path: Path,
    write_film: WriteFilm,
    chest: np.ndarray[Any, Any],
    patient: Patient,
) -> None:
    films = films_of([chest, chest[:100], chest.T.copy()], tmp_path / "films", write_film)
    joined = stored_with_masks(orthanc, mirror_registry, make_mirror(), films, tmp_path / "out", patient)
    assert joined == [patient == "copy"] * 3
    for path, name in zip(films, ("Müller^Jörg", "Wang^XiaoDong", "Yamada"), strict=True):
        study = pydicom.dcmread(path).StudyInstanceUID
        found = orthanc.json(f"/dicom-web/studies?StudyInstanceUID={study}&includefield=00100010")
        named = [one["00100010"].get("Value", [{}])[0].get("Alphabetic") for one in found]
        assert set(named) == ({name} if patient == "copy" else {name, None})
        if patient == "copy":
            series = orthanc.json(f"/dicom-web/studies/{study}/series")
            assert sorted(one["00080060"]["Value"][0] for one in series) == ["CR", "SEG"]


@pytest.mark.slow
@pytest.mark.parametrize("patient", ["copy", "empty"])
def test_49_of_49_masks_of_real_films_join_theirs(
    orthanc: Archive,
    mirror_registry: TaskRegistry,
    make_mirror: Callable[..., nn.Module],
    shared_data: Path,
    tmp_path: Path,
    write_film: WriteFilm,
    patient: Patient,
) -> None:
    names = json.loads((shared_data / "montgomery/splits.json").read_text())["train"][:40]
    pictures = [np.asarray(Image.open(shared_data / "montgomery/images" / name)) for name in names]
    films = sorted((shared_data / "dicom").glob("*.dcm"))
    films += films_of([np.ascontiguousarray(one) for one in pictures], tmp_path / "films", write_film)
    joined = stored_with_masks(orthanc, mirror_registry, make_mirror(), films, tmp_path / "out", patient)
    assert joined == [patient == "copy"] * 49


def test_dcmtk_and_highdicom_read_what_comes_back(
    orthanc: Archive,
    mirror_registry: TaskRegistry,
    make_mirror: Callable[..., nn.Module],
    tmp_path: Path,
    write_film: WriteFilm,
    chest: np.ndarray[Any, Any],
) -> None:
    import highdicom

    if (dcmdump := shutil.which("dcmdump")) is None:
        pytest.skip("dcmdump (Debian's dcmtk) is not installed")
    (film,) = films_of([chest], tmp_path / "films", write_film)
    stored_with_masks(orthanc, mirror_registry, make_mirror(), [film], tmp_path / "out", "copy")
    source = pydicom.dcmread(film)
    (series,) = orthanc.json(f"/dicom-web/studies/{source.StudyInstanceUID}/series?Modality=SEG")
    where = f"/dicom-web/studies/{source.StudyInstanceUID}/series/{series['0020000E']['Value'][0]}"
    (instance,) = orthanc.json(f"{where}/instances")
    content = orthanc.fetch(*where.split("/")[3::2], instance["00080018"]["Value"][0])
    found = highdicom.seg.segread(io.BytesIO(content))
    frames = found.get_pixels_by_source_instance([source.SOPInstanceUID], combine_segments=True)
    mask = np.asarray(Image.open(tmp_path / "out/masks/0.png")) > 0
    assert np.array_equal(frames[0] > 0, mask)
    (tmp_path / "back.dcm").write_bytes(content)
    printed = subprocess.run(
        [dcmdump, "-q", "+U8", tmp_path / "back.dcm"], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert not printed.stderr
    assert "[Müller^Jörg]" in printed.stdout
    assert f"[{source.StudyInstanceUID}]" in printed.stdout


def test_a_report_of_measurements_joins_its_film_too(
    orthanc: Archive,
    mirror_registry: TaskRegistry,
    make_mirror: Callable[..., nn.Module],
    tmp_path: Path,
    write_film: WriteFilm,
    chest: np.ndarray[Any, Any],
) -> None:
    (film,) = films_of([chest], tmp_path / "films", write_film)
    stored_with_masks(orthanc, mirror_registry, make_mirror(), [film], tmp_path / "out", "copy")
    found = measure(tmp_path / "out", tmp_path / "measured", options=MeasureOptions(dicom_sr=True))
    assert found.measured[0].lung_mm2 == pytest.approx(found.measured[0].lung_pixels * 0.16)
    report = (tmp_path / "measured/reports/0.dcm").read_bytes()
    orthanc.store(report)
    said = pydicom.dcmread(io.BytesIO(report))
    assert orthanc.place(said.SOPInstanceUID) == orthanc.place(pydicom.dcmread(film).SOPInstanceUID)
    assert orthanc.fetch(said.StudyInstanceUID, said.SeriesInstanceUID, said.SOPInstanceUID) == report
    series = orthanc.json(f"/dicom-web/studies/{said.StudyInstanceUID}/series")
    assert sorted(one["00080060"]["Value"][0] for one in series) == ["CR", "SEG", "SR"]
