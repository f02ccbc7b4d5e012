"""The examples run, and show what they say they show."""

import json
import subprocess
import sys
from pathlib import Path

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
    budget = ["--size", "64", "--width", "4", "--epochs", "1", "--lungs-epochs", "1"]
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
    assert len((out / "lungs-piggygan.jsonl").read_text(encoding="utf-8").splitlines()) == 1


def test_bad_input_is_one_line_before_any_training(tmp_path: Path) -> None:
    arguments = small_data(tmp_path)
    (tmp_path / "xrays" / "masks" / "003.png").unlink()
    done = run(str(EXAMPLES / "facades_to_lungs.py"), *arguments, "--size", "64", "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert done.stderr.startswith("error: 1 images have no mask")
    assert "Traceback" not in done.stderr


def test_a_network_of_ones_own_keeps_its_first_task() -> None:
    done = run(str(EXAMPLES / "own_network.py"))
    assert done.stdout.rstrip().endswith("bit for bit as before: True"), done.stderr
