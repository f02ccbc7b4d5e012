"""The same formats, led by what a forged file reaches; needs atheris, which is no part of `make`."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = 60


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris is not installed: pip install -e '.[fuzz]'"
)
@pytest.mark.parametrize("name", ["manifest", "task_file", "pth"])
def test_no_forged_file_that_reaches_new_code_breaks_a_promise(name: str) -> None:
    command = [sys.executable, "-m", "tests.fuzz.guided", name, str(SECONDS)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=10 * SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "cov:" in done.stderr  # code was instrumented, and reached
