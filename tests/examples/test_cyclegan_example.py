"""The unpaired job, on generated data, shows what it says."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from piggygan import TaskRegistry
from piggygan.data.synthetic.facades import write_facades
from piggygan.data.synthetic.xrays import write_xrays

EXAMPLE = Path(__file__).parents[2] / "examples" / "cyclegan_facades_to_lungs.py"
BUDGET = ["--size", "32", "--width", "2", "--commit-anyway", "--epochs", "1", "--lungs-epochs"]


@pytest.fixture
def small_data(tmp_path: Path) -> list[str]:
    write_facades(tmp_path / "facades" / "train", 4, 32, seed=0)
    write_facades(tmp_path / "facades" / "test", 2, 32, seed=1)
    names = [image.name for image, _ in write_xrays(tmp_path / "xrays", 6, 32, seed=0)]
    sides = {"train": names[:4], "test": names[4:]}
    (tmp_path / "xrays" / "splits.json").write_text(json.dumps(sides), encoding="utf-8")
    return ["--facades", str(tmp_path / "facades"), "--xrays", str(tmp_path / "xrays")]


def result_of(out: Path, task: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((out / "tasks" / task / "result.json").read_text(encoding="utf-8"))
    return found


def test_nothing_is_forgotten_in_either_direction(small_data: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, str(EXAMPLE), *small_data, *BUDGET, "1", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lungs = result_of(out, "lungs")
    assert sorted(lungs["verified"]) == [  # type: ignore[call-overload]
        "facades, backward: equal",
        "facades, forward: equal",
        "lungs, backward: equal",
        "lungs, forward: equal",
    ]
    assert {"dice", "cycle_l1", "backward_l1"} <= lungs["scores"]["test"].keys()  # type: ignore[index]
    assert "lungs" in (out / "report.html").read_text(encoding="utf-8")
    assert TaskRegistry(out / "registry").load(["lungs"], network="backward").tasks == ("facades", "lungs")


@pytest.mark.slow
def test_a_run_that_was_killed_in_the_second_task_ends_in_the_same_result(
    small_data: list[str], tmp_path: Path
) -> None:
    command = [sys.executable, str(EXAMPLE), *small_data, *BUDGET, "40"]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    subprocess.run([*command, "--out", str(whole)], capture_output=True, check=True)

    killed = subprocess.Popen([*command, "--out", str(cut)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list((cut / "tasks" / "lungs" / "checkpoints").glob("*.safetensors")):
        assert killed.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    assert not (cut / "tasks" / "lungs" / "result.json").exists()

    subprocess.run([*command, "--out", str(cut)], capture_output=True, check=True)
    for task in ("facades", "lungs"):
        one, other = (result_of(out, task) for out in (whole, cut))
        assert (one["scores"], one["digests"]) == (other["scores"], other["digests"])
