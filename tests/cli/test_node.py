"""`piggygan node`: what it says before it listens, and that a signal ends it in order."""

from __future__ import annotations

import importlib.util
import logging
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from piggygan.cli import main
from piggygan.cli.node import _print_own_log
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


def test_the_log_is_what_the_node_says_and_nothing_of_what_libraries_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = logging.getLogger("piggygan.node")
    for name, value in (("handlers", []), ("level", log.level), ("propagate", True)):
        monkeypatch.setattr(log, name, value)
    with warnings.catch_warnings():
        _print_own_log()
        log.warning("12 masks wait")
        for library in ("pydicom.valuerep", "highdicom.base", "pynetdicom.dimse"):
            logging.getLogger(library).info("1.2.840.99")
        warnings.warn("1.2.840.99", stacklevel=1)
    said = capsys.readouterr().err
    assert said.count("12 masks wait") == 1
    assert "1.2.840.99" not in said


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
