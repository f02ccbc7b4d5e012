"""What train keeps beside a task is added to one that lacks it; its bits stay."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from piggygan.cli import main
from piggygan.errors import ConfigurationError, DatasetError
from piggygan.evaluation.temperature import CALIBRATION
from piggygan.jobs.data import DataConfig
from piggygan.jobs.training.attaching import attach_to_task
from piggygan.registry import TaskRegistry


@pytest.fixture
def learned(straight_run: Path, tmp_path: Path) -> Path:
    """A run that learned lungs before train kept anything beside a task."""
    copy = Path(shutil.copytree(straight_run, tmp_path / "without"))
    registry = TaskRegistry(copy / "registry")
    manifest = registry._head.existing()
    tasks = tuple(replace(record, attachments={}) for record in manifest.tasks)
    registry._head.write(replace(manifest, tasks=tasks))
    return copy


def test_a_task_gets_what_train_would_have_kept_and_keeps_its_bits(
    learned: Path, straight_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = TaskRegistry(learned / "registry")
    before = registry.describe("lungs")
    assert main(["attach", str(learned), "--task", "lungs"]) == 0
    assert capsys.readouterr().out.splitlines() == ["lungs: calibration"]
    after = registry.describe("lungs")
    assert replace(after, attachments={}) == before
    assert after.attachments == TaskRegistry(straight_run / "registry").describe("lungs").attachments
    digest = registry.digest
    assert main(["attach", str(learned), "--task", "lungs"]) == 0
    assert "nothing was lacking" in capsys.readouterr().out
    assert registry.digest == digest
    assert registry.verify().is_sound


def test_other_films_than_those_of_its_training_are_refused(
    learned: Path, facade_pairs: Path, lung_films: Path
) -> None:
    shutil.rmtree(learned / "tasks/lungs")
    with pytest.raises(ConfigurationError, match=r"there is no .*config.toml.*name its data"):
        attach_to_task(learned, "lungs")
    with pytest.raises(DatasetError, match="the data are not those that 'lungs' was trained on"):
        attach_to_task(learned, "lungs", DataConfig(data=facade_pairs))
    assert attach_to_task(learned, "lungs", DataConfig(data=lung_films)) == {"lungs": (CALIBRATION,)}
