"""The page of a registry says what was measured, and nothing better."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import piggygan as pg
from piggygan.errors import TaskNotFoundError
from piggygan.jobs.comparing.run import compare_task
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.pages.registry_page import write_registry_page
from piggygan.jobs.training.run import train_task


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, once_learned: Path, lung_films: Path, small: Any) -> Path:
    folder = shutil.copytree(once_learned, tmp_path_factory.mktemp("runs") / "exp")
    train_task(folder, "lungs", small(lung_films), progress=False)
    compare_task(folder, "lungs", ("fine-tuning",), progress=False)
    return Path(folder)


def test_all_tasks_are_on_it_with_what_became_of_earlier_ones(compared: Path) -> None:
    page = write_registry_page(compared)
    text = page.read_text()
    assert page == compared / "report.html"
    assert "2 tasks in one network" in text
    assert "all sound" in text
    assert "after lungs" in text
    assert "--task lungs" in text
    for task in ("facades", "lungs"):
        assert f"<h2>{task}</h2>" in text or f">{task}</h2>" in text
        result = json.loads((compared / f"tasks/{task}/result.json").read_text())
        name = {"pairs": "l1", "masks": "dice"}[result["kind"]]
        assert f"{result['scores']['test'][name]:.3f}" in text


def test_what_was_not_learned_is_said_above_everything_and_nothing_is_green(compared: Path) -> None:
    # Three epochs of two channels teach nobody what facades look like.
    result = json.loads((compared / "tasks/facades/result.json").read_text())
    assert result["scores"]["test"]["l1"] > result["floor"]["l1"]
    text = write_registry_page(compared).read_text()
    assert "facades was not learned: l1" in text
    assert '<div class="good">' not in text


def test_a_damaged_registry_has_its_page_too(compared: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(compared, tmp_path / "exp"))
    record = pg.TaskRegistry(folder / "registry").describe("lungs")
    stored = next(iter(record.networks.values())).weights
    path = next((folder / "registry").rglob(f"{stored.digest}*"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    text = write_registry_page(folder).read_text()
    assert "NOT SOUND" in text
    assert "A task is not what it was" in text


def test_a_registry_that_stands_alone_has_one_beside_it(compared: Path, tmp_path: Path) -> None:
    alone = Path(shutil.copytree(compared / "registry", tmp_path / "clinic"))
    before = sorted(path.name for path in alone.rglob("*"))
    page = write_registry_page(alone)
    assert page == tmp_path / "clinic-work" / "report.html"
    assert sorted(path.name for path in alone.rglob("*")) == before
    assert "learned elsewhere" in page.read_text()


def test_an_empty_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskNotFoundError, match="holds no task: train one first"):
        write_registry_page(tmp_path / "new")
    assert not RunFolder.at(tmp_path / "new").root.exists()
