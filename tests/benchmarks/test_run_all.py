"""All benchmarks in turn, here with scripts that do next to nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import run_all

SCRIPT = """
import json, pathlib, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
machine = {"device": "a processor", "threads": 1, "torch": "2", "piggygan": "0", "python": "3"}
found = {"benchmark": NAME, "machine": machine, "rows": [{"what": given["--dtype"]}], "not_run": []}
pathlib.Path(given["--out"], NAME + "_" + given["--dtype"] + ".json").write_text(json.dumps(found))
"""


def test_one_that_fails_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.py").write_text("raise SystemExit(3)", encoding="utf-8")
    (tmp_path / "sound.py").write_text(f"NAME = 'sound'{SCRIPT}", encoding="utf-8")
    monkeypatch.setattr(run_all, "FOLDER", tmp_path)
    out = tmp_path / "docs" / "benchmarks"
    options = run_all.Options(scripts=("broken", "sound"), dtypes=("fp32", "bf16"), out=out)
    assert run_all.main(options) == 2
    page = (out / "README.md").read_text(encoding="utf-8")
    assert page.startswith("# Benchmarks\n")
    assert page.count("## sound") == 2
    assert "| fp32 |" in page
    assert "| bf16 |" in page


def test_the_page_keeps_what_other_machines_left(tmp_path: Path) -> None:
    machine = {"device": "a GPU", "threads": 16, "torch": "2", "piggygan": "0", "python": "3"}
    for name in ("b", "a"):
        found = {"benchmark": name, "machine": machine, "rows": [], "not_run": ["x: y"]}
        (tmp_path / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")
    run_all.write_page(tmp_path)
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert page.index("## a") < page.index("## b")
    assert page.count("a GPU, 16 threads") == 2


def test_an_accelerator_is_measured_in_both_precisions_and_loading_once() -> None:
    assert run_all.jobs(run_all.Options(device="cuda", scripts=("memory", "loading"))) == [
        ("memory", "fp32"),
        ("memory", "bf16"),
        ("loading", "fp32"),
    ]
    assert run_all.jobs(run_all.Options(scripts=("memory",))) == [("memory", "fp32")]


@pytest.mark.parametrize("script", ["memory"])
def test_the_flags_that_are_handed_on_are_understood(script: str, tmp_path: Path) -> None:
    options = run_all.Options(device="xpu", scripts=(script,), dtypes=("fp32",), out=tmp_path, size=16, width=2)
    command = run_all._command(script, "fp32", options)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1].endswith("sees no xpu device here")
    assert sys.executable == command[0]
