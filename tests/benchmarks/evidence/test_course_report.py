"""A tiny run of the course report's experiment: what is held back, what is kept, what is not run again."""

import json
from pathlib import Path

import pytest

from benchmarks.evidence import course_report
from piggygan.data.synthetic.facades import write_facades
from piggygan.data.synthetic.xrays import write_xrays


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> course_report.Options:
    folder = tmp_path_factory.mktemp("course")
    write_facades(folder / "facades" / "train", 4, 32, seed=0)
    write_facades(folder / "facades" / "val", 2, 32, seed=1)
    names = [image.name for image, _ in write_xrays(folder / "xrays", 16, 32, seed=0)]
    sides = {"train": names[:14], "test": names[14:]}
    (folder / "xrays" / "splits.json").write_text(json.dumps(sides), encoding="utf-8")
    options = course_report.Options(
        folder / "facades", folder / "xrays", folder / "out", facades_epochs=1, epochs=1, size=32, width=4
    )
    course_report.main(options)
    return options


def cell(options: course_report.Options, method: str) -> Path:
    return options.out / f"validation.{method}.pix2pix.0.0002.0.json"


def test_every_method_scores_each_film_that_was_held_back(options: course_report.Options) -> None:
    for method in options.methods:
        result = json.loads(cell(options, method).read_text(encoding="utf-8"))
        assert {len(scores) for scores in result["films"].values()} == {course_report.HELD_BACK}


def test_ours_keeps_facades_and_fine_tuning_does_not(options: course_report.Options) -> None:
    kept = {
        method: json.loads(cell(options, method).read_text(encoding="utf-8"))["facades_equal_bytes"]
        for method in ("ours", "fine-tuning")
    }
    assert kept == {"ours": True, "fine-tuning": False}


def test_films_held_back_are_not_learned_from_and_no_test_film_is_read(options: course_report.Options) -> None:
    chosen = course_report.Cell("ours", "pix2pix", 2e-4, 0, "validation")
    learned, scored = (
        {dataset[index].name for index in range(len(dataset))} for dataset in course_report.lung_films(options, chosen)
    )
    splits = json.loads((options.lungs / "splits.json").read_text(encoding="utf-8"))
    assert not learned & scored
    assert learned | scored == {Path(name).stem for name in splits["train"]}


def test_a_cell_that_is_there_is_not_run_again(options: course_report.Options) -> None:
    before = cell(options, "ours").stat().st_mtime_ns
    course_report.main(options)
    assert cell(options, "ours").stat().st_mtime_ns == before
