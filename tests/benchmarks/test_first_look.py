"""What a GPU is asked first: every part starts, leaves its result where it says, and is ended when there is no time."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import first_look
from benchmarks.first_look import Options

TESTS = """
import pytest

def test_that_holds():
    pass

def test_that_does_not():
    assert not "so"

@pytest.mark.skip(reason="not here")
def test_that_is_left_out():
    pass
"""


def test_a_part_is_ended_when_its_time_is_over_and_one_that_fails_is_named() -> None:
    assert first_look.run_within([sys.executable, "-c", "pass"], 60) == ""
    assert first_look.run_within([sys.executable, "-c", "raise SystemExit(3)"], 60) == "it ended with 3"
    waiting = [sys.executable, "-c", "import time; time.sleep(60)"]
    assert first_look.run_within(waiting, 0.05) == "it was ended after 0 s"
    assert first_look.run_within(waiting, -1) == "no time was left"


def test_the_u_net_is_measured_before_the_resnet_and_in_both_precisions(tmp_path: Path) -> None:
    commands = [words[2:] for words in first_look.parts(Options(), tmp_path)]
    assert [(words[0].rpartition(".")[2], words[words.index("--dtype") + 1], words[-1]) for words in commands] == [
        (script, precision, network)
        for network in ("unet", "resnet")
        for script in ("same_bits", "training_step", "memory", "inference")
        for precision in (("fp32",) if script == "same_bits" else ("fp32", "bf16"))
    ] + [("cyclegan_step", precision, "resnet") for precision in ("fp32", "bf16")]


def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="sees no xpu device here"):
        first_look.main(Options(device="xpu", out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_first_look_leaves_its_results_where_it_says(tmp_path: Path) -> None:
    (tmp_path / "test_three.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "conftest.py").write_text("def pytest_addoption(parser): parser.addoption('--device')\n")
    options = Options("cpu", 30, ("unet",), 32, 4, 0.0, (tmp_path / "test_three.py",), tmp_path / "out")
    assert first_look.main(options) == 0
    found = json.loads((tmp_path / "out/contracts_cpu_fp32.json").read_text())
    assert [{**row, "tests": ""} for row in found["rows"]] == [{"tests": "", "passed": 1, "failed": 1, "skipped": 1}]
    assert [line.rpartition("::")[2] for line in found["not_run"]] == ["test_that_does_not"]
    page = (tmp_path / "out/unet/README.md").read_text()
    assert all(f"## {name}_cpu_fp32" in page for name in ("same_bits", "training_step", "memory", "inference"))
    (bits,) = (tmp_path / "out/unet").glob("same_bits*.json")
    rows = {(row["outputs"], row["against"]): row["equal bytes"] for row in json.loads(bits.read_text())["rows"]}
    assert rows["unet, deterministic", "called twice"]
    assert rows["unet, deterministic", "after a later task"]
