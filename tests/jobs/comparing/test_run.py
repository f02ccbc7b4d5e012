"""A task learned once more by other methods: what they reach, and what they leave of earlier tasks."""

from __future__ import annotations

import base64
import io
import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import piggygan as pg
from piggygan.errors import ConfigurationError, TaskNotFoundError
from piggygan.jobs.comparing.run import compare_task
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.pages.registry_page import write_registry_page
from piggygan.jobs.training.looking import Looks
from piggygan.jobs.training.run import train_task
from piggygan.training import EpochRecord


@pytest.fixture
def two_tasks(run_folder: Path, lung_films: Path, small: Any) -> Path:
    train_task(run_folder, "lungs", small(lung_films), progress=False)
    return run_folder


def test_both_methods_learn_the_task_and_the_registry_is_as_it_was(two_tasks: Path) -> None:
    registry = pg.TaskRegistry(two_tasks / "registry")
    before = {path: path.read_bytes() for path in registry.folder.rglob("*") if path.is_file()}
    said: list[str] = []
    tuned, alone = compare_task(two_tasks, "lungs", progress=False, tell=said.append)
    assert {path: path.read_bytes() for path in registry.folder.rglob("*") if path.is_file()} == before
    assert said == ["lungs once more, by fine-tuning", "lungs once more, by separate"]
    assert (tuned.method, alone.method) == ("fine-tuning", "separate")
    assert tuned.scores.keys() == alone.scores.keys() == {"val", "test"}
    assert tuned.scores != alone.scores
    assert tuned.epochs == alone.epochs == 3
    # Both store a whole network, the lungs of the registry a part of one.
    whole = registry.load().overhead()
    assert alone.parameters > 2 * whole["lungs"].parameters
    assert alone.earlier == {}


def test_fine_tuning_loses_the_earlier_task_and_the_registry_keeps_its_bytes(two_tasks: Path) -> None:
    (tuned,) = compare_task(two_tasks, "lungs", ("fine-tuning",), progress=False)
    facades = tuned.earlier["facades"]
    result = json.loads(RunFolder.at(two_tasks).task("facades").result.read_text())
    assert facades.same_bytes
    assert facades.side == "test"
    assert facades.kept == result["scores"]["test"]
    assert facades.left["l1"] > facades.kept["l1"]
    assert "the same bytes as before" in str(tuned)


def test_fine_tuning_starts_as_the_task_did(two_tasks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[float] = []

    def noted(_: Looks, record: EpochRecord) -> float | None:
        started.append(record.losses["generator.l1"])
        return None

    monkeypatch.setattr(Looks, "__call__", noted)
    compare_task(two_tasks, "lungs", progress=False)
    log = RunFolder.at(two_tasks).task("lungs").log.read_text().splitlines()
    ours = json.loads(log[0])["losses"]["generator.l1"]
    tuned, alone = started[0], started[3]
    assert abs(tuned - ours) < abs(alone - ours)


def test_what_is_done_is_not_done_again_and_a_stop_costs_nothing(
    two_tasks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop(BaseException):
        pass

    look = Looks.__call__

    def stopping(looks: Looks, record: EpochRecord) -> float | None:
        if record.epoch > 1:
            raise Stop
        return look(looks, record)

    with monkeypatch.context() as patched, suppress(Stop):
        patched.setattr(Looks, "__call__", stopping)
        compare_task(two_tasks, "lungs", ("separate",), progress=False)
    folder = RunFolder.at(two_tasks).task("lungs").rival("separate")
    assert not (folder / "result.json").exists()
    (found,) = compare_task(two_tasks, "lungs", ("separate",), progress=False)
    written = (folder / "result.json").read_bytes()
    (again,) = compare_task(two_tasks, "lungs", ("separate",), progress=False)
    assert again == found
    assert (folder / "result.json").read_bytes() == written
    assert not (folder / "checkpoints").exists()


def test_the_page_of_the_task_sets_them_side_by_side(two_tasks: Path) -> None:
    compare_task(two_tasks, "lungs", progress=False)
    page = RunFolder.at(two_tasks).task("lungs").page.read_text()
    assert "Beside other methods" in page
    assert "fine-tuning" in page
    assert "facades" in page
    files = RunFolder.at(two_tasks).task("lungs")
    drawn = (files.rival("fine-tuning") / "earlier/facades.png").read_bytes()
    assert Image.open(io.BytesIO(drawn)).format == "PNG"
    report = write_registry_page(two_tasks).read_text()
    for shown in (page, report):
        assert base64.b64encode(drawn).decode() in shown
        assert "when lungs was learned: piggygan gives the same bytes as before" in shown
        assert "lungs by separate: pairs of the validation side after 3 epochs" in shown
    assert "facades after fine-tuning" in report


def test_an_earlier_task_whose_data_are_gone_is_said(two_tasks: Path, tmp_path: Path) -> None:
    config = RunFolder.at(two_tasks).task("facades").config
    text = config.read_text()
    old = next(line for line in text.splitlines() if line.startswith("data = "))
    config.write_text(text.replace(old, f'data = "{tmp_path / "gone"}"'))
    (tuned,) = compare_task(two_tasks, "lungs", ("fine-tuning",), progress=False)
    assert tuned.earlier == {}
    assert "what became of 'facades' cannot be said" in tuned.notes[0]


def test_what_cannot_be_compared_is_refused(run_folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'fine-tuning'"):
        compare_task(run_folder, "facades", ("finetuning",), progress=False)
    with pytest.raises(ConfigurationError, match="'facades' is the first task: there is no earlier network"):
        compare_task(run_folder, "facades", ("fine-tuning",), progress=False)
    with pytest.raises(TaskNotFoundError, match="'lungs' was not learned and committed in"):
        compare_task(run_folder, "lungs", progress=False)
    assert not RunFolder.at(run_folder).task("facades").rival("fine-tuning").exists()


def test_an_earlier_task_whose_files_were_changed_is_not_taken_for_one_that_was_lost(
    two_tasks: Path, tmp_path: Path, facade_pairs: Path
) -> None:
    config = RunFolder.at(two_tasks).task("facades").config
    changed = shutil.copytree(facade_pairs, tmp_path / "changed")
    one, other = sorted((changed / "test").iterdir())[:2]
    one.write_bytes(other.read_bytes())
    text = config.read_text()
    old = next(line for line in text.splitlines() if line.startswith("data = "))
    config.write_text(text.replace(old, f'data = "{changed}"'))
    (tuned,) = compare_task(two_tasks, "lungs", ("fine-tuning",), progress=False)
    assert tuned.earlier == {}
    assert "the data of 'facades' are others than when it was begun" in tuned.notes[0]
