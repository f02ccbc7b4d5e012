"""piggygan report: one page, and where it is."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path

import pytest
import torch

import piggygan as pg
from piggygan.cli import main


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=2, width=4), "facades")
    model.freeze_task("facades")
    pg.TaskRegistry(tmp_path / "exp/registry").commit(model, "facades", image_size=16)
    return tmp_path / "exp"


def test_it_writes_the_page_and_says_where(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(clinic)]) == 0
    assert capsys.readouterr().out == f"report: {clinic}/report.html\n"
    assert "1 task in one network" in (clinic / "report.html").read_text()
    assert main(["report", str(clinic), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"report": f"{clinic}/report.html"}


def test_it_opens_the_page_where_there_is_a_browser_and_says_where_there_is_none(
    clinic: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or len(opened) == 1)
    assert main(["report", str(clinic), "--open"]) == 0
    assert opened == [(clinic / "report.html").as_uri()]
    assert capsys.readouterr().err == ""
    assert main(["report", str(clinic), "--open"]) == 0
    assert "no browser can be opened here" in capsys.readouterr().err


def test_the_same_folder_suits_every_other_command(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("tasks", "verify"):
        assert main([command, str(clinic)]) == 0
        assert "facades" in capsys.readouterr().out


def test_nothing_to_report_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "nowhere")]) == 2
    assert "holds no task: train one first" in capsys.readouterr().err
