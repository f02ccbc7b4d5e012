"""`piggygan demo`: what it prints, and the page that it opens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from piggygan.cli import main
from piggygan.jobs.demo import DemoScale

TINY = DemoScale(size=32, width=2, facades=4, facades_kept_back=2, films=9, epochs=1, lungs_epochs=1)


def test_it_names_and_opens_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("piggygan.cli.demo.QUICK", TINY)
    monkeypatch.setattr("webbrowser.open", lambda uri: opened.append(uri) or True)
    assert main(["demo", "shown", "--quick"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "generating 4 facades, 2 to be scored on, and 9 chest films"
    assert any(line.startswith("facades after lungs: fine-tuning l1") for line in printed)
    assert printed[-1] == "page: shown/report.html"
    assert opened == []
    assert main(["demo", "shown", "--quick", "--open", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["page"] == "shown/report.html"
    assert found["lungs"]["draws_on"] == ["facades"]
    assert opened == [(tmp_path / "shown/report.html").as_uri()]
    assert main(["demo", "shown"]) == 2
    assert "another scale" in capsys.readouterr().err


def test_without_a_folder_it_goes_where_make_demo_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Path] = []

    class AskedError(Exception):
        pass

    def run(folder: Path, *_: object, **__: object) -> None:
        asked.append(folder)
        raise AskedError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("piggygan.cli.demo.run_demo", run)
    with pytest.raises(AskedError):
        main(["demo"])
    assert asked == [Path("runs/demo")]
