"""`make demo` sets up an environment with the torch of the machine, or keeps that of the one that it is given."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKE = shutil.which("make")
pytestmark = pytest.mark.skipif(MAKE is None, reason="no make here")

PYTHON = """#!/bin/sh
if [ "$1" = -c ]; then [ {code} = 0 ] && echo {torch}; exit {code}; fi
if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; exit; fi
echo "$@" >> {log}
case "$@" in *--index-url*) exit {reached};; esac
"""
FOR_PROCESSORS = (
    "-m pip install --quiet --retries 1 --no-deps --index-url https://download.pytorch.org/whl/cpu torch==2.13.0"
)


def make(*words: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    surroundings = {name: value for name, value in os.environ.items() if name not in {"TORCH", "VENV", "MAKEFLAGS"}}
    return subprocess.run(
        [str(MAKE), "-C", str(ROOT), *words],
        capture_output=True,
        text=True,
        check=False,
        env=surroundings | {"PATH": path},
    )


def program(folder: Path, torch: str, code: int = 0, reached: int = 0) -> Path:
    """A Python that notes what it is asked to do, and makes environments of itself."""
    folder.mkdir(parents=True)
    python = folder / "python"
    text = PYTHON.format(torch=torch, code=code, reached=reached, log=folder.parent / "log")
    python.write_text(text, encoding="utf-8")
    python.chmod(0o755)
    return python


def environment(folder: Path, torch: str, code: int = 0) -> Path:
    program(folder / "bin", torch, code)
    return folder


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def without_gpu(folder: Path) -> str:
    """A search path on which there is all that the Makefile calls, and no nvidia-smi."""
    folder.mkdir()
    for name in ("sh", "cat", "sed", "grep", "touch", "echo", "mkdir", "cp", "test"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return str(folder)


def test_without_a_gpu_the_small_torch_is_installed_first_and_then_kept(tmp_path: Path) -> None:
    python, own = program(tmp_path / "there", "torch==2.13.0+cpu"), tmp_path / "made"
    done = make("demo", f"OURS={own}", f"PYTHON={python}", path=without_gpu(tmp_path / "path"))
    assert done.returncode == 0, done.stderr
    torch, install, demo = lines(tmp_path / "log")
    assert torch == FOR_PROCESSORS
    assert install.startswith(f"-m pip install --quiet --constraint {own}/.piggygan-pins --editable .[dev,")
    assert demo == "-m piggygan.cli demo runs/demo"
    pins = lines(own / ".piggygan-pins")
    assert [pin for pin in pins if pin.startswith("torch==")] == ["torch==2.13.0+cpu"]
    assert [pin for pin in pins if pin.startswith("numpy==")]


def test_where_the_small_torch_cannot_be_reached_pypis_is_taken_and_that_is_said(tmp_path: Path) -> None:
    python, own = program(tmp_path / "there", "nothing", code=1, reached=1), tmp_path / "made"
    done = make("demo", f"OURS={own}", f"PYTHON={python}", path=without_gpu(tmp_path / "path"))
    assert done.returncode == 0, done.stderr
    assert "PyPI's is taken" in done.stdout
    assert lines(own / ".piggygan-pins")[0] == "torch==2.13.0"


def test_with_a_gpu_pypis_torch_comes_with_the_rest(tmp_path: Path) -> None:
    python, own = program(tmp_path / "there", "nothing", code=1), tmp_path / "made"
    smi = Path(path := without_gpu(tmp_path / "path")) / "nvidia-smi"
    smi.symlink_to(Path(path) / "echo")
    done = make("demo", f"OURS={own}", f"PYTHON={python}", path=path)
    assert done.returncode == 0, done.stderr
    install, _ = lines(tmp_path / "log")
    assert "--editable" in install
    assert lines(own / ".piggygan-pins")[0] == "torch==2.13.0"


def test_the_torch_that_one_asks_for_is_installed_and_kept_until_another_is_asked_for(tmp_path: Path) -> None:
    python, own = program(tmp_path / "there", "torch==2.12.1+cu130"), tmp_path / "made"
    words = "torch==2.12.1 --index-url https://example.org/cu130"
    path = without_gpu(tmp_path / "path")
    for asked in ([], [f"TORCH={words}"], [], [f"TORCH={words}"]):
        done = make(
            "demo",
            f"OURS={own}",
            f"PYTHON={python}",
            *asked,
            path=path,
        )
        assert done.returncode == 0, done.stderr
    assert [
        line.removeprefix("-m pip install --quiet ") for line in lines(tmp_path / "log") if "--index-url" in line
    ] == [
        FOR_PROCESSORS.removeprefix("-m pip install --quiet "),
        words,
    ]
    assert lines(own / ".piggygan-pins")[0] == "torch==2.12.1+cu130"


def test_in_an_environment_of_ones_own_torch_is_kept_as_it_is(tmp_path: Path) -> None:
    own = environment(tmp_path / "own", "torch==2.12.1+cu130")
    done = make("demo", f"VENV={own}")
    assert done.returncode == 0, done.stderr
    install, demo = lines(own / "log")
    assert lines(own / ".piggygan-pins") == ["torch==2.12.1+cu130"]
    assert install.startswith(f"-m pip install --quiet --constraint {own}/.piggygan-pins --editable")
    assert demo == "-m piggygan.cli demo runs/demo"


@pytest.mark.parametrize("given", ["", "/no/such/environment"])
def test_what_is_no_environment_is_refused(given: str) -> None:
    done = make("demo", f"VENV={given}")
    assert done.returncode != 0
    assert "has no bin/python" in done.stdout


def test_an_environment_without_torch_is_refused(tmp_path: Path) -> None:
    own = environment(tmp_path / "own", "nothing", code=1)
    done = make("demo", f"VENV={own}")
    assert "has no torch: install the one for your machine" in done.stdout
    assert not (own / "log").exists()


def test_a_torch_and_an_environment_that_keeps_its_own_are_refused(tmp_path: Path) -> None:
    own = environment(tmp_path / "own", "torch==2.12.1+cu130")
    done = make("demo", f"VENV={own}", "TORCH=torch==2.13.0")
    assert "give TORCH or VENV, not both" in done.stdout
    assert not (own / "log").exists()


def test_cleaning_never_touches_an_environment_of_ones_own(tmp_path: Path) -> None:
    assert make("-n", "clean", f"VENV={tmp_path}").stdout.count(str(tmp_path)) == 0
