"""All benchmarks in turn, here with scripts that do next to nothing."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import run_all
from benchmarks.run_all import Benchmark, Options

FOLDER = Path(run_all.__file__).parent
SCRIPT = """
import json, pathlib, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
machine = {"device": "a processor", "threads": 1, "torch": "2", "piggygan": "0", "python": "3"}
found = {"benchmark": "sound", "machine": machine, "rows": [{"what": given["--dtype"]}], "not_run": []}
pathlib.Path(given["--out"], "sound_" + given["--dtype"] + ".json").write_text(json.dumps(found))
"""


def programs() -> set[str]:
    """The modules of ``benchmarks`` that are started from the command line."""
    found = {
        ".".join(path.relative_to(FOLDER).with_suffix("").parts)
        for path in FOLDER.rglob("*.py")
        if "tyro.cli(" in path.read_text(encoding="utf-8")
    }
    return found - {"run_all", "first_look"}  # which start others


def test_all_means_all() -> None:
    assert set(run_all.BENCHMARKS) == programs()


def test_one_that_fails_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").touch()  # a package elsewhere on the path would be preferred
    (tmp_path / "benchmarks" / "broken.py").write_text("raise SystemExit(3)", encoding="utf-8")
    (tmp_path / "benchmarks" / "sound.py").write_text(SCRIPT, encoding="utf-8")
    monkeypatch.setattr(run_all, "ROOT", tmp_path)
    like = Benchmark(run_all._measured, has_precision=True)
    monkeypatch.setattr(run_all, "BENCHMARKS", {"broken": like, "sound": like})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    out = tmp_path / "docs" / "benchmarks"
    assert run_all.main(Options(dtypes=("fp32", "bf16"), out=out)) == 2
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


def test_the_page_of_the_repository_is_what_its_json_says(tmp_path: Path) -> None:
    committed = FOLDER.parent / "docs" / "benchmarks"
    for path in committed.glob("*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    run_all.write_page(tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == (committed / "README.md").read_text(encoding="utf-8")


def precisions(commands: list[list[str]]) -> list[tuple[str, str]]:
    return [(words[2], words[words.index("--dtype") + 1]) for words in commands]


def test_an_accelerator_is_measured_in_both_precisions_and_loading_once() -> None:
    commands, _ = run_all.jobs(Options(device="cuda", scripts=("speed.memory", "speed.loading")))
    assert precisions(commands) == [
        ("benchmarks.speed.memory", "fp32"),
        ("benchmarks.speed.memory", "bf16"),
        ("benchmarks.speed.loading", "fp32"),
    ]
    commands, _ = run_all.jobs(Options(scripts=("speed.memory",)))
    assert precisions(commands) == [("benchmarks.speed.memory", "fp32")]


def test_what_needs_data_that_are_not_there_is_left_out_and_said() -> None:
    commands, left_out = run_all.jobs(Options(facades=Path("f"), xrays=Path("x")))
    started = {words[2].removeprefix("benchmarks.") for words in commands}
    assert left_out == [
        "evidence.forgetting needs --windows DIR",
        "evidence.starts needs --windows DIR",
        "evidence.stored_precision needs --windows DIR",
        "evidence.across_sites needs --windows DIR",
        "evidence.course_report needs --films DIR",
    ]
    assert started == set(run_all.BENCHMARKS) - {line.split()[0] for line in left_out}


def test_a_benchmark_that_is_not_there_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"no benchmark speed\.of_light: there are speed\.floor"):
        run_all.jobs(Options(scripts=("speed.of_light",)))


def test_the_quick_run_lists_every_benchmark_and_runs_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_all.main(Options(quick=True, list=True, runs=tmp_path / "runs")) == 0
    printed = capsys.readouterr().out
    assert set(re.findall(r"^python -m benchmarks\.([\w.]+)", printed, flags=re.MULTILINE)) == programs()
    assert "not run" not in printed
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
@pytest.mark.parametrize("script", sorted(run_all.BENCHMARKS))
def test_the_quick_run_runs(script: str, tmp_path: Path) -> None:
    learned = ("evidence.forgetting",) if script == "evidence.starts" else ()
    options = Options(quick=True, scripts=(*learned, script), runs=tmp_path)
    assert run_all.main(options) == 0
    assert (tmp_path / "quick" / "README.md").is_file()


@pytest.mark.parametrize("script", ["speed.memory"])
def test_the_flags_that_are_handed_on_are_understood(script: str, tmp_path: Path) -> None:
    options = Options(device="xpu", scripts=(script,), dtypes=("fp32",), out=tmp_path, size=16, width=2)
    (command,), _ = run_all.jobs(replace(options, quick=True))
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=run_all.ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1].endswith("sees no xpu device here")
    assert sys.executable == command[0]
