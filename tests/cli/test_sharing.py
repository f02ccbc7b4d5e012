"""`piggygan push`, `pull` and `card`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import piggygan as pg
from piggygan.cli import main
from piggygan.registry import TaskRegistry


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2), "facades")
    registry = TaskRegistry(tmp_path / "clinic")
    for task in ("facades", "lungs"):
        if task == "lungs":
            model.add_task("lungs", out_channels=1)
        model.freeze_task(task)
        registry.commit(model, task)
    return tmp_path / "clinic"


def test_there_and_back(clinic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    share, there = f"file://{tmp_path}/share", str(tmp_path / "there")
    assert main(["push", str(clinic), share, "--task", "facades"]) == 0
    assert f"pushed to {share}: facades (" in capsys.readouterr().out
    assert "# facades" in (tmp_path / "share" / "README.md").read_text("utf-8")
    assert main(["push", str(clinic), share, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["tasks"] == ["lungs"]
    assert main(["pull", share, there, "--expect", said["digest"]]) == 0
    assert f"pulled from {share}: facades, lungs (" in capsys.readouterr().out
    assert main(["pull", share, there]) == 0
    assert "nothing was lacking" in capsys.readouterr().out
    assert main(["verify", there]) == 0


@pytest.mark.parametrize("words", [
    ["push", "CLINIC", "clinic"], ["push", "CLINIC", "file:///x", "--task", "lung"], ["push", "NOWHERE", "file:///x"],
    ["pull", "file:///no/where", "NOWHERE"], ["pull", "s3://bucket", "NOWHERE"], ["card", "NOWHERE"],
    ["card", "CLINIC", "--task", "lung"], ["card", "CLINIC", "--out", "CLINIC"],
])  # fmt: skip
def test_what_cannot_be_done_is_one_line(
    clinic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    places = {"CLINIC": str(clinic), "NOWHERE": str(tmp_path / "nowhere")}
    assert main([places.get(word, word) for word in words]) == 2
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1
    assert not (tmp_path / "nowhere").exists()


def test_a_card_is_printed_or_written(clinic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", str(clinic)]) == 0
    printed = capsys.readouterr().out
    assert main(["card", str(clinic), "--out", str(tmp_path / "README.md")]) == 0
    assert (tmp_path / "README.md").read_text("utf-8").strip() == printed.strip()
