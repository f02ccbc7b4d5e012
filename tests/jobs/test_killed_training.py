"""kill -9 at any moment of a training: the same call ends in the same bytes."""

from __future__ import annotations

import json
import math
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import piggygan as pg
from piggygan.jobs.folder import RunFolder

PROGRAM = Path(__file__).with_name("killed_trainer.py")


class Trainer:
    """Learns lungs in a folder, and may be killed after so many seconds, or where a function is called."""

    def __init__(self, data: Path) -> None:
        command = [sys.executable, str(PROGRAM), str(data)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._heard() == "ready"

    def learn(self, folder: Path, kill_at: float | str = math.inf) -> tuple[int, float]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{kill_at} {folder}\n")
        self._process.stdin.flush()
        code, seconds = self._heard().split()
        return int(code), float(seconds)

    def end(self) -> None:
        self._process.communicate(timeout=60)
        assert self._process.returncode == 0

    def _heard(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@pytest.fixture(scope="module")
def trainer(lung_films: Path) -> Iterator[Trainer]:
    trainer = Trainer(lung_films)
    yield trainer
    trainer.end()


def came_to(folder: Path) -> dict[str, Any]:
    """What must be the same: every file of the registry but its head, which has dates, and the result without times."""
    files = RunFolder.at(folder).task("lungs")
    result = json.loads(files.result.read_text())
    return {
        "objects": sorted(path.name for path in (folder / "registry" / "objects").iterdir()),
        "result": {name: result[name] for name in ("digests", "scores", "epochs", "kept", "start_from", "fingerprint")},
        "left": sorted(path.name for path in files.root.iterdir() if not path.name.startswith(".lock-holder")),
        "log": [json.loads(line)["losses"] for line in files.log.read_text().splitlines()],
        "looks": files.validation.read_text(),
    }


@pytest.mark.slow
@pytest.mark.parametrize("times", [20])
def test_killed_at_random_moments_the_same_call_ends_in_the_same_bytes(
    trainer: Trainer, once_learned: Path, tmp_path: Path, times: int
) -> None:
    straight = Path(shutil.copytree(once_learned, tmp_path / "straight"))
    code, seconds = trainer.learn(straight)
    assert code == 0
    expected = came_to(straight)
    draw = random.Random(times)
    for number in range(times):
        folder = Path(shutil.copytree(once_learned, tmp_path / str(number)))
        moments = [draw.uniform(0.0, 1.0) for _ in range(draw.choice((1, 1, 2, 3)))]
        for moment in moments:
            trainer.learn(folder, moment * seconds)  # which may have ended before
        assert trainer.learn(folder)[0] == 0, moments
        assert came_to(folder) == expected, moments
        assert pg.TaskRegistry(folder / "registry").tasks == ("facades", "lungs")
        shutil.rmtree(folder)


STAGES = {
    "while data are read": "piggygan.jobs.training.preparing:open_task_data",
    "when the folder is made": "piggygan.jobs.training.run:_write_down",
    "before it counts as begun": "piggygan.jobs.training.run:config_to_toml",
    "after the first epoch": "piggygan.jobs.training.looking:Looks.__call__",
    "in the validation": "piggygan.jobs.training.looking:score_side",
    "before pictures are drawn": "piggygan.jobs.training.looking:Looks._draw",
    "before the page is written": "piggygan.jobs.training.course:write_task_page",
    "when it is asked whether it is learned": "piggygan.jobs.training.run:unlearned",
    "before it is frozen": "piggygan.jobs.training.learner:Learner.freeze_task",
    "before it is committed": "piggygan.registry.registry:TaskRegistry.commit",
    "before it is verified": "piggygan.jobs.training.committing:_verified",
    "before the result is written": "piggygan.jobs.training.committing:write_result",
    "before the last page": "piggygan.jobs.training.run:_closed",
    "before the checkpoints go": "piggygan.jobs.training.run:shutil.rmtree",
}
QUICK = ("after the first epoch", "before it is committed", "before the result is written")


@pytest.fixture(scope="module")
def expected(trainer: Trainer, once_learned: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = Path(shutil.copytree(once_learned, tmp_path_factory.mktemp("killed") / "straight"))
    assert trainer.learn(folder)[0] == 0
    return came_to(folder)


@pytest.mark.parametrize("stage", [s if s in QUICK else pytest.param(s, marks=pytest.mark.slow) for s in STAGES])
def test_killed_at_each_stage_the_same_call_ends_in_the_same_bytes(
    stage: str, trainer: Trainer, run_folder: Path, expected: dict[str, Any]
) -> None:
    assert trainer.learn(run_folder, STAGES[stage])[0] == -9
    assert pg.TaskRegistry(run_folder / "registry").verify().is_sound
    assert trainer.learn(run_folder)[0] == 0
    assert came_to(run_folder) == expected
