"""Films measured: from masks of lungs and hearts, in millimetres of the film that was predicted and no other."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from torch import nn

import piggygan as pg
from piggygan.errors import ConfigurationError, DatasetError, PredictionError
from piggygan.prediction import PredictionOptions
from piggygan.prediction.measure_films import MeasureOptions, measure
from piggygan.registry import TaskRegistry

WriteFilm = Callable[..., Path]
LUNGS = np.zeros((32, 32), dtype=np.uint8)
LUNGS[8:24, 4:14] = LUNGS[8:24, 18:28] = 255
HEART = np.zeros((32, 32), dtype=np.uint8)
HEART[16:24, 11:23] = 255


def write_masks(folder: Path, **masks: np.ndarray[Any, Any]) -> Path:
    folder.mkdir()
    for name, mask in masks.items():
        Image.fromarray(mask).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def predicted(
    tmp_path: Path, mirror_registry: TaskRegistry, make_mirror: Callable[..., nn.Module]
) -> Callable[..., Path]:
    """Predict films, whose masks are what is bright on them; the same films for lungs and hearts."""

    def predict(name: str, *films: Path) -> Path:
        options = PredictionOptions(size=32, dicom_seg=False)
        pg.predict(mirror_registry, "lungs", films, tmp_path / name, options, generator=make_mirror())
        return tmp_path / name

    return predict


def test_lungs_and_hearts_are_matched_by_name_and_measured(tmp_path: Path) -> None:
    lungs = write_masks(tmp_path / "lungs", a=LUNGS, b=LUNGS, c=LUNGS)
    hearts = write_masks(tmp_path / "hearts", b=HEART, c=HEART[:8], d=HEART)
    found = measure(lungs, tmp_path / "out", hearts=hearts)
    a, b = found.measured
    assert (a.lung_pixels, a.cardiothoracic_ratio, a.remark) == (320, None, "There is no mask of its heart.")
    assert (b.heart_pixels, b.thoracic_width, b.heart_width, b.cardiothoracic_ratio) == (96, 24, 12, 0.5)
    assert b.lung_mm2 is None
    (refused,) = found.refused
    assert (refused.name, refused.error) == ("c", "InputError")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out/measurements.csv").read_text())))
    assert [row["cardiothoracic_ratio"] for row in rows] == ["", "0.5"]
    assert json.loads((tmp_path / "out/summary.json").read_text())["measured"][1]["heart_width"] == 12


@pytest.mark.parametrize("untrusted", [False, True])
def test_millimetres_are_those_of_the_film(
    tmp_path: Path, write_film: WriteFilm, predicted: Callable[..., Path], untrusted: bool
) -> None:
    pytest.importorskip("highdicom")
    film = write_film(tmp_path / "film.dcm", LUNGS, ImagerPixelSpacing=["0.5", "0.25"])
    plain = tmp_path / "picture.png"
    Image.fromarray(LUNGS).save(plain)
    lungs = predicted("lungs", film, plain)
    options = MeasureOptions(dicom_sr=True, untrusted=untrusted)
    found = measure(lungs, tmp_path / "out", options=options)
    one, other = found.measured
    assert (one.lung_pixels, one.lung_mm2, one.spacing_from) == (320, 40.0, "ImagerPixelSpacing")
    assert (one.pixel_height_mm, one.pixel_width_mm) == (0.5, 0.25)
    assert (other.lung_pixels, other.lung_mm2, other.remark) == (320, None, "")
    assert found.reports == 1
    report = pydicom.dcmread(tmp_path / "out/reports/film.dcm")
    assert report.PatientName == "Plantagenet"
    assert report.StudyInstanceUID == pydicom.dcmread(film).StudyInstanceUID
    for name in ("measurements.csv", "summary.json"):
        assert "Plantagenet" not in (tmp_path / "out" / name).read_text()
    nobody = MeasureOptions(dicom_sr=True, patient="empty", untrusted=untrusted)
    measure(lungs, tmp_path / "nobody", options=nobody)
    assert b"Plantagenet" not in (tmp_path / "nobody/reports/film.dcm").read_bytes()


def test_another_film_in_its_place_is_not_taken_for_it(
    tmp_path: Path, write_film: WriteFilm, predicted: Callable[..., Path]
) -> None:
    films = [write_film(tmp_path / f"{number}.dcm", LUNGS, PixelSpacing=["1", "1"]) for number in range(2)]
    lungs = predicted("lungs", *films)
    write_film(films[0], LUNGS, PixelSpacing=["9", "9"])
    films[1].unlink()
    one, other = measure(lungs, tmp_path / "out").measured
    assert (one.lung_pixels, one.lung_mm2) == (320, None)
    assert one.remark == "Its film is not the one that was predicted any more: millimetres are not known."
    assert other.remark == "Its film cannot be read again (ImageError): millimetres are not known."


def test_hearts_are_matched_by_the_film_whatever_it_was_called(
    tmp_path: Path, write_film: WriteFilm, predicted: Callable[..., Path]
) -> None:
    films = [write_film(tmp_path / name, LUNGS, PixelSpacing=["1", "1"]) for name in ("a.dcm", "b.dcm")]
    lungs = predicted("lungs", *films)
    films[0].rename(tmp_path / "c.dcm")
    hearts = predicted("hearts", films[1], tmp_path / "c.dcm")
    Image.fromarray(HEART).save(hearts / "masks/c.png")
    found = measure(lungs, tmp_path / "out", hearts=hearts)
    assert [one.cardiothoracic_ratio for one in found.measured] == [0.5, 1.0]  # of b the "heart" is the lungs


def test_what_cannot_be_measured_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    lungs = write_masks(tmp_path / "lungs", a=LUNGS)
    other = write_masks(tmp_path / "other", b=LUNGS)
    out = tmp_path / "out"
    with pytest.raises(DatasetError, match="are they of the same films"):
        measure(lungs, out, hearts=other)
    with pytest.raises(ConfigurationError, match="give what predict wrote"):
        measure(lungs, out, options=MeasureOptions(dicom_sr=True))
    with pytest.raises(ConfigurationError, match="pseudonyms are made with"):
        measure(lungs, out, options=MeasureOptions(patient="pseudonym"))
    with pytest.raises(PredictionError, match="is not empty"):
        measure(lungs, lungs)
    assert not out.exists()


def test_one_of_two_kinds_of_folders_is_refused(
    tmp_path: Path, write_film: WriteFilm, predicted: Callable[..., Path]
) -> None:
    lungs = predicted("lungs", write_film(tmp_path / "a.dcm", LUNGS))
    with pytest.raises(PredictionError, match="give two of a kind"):
        measure(lungs, tmp_path / "out", hearts=write_masks(tmp_path / "hearts", a=HEART))


def test_if_nothing_could_be_measured_nothing_is_written(tmp_path: Path) -> None:
    lungs = write_masks(tmp_path / "lungs", a=np.arange(16, dtype=np.uint8).reshape(4, 4))
    found = measure(lungs, tmp_path / "new/out")
    assert (found.measured, found.refused[0].error) == ((), "MaskError")
    assert not (tmp_path / "new").exists()
