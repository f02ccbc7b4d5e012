"""Several processes learn a task together: one of them decides and writes, and a stop costs nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from piggygan.errors import ConfigurationError
from piggygan.jobs import plan_task
from piggygan.jobs.comparing.run import check_comparable, compare_task
from piggygan.jobs.config import LearningConfig
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.training.several import crew_of
from piggygan.registry import TaskRegistry

Several = Callable[..., Any]


def came_to(folder: Path) -> dict[str, Any]:
    files = RunFolder.at(folder).task("lungs")
    result = json.loads(files.result.read_text())
    return {
        "objects": sorted(path.name for path in (folder / "registry" / "objects").iterdir()),
        "result": {name: result[name] for name in ("digests", "scores", "epochs", "kept", "start_from", "fingerprint")},
        "left": sorted(path.name for path in files.root.iterdir() if not path.name.startswith(".lock")),
        "log": [json.loads(line)["losses"] for line in files.log.read_text().splitlines()],
        "looks": files.validation.read_text(),
    }


def test_two_processes_learn_a_task_and_one_commits_it(several: Several, lung_films: Path, tmp_path: Path) -> None:
    told = {"task": "lungs", "data": str(lung_films), "epochs": 2}
    found = several(tmp_path, **told)
    assert found["codes"] == [0, 0], found["said"]
    assert TaskRegistry(tmp_path / "registry").tasks == ("lungs",)
    files = RunFolder.at(tmp_path).task("lungs")
    assert [json.loads(line)["epoch"] for line in files.log.read_text().splitlines()] == [1, 2]
    assert not files.checkpoints.exists()
    before = files.result.read_bytes()
    assert several(tmp_path, **told)["codes"] == [0, 0]
    assert files.result.read_bytes() == before


@pytest.mark.slow
def test_two_processes_that_were_killed_and_started_again_come_to_the_same_bytes(
    several: Several, lung_films: Path, tmp_path: Path
) -> None:
    told = {"task": "lungs", "data": str(lung_films)}
    assert several(tmp_path / "whole", **told)["codes"] == [0, 0]
    for at in ({"0": 1}, {"1": 5}, {"0": 4, "1": 4}):
        assert -9 in several(tmp_path / "cut", at=at, what="kill", **told)["codes"]
    assert several(tmp_path / "cut", at={"1": 3}, what="terminate", **told)["codes"] == [143, 143]
    assert several(tmp_path / "cut", **told)["codes"] == [0, 0]
    assert came_to(tmp_path / "cut") == came_to(tmp_path / "whole")


def test_what_is_wrong_with_the_data_ends_all_and_is_said_by_one(several: Several, films: Path, tmp_path: Path) -> None:
    found = several(tmp_path / "run", task="lungs", data=str(films / "nowhere"))
    assert found["codes"] == [2, 2]
    assert "0: DatasetError" in found["said"]
    assert "1: ProcessLostError" in found["said"]  # which the command does not print
    assert not (tmp_path / "run").exists()


def test_one_process_is_a_crew_of_its_own() -> None:
    with crew_of(LearningConfig()) as crew:
        crew.wait()
        assert (crew.is_main, crew.is_left(True), crew.is_left(False)) == (True, True, False)


def test_other_methods_are_left_to_one_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert check_comparable(tmp_path, "lungs", ()) == ()
    with pytest.raises(ConfigurationError, match="--compare is done by one process, and 2 were started"):
        check_comparable(tmp_path, "lungs", ("separate",))
    with pytest.raises(ConfigurationError, match="is done by one process"):
        compare_task(tmp_path, "lungs")


def test_a_plan_says_what_each_process_does(
    monkeypatch: pytest.MonkeyPatch, lung_films: Path, small: Any, tmp_path: Path
) -> None:
    alone = plan_task(tmp_path, "lungs", small(lung_films, size=32))
    monkeypatch.setattr("piggygan.jobs.training.plan.launched_processes", lambda: 3)
    lines = plan_task(tmp_path, "lungs", small(lung_films, size=32))
    assert "learning: supervised, 3 epochs of 3 steps of 2, rate" in "\n".join(alone)
    assert "learning: supervised, 3 epochs of 1 steps of 2 in each of 3 processes, rate" in "\n".join(lines)
