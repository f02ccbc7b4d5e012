"""The examples run, and show what they say they show."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

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


def test_the_main_job_proves_that_nothing_is_forgotten(tmp_path: Path) -> None:
    budget = ["--size", "64", "--width", "4", "--epochs", "1", "--lungs-epochs", "1", "--learning-rate", "8e-4"]
    out = tmp_path / "out"
    done = run(str(EXAMPLES / "facades_to_lungs.py"), *small_data(tmp_path), *budget, "--out", str(out))
    assert done.returncode == 0, done.stderr
    result = json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert result["byte_equal"] is True
    assert result["fresh_process"]["verified"] == ["facades: equal", "lungs: equal"]
    ours, rival = (result["matrices"][method]["scores"] for method in ("piggygan", "fine-tuning"))
    assert ours[0][0] == ours[1][0]
    assert rival[0][0] == ours[0][0]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "not one bit" in page
    assert 'src="http' not in page
    assert (out / "samples" / "lungs-piggygan-001.png").is_file()
    (logged,) = (out / "lungs-piggygan.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(logged)["learning_rate"] == 8e-4


def test_bad_input_is_one_line_before_any_training(tmp_path: Path) -> None:
    arguments = small_data(tmp_path)
    (tmp_path / "xrays" / "masks" / "003.png").unlink()
    done = run(str(EXAMPLES / "facades_to_lungs.py"), *arguments, "--size", "64", "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert done.stderr.startswith("error: 1 images have no mask")
    assert "Traceback" not in done.stderr


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


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stop_between_two_trainings_is_one_line_and_the_next_is_not_begun(number: int, code: int) -> None:
    program = (
        "import signal, sys, time; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"sys.path.insert(0, {str(EXAMPLES)!r}); sys.argv[1:] = []\n"
        "from as_command import run; from facades_to_lungs import Options\n"
        "def main(_): print('between', flush=True); time.sleep(60); print('the next')\n"
        "run(main, Options, None)"
    )
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", program], stdout=pipe, stderr=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "between\n"
    process.send_signal(number)
    printed, said = process.communicate(timeout=30)
    assert (process.returncode, printed) == (code, "")
    assert said == f"{signal.Signals(number).name} asked for the end. Start the same with --resume to go on.\n"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_last_save_of_a_task_ends_the_run_and_not_only_the_task(tmp_path: Path, number: int) -> None:
    program = (
        "import runpy, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from piggygan.training.checkpoints.folder import CheckpointFolder as Folder\n"
        "save = Folder.save\n"
        f"Folder.save = lambda *given: (save(*given), signal.raise_signal({int(number)}))[0]\n"
        f"sys.path.insert(0, {str(EXAMPLES)!r})\n"
        f"runpy.run_path({str(EXAMPLES / 'facades_to_lungs.py')!r}, run_name='__main__')"
    )
    arguments = [*small_data(tmp_path), "--size", "64", "--width", "4", "--epochs", "1", "--lungs-epochs", "1"]
    done = run("-c", program, *arguments, "--out", str(tmp_path / "out"))
    assert done.returncode == 128 + number, done.stderr
    assert "task 1" in done.stdout
    assert "task 2" not in done.stdout
    assert done.stderr.endswith("Add --resume.\n")
    assert f"{signal.Signals(number).name} asked for the end: all is saved after 1 epochs" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_network_of_ones_own_keeps_its_first_task() -> None:
    done = run(str(EXAMPLES / "own_network.py"))
    assert done.stdout.rstrip().endswith("bit for bit as before: True"), done.stderr


def without_times(result: dict[str, Any]) -> str:
    """Drop what a clock says, and what was asked for, from a result."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            left_out = ("seconds", "settings", "out", "resume")
            return {key: clean(item) for key, item in value.items() if key not in left_out}
        return [clean(item) for item in value] if isinstance(value, list) else value

    return json.dumps(clean(result), sort_keys=True)


@pytest.mark.slow
def test_the_main_job_stopped_and_resumed_gives_the_same_result(tmp_path: Path) -> None:
    arguments = [str(EXAMPLES / "facades_to_lungs.py"), *small_data(tmp_path)]
    arguments += ["--size", "64", "--width", "4", "--epochs", "1", "--lungs-epochs", "2", "--batch-size", "2"]
    whole, cut = (["--out", str(tmp_path / name)] for name in ("whole", "cut"))
    assert run(*arguments, *whole).returncode == 0

    # The log of the new task's training says that it is under way.
    started = subprocess.Popen([sys.executable, *arguments, *cut], stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "cut" / "lungs-piggygan.jsonl").is_file():
        assert started.poll() is None
        time.sleep(0.02)
    started.terminate()
    _, said = started.communicate(timeout=60)
    assert started.returncode == 143, said
    assert "--resume" in said

    done = run(*arguments, *cut, "--resume")
    assert done.returncode == 0, done.stderr
    results = [json.loads((tmp_path / name / "result.json").read_text(encoding="utf-8")) for name in ("whole", "cut")]
    assert without_times(results[0]) == without_times(results[1])
    refused = run(*arguments, *cut, "--resume", "--seed", "1")
    assert refused.returncode == 1
    assert "seed was 0, is 1" in refused.stderr
