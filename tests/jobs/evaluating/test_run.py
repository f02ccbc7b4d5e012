"""A task scored from end to end: against files that predicting wrote, and in the ways in which people get it wrong."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from piggygan.data.datasets import Pictures
from piggygan.errors import ConfigurationError, DatasetError, PredictionError, TaskNotFoundError
from piggygan.evaluation.intervals import mean_interval
from piggygan.evaluation.surfaces import surface_scores
from piggygan.jobs.data import TaskData
from piggygan.jobs.evaluating.run import EvaluationOptions, evaluate_task
from piggygan.prediction import predict
from piggygan.registry import TaskRegistry

Masks = Callable[..., TaskData]


def mask_of(path: Path) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(path)) > 0


def dice_of(found: np.ndarray[Any, Any], true: np.ndarray[Any, Any]) -> float:
    return float(2 * (found & true).sum() / (found.sum() + true.sum()))


def test_the_scores_are_those_of_the_masks_that_predicting_writes(
    clinic: TaskRegistry, films: Path, masks_in: Masks, tmp_path: Path
) -> None:
    predict(clinic, "lungs", films / "images", tmp_path / "predicted")
    evaluation = evaluate_task(clinic.folder, "lungs", masks_in(films))
    assert [case.name for case in evaluation.cases] == sorted(path.stem for path in (films / "images").iterdir())
    for case in evaluation.cases:
        found, true = (mask_of(path / f"{case.name}.png") for path in (tmp_path / "predicted/masks", films / "masks"))
        outlines = surface_scores(found, true, tolerance=0.005 * math.hypot(24, 20))
        assert case.scores["dice"] == pytest.approx(dice_of(found, true))
        assert (case.scores["hd95"], case.scores["nsd"]) == pytest.approx((outlines.hd95, outlines.nsd))
        assert (case.rows, case.columns) == (24, 20)
    values = [case.scores["dice"] for case in evaluation.cases]
    assert len({round(value, 6) for value in values if value is not None}) > 3
    assert evaluation.means["dice"] == pytest.approx(np.mean(values))  # type: ignore[arg-type]
    assert (evaluation.unit, evaluation.settings["size"]) == ("pixels", "16")


def test_what_is_written_says_what_is_returned(
    clinic: TaskRegistry, films: Path, masks_in: Masks, tmp_path: Path
) -> None:
    evaluation = evaluate_task(clinic.folder, "lungs", masks_in(films), out=tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["cases.csv", "index.html", "summary.json"]
    with (tmp_path / "out/cases.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [case.name for case in evaluation.cases]
    assert [float(row["dice"]) for row in rows] == [case.scores["dice"] for case in evaluation.cases]
    written = json.loads((tmp_path / "out/summary.json").read_text())
    assert written["summaries"]["dice"]["mean"]["mean"] == evaluation.means["dice"]
    assert written["certificate"] == evaluation.certificate
    page = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert all(case.name in page for case in evaluation.cases)
    assert page.count("data:image/png") == 4 * 6  # six cases, two each of worst, median and best
    assert evaluate_task(clinic.folder, "lungs", masks_in(films)) == evaluation


def test_pictures_are_scored_with_labels_where_colours_are_known(clinic: TaskRegistry, facades: TaskData) -> None:
    plain = evaluate_task(clinic.folder, "facades", facades)
    labelled = evaluate_task(clinic.folder, "facades", facades, EvaluationOptions(palette="cmp"))
    assert list(plain.means) == ["l1", "psnr", "ssim"]
    assert list(labelled.means) == ["pixel_accuracy", "class_accuracy", "class_iou", "l1", "psnr", "ssim"]
    assert labelled.means["l1"] == plain.means["l1"]
    assert (plain.unit, plain.headline, labelled.headline) == (None, "l1", "pixel_accuracy")
    assert plain.from_worst()[0].scores["l1"] == max(case.scores["l1"] or 0 for case in plain.cases)


def test_files_that_cannot_be_scored_are_listed_and_the_others_go_on(
    clinic: TaskRegistry, films: Path, masks_in: Masks, tmp_path: Path
) -> None:
    (films / "images/p0-0.png").write_bytes(b"no picture")
    data = masks_in(films)
    (films / "images/p1-2.png").unlink()  # after it was listed
    Image.fromarray(np.arange(480, dtype=np.uint8).reshape(24, 20)).save(films / "masks/p1-3.png")
    evaluation = evaluate_task(clinic.folder, "lungs", data, out=tmp_path / "out")
    assert [case.name for case in evaluation.cases] == ["p0-1", "p2-4", "p2-5"]
    assert sorted(file.source for file in evaluation.refused) == ["p0-0", "p1-2", "p1-3"]
    assert "3 of 6 files could not be scored; means are of the others." in evaluation.notes
    page = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert "Not scored" in page
    assert "has the values" in page


def test_where_no_file_can_be_scored_nothing_is_written(
    clinic: TaskRegistry, films: Path, masks_in: Masks, tmp_path: Path
) -> None:
    data = masks_in(films)
    shutil.rmtree(films / "masks")
    with pytest.raises(DatasetError, match="none of 6 files could be scored; the first: "):
        evaluate_task(clinic.folder, "lungs", data, out=tmp_path / "new/out")
    assert not (tmp_path / "new").exists()


def test_patients_are_drawn_as_a_whole(clinic: TaskRegistry, films: Path, masks_in: Masks) -> None:
    alone = evaluate_task(clinic.folder, "lungs", masks_in(films))
    found = evaluate_task(clinic.folder, "lungs", masks_in(films), EvaluationOptions(by_patient=r"^(p\d+)-"))
    values = [case.scores["dice"] or 0.0 for case in found.cases]
    owners = [case.name.split("-")[0] for case in found.cases]
    assert found.summaries["dice"].mean == mean_interval(values, owners)
    assert (found.patients, alone.patients) == (3, None)
    assert any("There are 3 patients" in note for note in found.notes)
    assert any("Nobody said whose file each is" in note for note in alone.notes)
    patients = {case.name: owner for case, owner in zip(found.cases, owners, strict=True)}
    known = evaluate_task(clinic.folder, "lungs", masks_in(films, patients))
    assert known.summaries == found.summaries


def test_two_tasks_are_compared_on_the_same_files(
    clinic: TaskRegistry, films: Path, masks_in: Masks, tmp_path: Path
) -> None:
    both = evaluate_task(clinic.folder, "lungs", masks_in(films), out=tmp_path / "out", compare_task="hearts")
    other = evaluate_task(clinic.folder, "hearts", masks_in(films))
    assert both.comparison is not None
    assert [case.others for case in both.cases] == [case.scores for case in other.cases]
    assert both.comparison.means == {name: summary.mean for name, summary in other.summaries.items()}
    difference = both.comparison.differences["dice"].difference.mean
    assert difference == pytest.approx(both.means["dice"] - other.means["dice"])
    assert difference != 0
    assert both.comparison.certificate == other.certificate
    header = (tmp_path / "out/cases.csv").read_text().splitlines()[0]
    assert header.endswith(
        ",nsd,other dice,other iou,other accuracy,other precision,other recall,other hd95,other assd,other nsd"
    )
    assert "Compared with hearts" in (tmp_path / "out/index.html").read_text(encoding="utf-8")


def test_two_registries_are_compared(clinic: TaskRegistry, films: Path, masks_in: Masks, tmp_path: Path) -> None:
    shutil.copytree(clinic.folder, tmp_path / "copy")
    found = evaluate_task(clinic.folder, "lungs", masks_in(films), compare_registry=tmp_path / "copy")
    assert found.comparison is not None
    dice = found.comparison.differences["dice"]
    assert (dice.difference.mean, dice.difference.low, dice.p_value) == (0.0, 0.0, 1.0)
    assert found.comparison.verdict("dice") == "not sure"


def test_distances_are_in_millimetres_where_every_film_says_how_large_a_pixel_is(
    clinic: TaskRegistry, films: Path, masks_in: Masks, write_film: Callable[..., Path]
) -> None:
    pixels = evaluate_task(clinic.folder, "lungs", masks_in(films))
    for path in sorted((films / "images").iterdir()):
        levels = np.asarray(Image.open(path))
        write_film(path.with_suffix(".dcm"), levels, ImagerPixelSpacing=[0.2, 0.2])
        path.unlink()
    found = evaluate_task(clinic.folder, "lungs", masks_in(films))
    assert (found.unit, found.tolerance) == ("mm", "2 mm")
    for case, other in zip(found.cases, pixels.cases, strict=True):
        assert case.scores["hd95"] == pytest.approx(0.2 * (other.scores["hd95"] or 0.0))
    write_film(films / "images/p0-0.dcm", np.asarray(Image.open(films / "masks/p0-0.png")))
    some = evaluate_task(clinic.folder, "lungs", masks_in(films))
    assert some.unit == "pixels"
    assert any("5 of 6 files say how large a pixel is" in note for note in some.notes)
    given = evaluate_task(clinic.folder, "lungs", masks_in(films), EvaluationOptions(spacing=(0.2,), tolerance=1))
    assert (given.unit, given.tolerance) == ("mm", "1 mm")
    assert given.cases[1].scores["hd95"] == found.cases[1].scores["hd95"]


def test_masks_that_look_inverted_are_pointed_at(
    clinic: TaskRegistry, films: Path, masks_in: Masks, tmp_path: Path
) -> None:
    predict(clinic, "lungs", films / "images", tmp_path / "predicted")
    said = []
    for turned in (0, 255):
        for path in (tmp_path / "predicted/masks").iterdir():
            Image.fromarray(np.asarray(Image.open(path)) ^ np.uint8(turned)).save(films / "masks" / path.name)
        found = evaluate_task(clinic.folder, "lungs", masks_in(films))
        said.append((round(found.means["dice"], 6), any("is foreground black" in note for note in found.notes)))
    assert said == [(1.0, False), (0.0, True)]


def test_names_are_given_as_they_are_and_obeyed_by_nobody(
    clinic: TaskRegistry, films: Path, masks_in: Masks, tmp_path: Path
) -> None:
    strange = ["<b>bold</b>", 'a,"b"\nc', os.fsdecode(b"\xff\xfe")]
    for path, name in zip(sorted((films / "images").iterdir()), strange, strict=False):
        (films / "masks" / path.name).rename(films / "masks" / f"{name.replace('/', '|')}.png")
        path.rename(films / "images" / f"{name.replace('/', '|')}.png")
    evaluate_task(clinic.folder, "lungs", masks_in(films), out=tmp_path / "out")
    page = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert "<b>bold" not in page
    assert "&lt;b&gt;bold" in page
    text = (tmp_path / "out/cases.csv").read_text(encoding="utf-8", errors="surrogateescape")
    names = [row["name"] for row in csv.DictReader(text.splitlines(keepends=True))]
    assert {name.replace("/", "|") for name in strange} <= set(names)


def test_what_cannot_be_evaluated_is_refused_before_anything_is_written(
    clinic: TaskRegistry, films: Path, masks_in: Masks, facades: TaskData, tmp_path: Path
) -> None:
    data = masks_in(films)
    pictures = Pictures(films / "images").pairs(16)
    refused: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (TaskNotFoundError, "lung", {"task": "lung"}),
        (TaskNotFoundError, "heart", {"compare_task": "heart"}),
        (ConfigurationError, "compared with itself", {"compare_task": "lungs"}),
        (ConfigurationError, "name the data to score it on", {"data": None}),
        (ConfigurationError, "finds no patient in 6 of 6 names", {"options": EvaluationOptions(by_patient="^x")}),
        (ConfigurationError, "no regular expression", {"options": EvaluationOptions(by_patient="(")}),
        (DatasetError, "have no test side", {"data": replace(data, test=None)}),
        (DatasetError, "is this data of another task", {"data": facades}),
        (DatasetError, "is this data of another task", {"task": "facades"}),
        (DatasetError, "could be scored", {"data": replace(data, test=pictures)}),
    ]
    for kind, message, change in refused:
        given: dict[str, Any] = {"task": "lungs", "data": data, "out": tmp_path / "out", **change}
        with pytest.raises(kind, match=message):
            evaluate_task(clinic.folder, **given)
        assert not (tmp_path / "out").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    with pytest.raises(PredictionError, match="is not empty"):
        evaluate_task(clinic.folder, "lungs", data, out=tmp_path / "full")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tolerance": -1.0}, "tolerance is -1.0"),
        ({"spacing": (0.2, 0.2, 1.0)}, "spacing is 0.2 0.2 1.0"),
        ({"spacing": (0.0,)}, "spacing is 0.0"),
        ({"seed": -1}, "seed is -1"),
        ({"palette": "cityscapes"}, "palette is 'cityscapes'; known are cmp"),
        ({"size": 0}, "size is 0"),
        ({"device": "gpu"}, "device is 'gpu'"),
    ],
)
def test_options_outside_their_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        EvaluationOptions(**settings)
