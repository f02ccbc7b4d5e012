"""Where the command puts what it writes, and what it leaves alone."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
import torch

from piggygan.cli import main
from piggygan.data.synthetic.xrays import write_xrays
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run with one task of masks, and films to score it on."""
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4, out_channels=1), "lungs")
    model.freeze_task("lungs")
    TaskRegistry(tmp_path / "exp/registry").commit(model, "lungs", image_size=16)
    write_xrays(tmp_path / "films", 4, 32, seed=0)
    (tmp_path / "films/splits.json").write_text('{"train": ["000", "001"], "test": ["002", "003"]}')
    monkeypatch.chdir(tmp_path)
    return tmp_path / "exp"


def test_each_evaluation_has_a_folder_of_its_own_beside_the_registry(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in (run / "registry").rglob("*"))
    for number in ("001", "002"):
        assert main(["evaluate", "exp", "--task", "lungs", "--data", "films", "--json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        assert printed["out"] == f"exp/tasks/lungs/evaluations/{number}"
        written = json.loads((run / f"tasks/lungs/evaluations/{number}/summary.json").read_text())
        assert written["cases"] == printed["cases"]
        assert [case["name"] for case in printed["cases"]] == ["002", "003"]
        assert printed["unit"] == "mm"  # as the films say
    assert sorted(path.name for path in (run / "registry").rglob("*")) == before


def test_of_a_bare_registry_nothing_is_written_into_it(run: Path, tmp_path: Path) -> None:
    (run / "registry").rename(tmp_path / "bare")
    assert main(["evaluate", "bare", "--task", "lungs", "--data", "films"]) == 0
    assert (tmp_path / "bare-work/tasks/lungs/evaluations/001/index.html").is_file()
    assert not (tmp_path / "bare/tasks").exists()


def test_a_registry_that_is_not_the_expected_one_is_not_evaluated(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "exp", "--task", "lungs", "--data", "films", "--expect", "sha256:" + "0" * 64]
    assert main(words) == 2
    assert "registry.json" in capsys.readouterr().err
    assert not (run / "tasks").exists()


def test_what_cannot_be_scored_is_listed_and_fails_a_strict_run_only(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    masks = run.parent / "films/masks"
    (run.parent / "films/splits.json").unlink()
    (masks / "003.png").write_bytes((masks / "003.png").read_bytes()[:-30])
    (masks / "002.png").unlink()
    words = ["evaluate", "exp", "--task", "lungs", "--images", "films/images", "--masks", "films/masks"]
    codes = [main(words), main([*words, "--strict"])]
    printed, said = capsys.readouterr()
    assert codes == [0, 1], said
    assert "not scored: '002': has no mask" in printed
    assert "not scored: '003': " in printed
    assert "2 files scored" in printed


OWN = """
from torch import nn


def generator(in_channels, out_channels):
    return nn.Sequential(nn.Conv2d(in_channels, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, out_channels, 1))
"""


@pytest.mark.usefixtures("run")
def test_a_network_of_ones_own_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my_evaluated_network.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    own = importlib.import_module("my_evaluated_network").generator(3, 1)
    model = MultiTaskGenerator(own, "lungs")
    model.freeze_task("lungs")
    TaskRegistry(tmp_path / "own").commit(model, "lungs", image_size=16)
    words = ["evaluate", "own", "--task", "lungs", "--data", "films"]
    assert main([*words, "--net", "my_evaluated_network:generator"]) == 0
    assert main(words) == 2
    assert "--net module:function" in capsys.readouterr().err
