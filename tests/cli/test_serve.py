"""`piggygan serve`: what it says before it serves, and that it serves a run's folder until a signal ends it."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import torch

from piggygan.cli import main
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry


@pytest.fixture
def run(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4, out_channels=1), "lungs")
    model.freeze_task("lungs")
    TaskRegistry(tmp_path / "run/registry").commit(model, "lungs", image_size=16)
    return tmp_path / "run"


def test_the_folder_of_a_run_is_served_until_a_signal_ends_it(run: Path) -> None:
    command = [sys.executable, "-m", "piggygan.cli", "serve", str(run), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().removeprefix("serving ").strip()
        with urllib.request.urlopen(f"{address}api/tasks", timeout=30) as answer:  # noqa: S310  # ours
            assert json.load(answer)["tasks"][0]["name"] == "lungs"
        server.send_signal(signal.SIGTERM)
        _, said = server.communicate(timeout=30)
    assert server.returncode == -signal.SIGTERM
    assert "Traceback" not in said


def test_what_cannot_be_served_is_one_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("0123456789abcdef")
    os.chmod(token, 0o644)  # noqa: PTH101  # which is what is refused
    for words, said in (
        ([str(tmp_path / "nowhere")], "no registry"),
        ([str(run), "--token-file", str(token)], "chmod 600"),
        ([str(run), "--host", "0.0.0.0"], "--allow-anyone"),  # noqa: S104  # which is refused
        ([str(run), "--requests", "0"], "requests is 0"),
    ):
        assert main(["serve", *words]) == 2
        *_, line = capsys.readouterr().err.splitlines()
        assert line.startswith("piggygan: ")
        assert said in line
    for file in (run / "registry/objects").iterdir():
        file.write_bytes(b"")
    assert main(["serve", str(run), "--port", "0"]) == 2  # which was seen while it served
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith("piggygan: task 'lungs' cannot be loaded: objects/")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "uvicorn" else find(name, *rest)
    )
    assert main(["serve", str(run)]) == 2
    assert "pip install 'piggygan[serve]'" in capsys.readouterr().err


def test_a_command_loads_nothing_that_another_needs() -> None:
    """Half of the time that a server took to start were statistics, figures and training."""
    code = """if True:
        import sys, piggygan.cli
        print(*(name for name in sys.modules))
        import piggygan.cli.serve, piggygan.server.serving
        print(*(name for name in sys.modules))"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    bare, served = (set(line.split()) for line in result.stdout.splitlines())
    assert not {"starlette", "uvicorn", "scipy", "pydicom", "piggygan.jobs"} & bare
    assert not {"accelerate", "matplotlib", "scipy", "jinja2", "highdicom", "pynetdicom"} & served
