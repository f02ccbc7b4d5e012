"""The page of one task, while it is learned and afterwards, from the files in its folder alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from piggygan.jobs.comparing.comparison import Rivalled, write_rivalled
from piggygan.jobs.folder import RunFolder, TaskFolder
from piggygan.jobs.pages.task_page import MOST_SAMPLES, MOST_WARNINGS, write_task_page
from piggygan.jobs.training.result import read_result, write_result


@pytest.fixture
def files(run_folder: Path) -> TaskFolder:
    return RunFolder.at(run_folder).task("facades")


def page(files: TaskFolder) -> str:
    write_task_page(files)
    return files.page.read_text(encoding="utf-8")


def test_a_task_that_was_not_begun_has_none(tmp_path: Path) -> None:
    write_task_page(TaskFolder(tmp_path, "lungs"))
    assert not any(tmp_path.iterdir())


def test_a_committed_task_shows_what_it_reached_and_all_that_was_chosen(files: TaskFolder) -> None:
    result = read_result(files)
    assert result is not None
    text = page(files)
    assert "facades: committed" in text
    assert f"{result.scores['test']['l1']:.4g}" in text
    assert result.digests["generator"] in text
    assert "width = 2" in text
    assert "Beside other methods" not in text
    assert "minutes left" not in text


def test_what_was_not_learned_is_not_green(files: TaskFolder) -> None:
    result = read_result(files)
    assert result is not None
    for floor, is_bad in ((10.0, False), (0.0, True)):
        write_result(files, replace(result, floor={"l1": floor}))
        text = page(files)
        assert f"the same answer for every input: {floor:.4g}" in text
        assert ('class="bad"' in text or "figure bad" in text or 'bad"' in text) == is_bad


def test_a_task_that_is_being_learned_shows_how_far_it_is(files: TaskFolder) -> None:
    files.result.unlink()
    lines = files.log.read_text().splitlines()
    files.log.write_text("".join(json.dumps({**json.loads(line), "seconds": 120.0}) + "\n" for line in lines[:1]))
    text = page(files)
    assert "facades: being learned" in text
    assert "1 of 3" in text
    assert "about 4 minutes left" in text
    shutil.rmtree(files.samples)
    for path in (files.log, files.validation):
        path.unlink()
    text = page(files)  # a page of the first moment
    assert "0 of 3" in text
    assert "Pictures of the validation side" not in text


def test_no_improvement_for_long_is_said(files: TaskFolder) -> None:
    files.result.unlink()
    looks = [{"epoch": number, "scores": {"l1": 0.1 if number == 2 else 0.5}} for number in range(1, 9)]
    files.validation.write_text("".join(json.dumps(look) + "\n" for look in looks))
    assert "No improvement since the look after epoch 2." in page(files)
    files.validation.write_text("".join(json.dumps(look) + "\n" for look in looks[:4]))
    assert "No improvement" not in page(files)


def test_of_many_pictures_and_warnings_a_few_are_shown(files: TaskFolder) -> None:
    sample = next(iter(files.samples.glob("*.png"))).read_bytes()
    for number in range(1, 12):
        (files.samples / f"{number:06d}.png").write_bytes(sample)
    files.warnings.write_text("".join(json.dumps({"text": f"warned {number}."}) + "\n" for number in range(12)))
    text = page(files)
    assert [number for number in range(1, 12) if f"after {number} epochs" in text] == [1, 4, 8, 11]
    assert MOST_SAMPLES == 4
    assert [number for number in range(12) if f"warned {number}." in text] == list(range(12 - MOST_WARNINGS, 12))


def test_other_methods_stand_beside_it(files: TaskFolder) -> None:
    result = read_result(files)
    assert result is not None
    folder = files.rival("separate")
    folder.mkdir(parents=True)
    rival = Rivalled("facades", "separate", "pairs", result.scores, 3, 1.0, 54321, {}, ())
    write_rivalled(TaskFolder(folder, "facades"), rival)
    text = page(files)
    assert "Beside other methods" in text
    assert "54,321" in text
