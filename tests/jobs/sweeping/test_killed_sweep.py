"""kill -9 of a sweep, wherever it is: the same line goes on, learns nothing twice, and ranks as if nothing had been."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Sweep = Callable[..., Any]
ROOT = Path(__file__).parents[3]
STAGES = {
    "before the second training is written down": ("piggygan.jobs.sweeping.trial:Trial.write_options", 2),
    "while the registry is copied": ("piggygan.jobs.sweeping.trial:_link", 1),
    "in the first training": ("piggygan.jobs.training.looking:Looks.__call__", 1),
    "before its task is committed": ("piggygan.registry.registry:TaskRegistry.commit", 1),
    "before its result is written": ("piggygan.jobs.training.committing:write_result", 1),
    "between the trainings": ("piggygan.jobs.sweeping.engines:learn_trial", 2),
    "in the second training": ("piggygan.jobs.training.looking:Looks.__call__", 1),
    "before the ranking is written": ("piggygan.jobs.sweeping.ranking:SweptTask.write", 1),
    "between its two files": ("piggygan.jobs.sweeping.ranking:write_durably", 2),
}
"""Functions whose call kills, in the order in which one sweep comes to them; which call."""


@pytest.fixture(scope="module")
def sweep(lung_films: Path) -> Iterator[Sweep]:
    """Sweep in another process, which may be killed."""
    command = [sys.executable, "-m", "tests.jobs.sweeping.killed_sweeper"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        stdin, stdout = process.stdin, process.stdout

        def learn(folder: Path, **told: Any) -> Any:
            words = ["sweep", str(folder), "--task", "lungs", "--data", str(lung_films), "--epochs", "2"]
            words += ["--set", "learning_rate=2e-4,8e-3", "--batch-size", "2"]
            stdin.write(json.dumps({"words": words, "log": str(folder / "learned"), **told}) + "\n")
            stdin.flush()
            return json.loads(stdout.readline())

        yield learn
        stdin.close()


def ranking(folder: Path) -> dict[str, Any]:
    """Return what the sweep says, without times and places."""
    found: dict[str, Any] = json.loads((folder / "sweeps/lungs/sweep.json").read_text())
    for one in found["ranked"]:
        one["seconds"] = 0.0
        one["folders"] = {seed: Path(path).stem for seed, path in one["folders"].items()}  # the digest knows the place
    found["best"] = found["best"].replace(str(folder), "exp")
    return found


@pytest.mark.slow
def test_a_sweep_killed_wherever_it_is_goes_on_and_ranks_the_same(
    sweep: Sweep, once_learned: Path, tmp_path: Path
) -> None:
    straight, killed = (Path(shutil.copytree(once_learned, tmp_path / name)) for name in ("straight", "killed"))
    assert sweep(straight)["code"] == 0
    for stage, (function, count) in STAGES.items():
        found = sweep(killed, at=function, count=count, twice="in the" in stage)
        assert found["code"] == -9, (stage, found["said"])
        if "in the" in stage:
            assert "the sweep of 'lungs' is being learned by process " in found["said"]
            assert "the second: 2" in found["said"]
    found = sweep(killed)
    assert found["code"] == 0, found["said"]
    assert ranking(killed) == ranking(straight)
    for folder in (straight, killed):
        learned = Counter((folder / "learned").read_text().split())
        trials = [path for path in (folder / "sweeps/lungs").iterdir() if path.is_dir() and ".seed-" in path.name]
        assert learned == Counter(trial.name for trial in trials)
        for trial in trials:
            log = (trial / "tasks/lungs/log.jsonl").read_text().splitlines()
            assert [json.loads(line)["epoch"] for line in log] == [1, 2]
            assert [path.name for path in trial.glob(".*")] == []  # no copy of the registry that was not finished
