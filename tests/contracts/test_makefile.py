"""`make demo` sets up an environment of its own, or keeps the torch of the one that it is given."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKE = shutil.which("make")
pytestmark = pytest.mark.skipif(MAKE is None, reason="no make here")

PYTHON = """#!/bin/sh
if [ "$1" = -c ]; then echo {torch}; exit {code}; fi
echo "$@" >> {log}
"""


def make(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(MAKE), "-C", str(ROOT), *words], capture_output=True, text=True, check=False)


def environment(folder: Path, torch: str, code: int = 0) -> Path:
    """An environment whose Python notes what it is asked to do."""
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text(PYTHON.format(torch=torch, code=code, log=folder / "log"), encoding="utf-8")
    python.chmod(0o755)
    return folder


def test_in_an_environment_of_ones_own_torch_is_kept_as_it_is(tmp_path: Path) -> None:
    own = environment(tmp_path / "own", "torch==2.12.1+cu130")
    done = make("demo", f"VENV={own}")
    assert done.returncode == 0, done.stderr
    install, demo = (own / "log").read_text(encoding="utf-8").splitlines()
    assert (own / ".piggygan-torch").read_text(encoding="utf-8") == "torch==2.12.1+cu130\n"
    assert install.startswith(f"-m pip install --quiet --constraint {own}/.piggygan-torch --editable")
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


def test_cleaning_never_touches_an_environment_of_ones_own(tmp_path: Path) -> None:
    assert make("-n", "clean", f"VENV={tmp_path}").stdout.count(str(tmp_path)) == 0
