"""`piggygan node`: what it says before it listens, and that a signal ends it in order."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from piggygan.cli import main
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry

TO = ("--destination", "ARCHIVE@127.0.0.1:104")


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4, out_channels=1), "lungs")
    model.freeze_task("lungs")
    TaskRegistry(tmp_path / "clinic").commit(model, "lungs", image_size=16)
    return tmp_path / "clinic"


def test_a_node_listens_until_a_signal_ends_it(clinic: Path, tmp_path: Path) -> None:
    pytest.importorskip("pynetdicom")
    pytest.importorskip("highdicom")
    words = ["node", str(clinic), "--task", "lungs", "--queue", str(tmp_path / "queue"), "--port", "0", *TO]
    command = [sys.executable, "-m", "piggygan.cli", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as node:
        assert node.stdout is not None
        assert node.stdout.readline().startswith("listening as PIGGYGAN@127.0.0.1:")
        node.send_signal(signal.SIGTERM)
        _, said = node.communicate(timeout=60)
    assert node.returncode == 0
    assert "ended; 0 films wait" in said
    assert "Traceback" not in said


def test_what_cannot_run_is_one_line(
    clinic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ["node", str(clinic), "--queue", str(tmp_path / "queue"), *TO]
    for words, said in (
        ([], "--task"),
        (["--task", "lungs", "--rules", "rules.toml"], "not both"),
        (["--rules", "nowhere.toml"], "cannot be read"),
        (["--task", "lungs", "--title", "a title that is too long"], "no AE title"),
        (["--task", "lungs", "--host", "0.0.0.0"], "--allow"),  # noqa: S104  # which is refused
    ):
        assert main([*own, *words]) == 2
        assert said in capsys.readouterr().err
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "pynetdicom" else find(name, *rest)
    )
    assert main([*own, "--task", "lungs"]) == 2
    assert "pip install 'piggygan[node,medical]'" in capsys.readouterr().err
    assert not (tmp_path / "queue").exists()
