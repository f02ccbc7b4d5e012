"""`piggygan measure`: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piggygan.cli import main
from piggygan.terminal.about import INTENDED_USE


@pytest.fixture
def masks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lungs = np.zeros((10, 20), dtype=np.uint8)
    lungs[2:8, 1:7] = lungs[2:8, 13:19] = 255
    for kind, mask in (("lungs", lungs), ("hearts", 255 - lungs), ("grey", np.arange(200, dtype=np.uint8))):
        (tmp_path / kind).mkdir()
        Image.fromarray(mask.reshape(10, 20)).save(tmp_path / kind / "a.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_ratios_and_areas_are_summed_up_in_lines(masks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", "lungs", "--hearts", "hearts", "--out", "out"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "cardiothoracic ratio of 1 films: 1.111 to 1.111, median 1.111",
        "1 measured, 0 of them in mm2, 0 refused: 'out/measurements.csv'",
    ]
    assert printed.err == f"piggygan: {INTENDED_USE}\n"
    assert (masks / "out/measurements.csv").is_file()
    assert main(["measure", "lungs", "--out", "two", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((masks / "two/summary.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "--out", "out"], "Looked for masks in 'nowhere'"),
        (["lungs", "--out", "hearts"], "'hearts' is not empty"),
        (["lungs", "--out", "out", "--dicom-sr"], "give what predict wrote"),
        (["lungs", "--out", "out", "--patient", "pseudonym"], "--patient-key"),
    ],
)
def test_a_refusal_is_one_line_and_code_2_and_makes_nothing(
    masks: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    before = sorted(masks.rglob("*"))
    assert main(["measure", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert message in printed.err
    assert sorted(masks.rglob("*")) == before


def test_nothing_measured_is_code_2(masks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", "grey", "--out", "out"]) == 2
    refused, total = capsys.readouterr().out.splitlines()
    assert refused.startswith("refused: 'a': ")
    assert total == "0 measured, 0 of them in mm2, 1 refused: nothing is written"
    assert not (masks / "out").exists()
