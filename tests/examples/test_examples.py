"""The examples run, and show what they say they show."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from piggygan.data.synthetic.facades import write_facades
from piggygan.data.synthetic.xrays import write_xrays

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)


def small_data(folder: Path) -> list[str]:
    write_facades(folder / "facades" / "train", 8, 64, seed=0)
    write_facades(folder / "facades" / "test", 3, 64, seed=1)
    names = [image.name for image, _ in write_xrays(folder / "xrays", 10, 64, seed=0)]
    sides = {"train": names[:8], "test": names[8:]}
    (folder / "xrays" / "splits.json").write_text(json.dumps(sides), encoding="utf-8")
    return ["--facades", str(folder / "facades"), "--xrays", str(folder / "xrays")]


BUDGET = ["--size", "64", "--width", "4", "--commit-anyway", "--epochs", "1", "--lungs-epochs", "1"]


def test_the_main_job_proves_that_nothing_is_forgotten(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [str(EXAMPLES / "facades_to_lungs.py"), *small_data(tmp_path), *BUDGET, "--learning-rate", "8e-4"]
    done = run(*command, "--out", str(out))
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert {"verified facades: equal", "verified lungs: equal", f"report: {out / 'report.html'}"} <= {*said}
    rival = json.loads((out / "tasks/lungs/compare/fine-tuning/result.json").read_text(encoding="utf-8"))
    assert rival["earlier"]["facades"]["same_bytes"] is True
    assert rival["earlier"]["facades"]["left"] != rival["earlier"]["facades"]["kept"]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "piggygan gives the same bytes as before" in page
    assert 'src="http' not in page
    (logged,) = (out / "tasks/lungs/log.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(logged)["learning_rate"] == 8e-4


def test_bad_input_is_one_line_before_any_training(tmp_path: Path) -> None:
    arguments = small_data(tmp_path)
    (tmp_path / "xrays" / "masks" / "003.png").unlink()
    done = run(str(EXAMPLES / "facades_to_lungs.py"), *arguments, "--size", "64", "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert done.stderr.startswith("error: 1 of 10 films in ")
    assert done.stderr.endswith("'003': has no mask\n")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_out_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(
        str(EXAMPLES / "facades_to_lungs.py"),
        *small_data(tmp_path),
        "--size",
        "64",
        "--out",
        str(tmp_path / "file" / "out"),
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert str(tmp_path / "file") in done.stderr


def test_a_network_of_ones_own_keeps_its_first_task() -> None:
    done = run(str(EXAMPLES / "own_network.py"))
    assert done.stdout.rstrip().endswith("bit for bit as before: True"), done.stderr


@pytest.mark.slow
def test_the_main_job_stopped_and_started_again_gives_the_same_bytes(tmp_path: Path) -> None:
    arguments = [str(EXAMPLES / "facades_to_lungs.py"), *small_data(tmp_path), *BUDGET[:-1], "2"]
    whole, cut = (tmp_path / name for name in ("whole", "cut"))
    assert run(*arguments, "--out", str(whole)).returncode == 0

    # The log of the new task's training says that it is under way.
    started = subprocess.Popen([sys.executable, *arguments, "--out", str(cut)], stderr=subprocess.PIPE, text=True)
    while not (cut / "tasks/lungs/log.jsonl").is_file():
        assert started.poll() is None
        time.sleep(0.02)
    started.terminate()
    _, said = started.communicate(timeout=60)
    assert started.returncode == 143, said
    assert "Traceback" not in said

    done = run(*arguments, "--out", str(cut))
    assert done.returncode == 0, done.stderr
    for task in ("facades", "lungs"):
        results = [json.loads((out / f"tasks/{task}/result.json").read_text(encoding="utf-8")) for out in (whole, cut)]
        assert results[0]["digests"] == results[1]["digests"]
        assert results[0]["scores"] == results[1]["scores"]
    refused = run(*arguments, "--out", str(cut), "--seed", "1")
    assert refused.returncode == 1
    assert "seed was 0, is 1" in refused.stderr
