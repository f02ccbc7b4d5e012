"""`piggygan predict`: what it prints, its exit codes, and that a refusal makes nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.cli import main
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry
from piggygan.terminal.about import INTENDED_USE


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a registry, and a folder of two films and a file that is none; be where they are."""
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4, out_channels=1), "lungs")
    model.freeze_task("lungs")
    TaskRegistry(tmp_path / "clinic").commit(model, "lungs")
    (tmp_path / "films").mkdir()
    for name in ("a", "b"):
        Image.fromarray(np.full((20, 30), 90, dtype=np.uint8)).save(tmp_path / f"films/{name}.png")
    (tmp_path / "films/\x1b[2Jc\n.png").write_bytes(b"no image")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def predict(*arguments: str) -> int:
    return main(["predict", "clinic", "films", "--task", "lungs", "--out", "out", "--size", "16", *arguments])


def test_h08_what_came_of_it_is_printed_and_no_name_moves_the_cursor(
    clinic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert predict() == 0
    printed = capsys.readouterr()
    refused, total = printed.out.splitlines()
    assert refused.startswith("refused: 'films/\\x1b[2Jc\\n.png' is not a PNG or JPEG")
    assert total == "2 predicted, 1 refused: 'out'"
    assert printed.err == f"piggygan: {INTENDED_USE}\n"
    assert "\x1b" not in printed.out + printed.err
    assert {path.name for path in (clinic / "out/masks").iterdir()} == {"a.png", "b.png"}


def test_json_is_what_the_summary_says(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict("--json", "--fit", "pad", "--batch-size", "1") == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((clinic / "out/summary.json").read_text())
    assert found["intended_use"] == INTENDED_USE
    assert (found["options"]["fit"], found["options"]["size"]) == ("pad", 16)
    assert [len(found["predicted"]), len(found["refused"])] == [2, 1]


@pytest.mark.usefixtures("clinic")
def test_a_refused_file_is_an_exit_code_only_if_that_was_asked() -> None:
    assert predict("--strict") == 1
    assert main(["predict", "clinic", "films/a.png", "films/b.png", "--task", "lungs", "--out", "two", "--size", "16",
                 "--strict"]) == 0  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "clinic", "films", "--task", "lung", "--out", "out"], "did you mean 'lungs'"),
        (["predict", "nowhere", "films", "--task", "lungs", "--out", "out"], "there is no registry in"),
        (["predict", "clinic", "films", "--task", "lungs", "--out", "films"], "nothing is overwritten"),
        (["predict", "clinic", "--task", "lungs", "--out", "out"], "no files are given"),
        (["predict", "clinic", "clinic", "--task", "lungs", "--out", "out"], "has no image"),
        (
            ["predict", "clinic", "films", "--task", "lungs", "--out", "out", "--size", "15"],
            "cannot predict at --size 15",
        ),
        (["predict", "clinic", "films", "--task", "lungs", "--out", "out", "--device", "gpu"], "such as cpu, cuda for"),
        (
            ["predict", "clinic", "films", "--task", "lungs", "--out", "out", "--device", "meta"],
            "such as cpu, cuda for",
        ),
        (["predict", "clini", "films", "--task", "lungs", "--out", "out"], "clini (no registry.json): check the path"),
    ],
)
def test_a_refusal_is_one_line_and_code_2_and_makes_nothing(
    clinic: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    before = sorted(clinic.rglob("*"))
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert message in printed.err
    assert sorted(clinic.rglob("*")) == before


def test_the_help_says_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert INTENDED_USE in " ".join(capsys.readouterr().out.split())


def test_16_17_nothing_predicted_is_code_2_and_the_next_try_is_not_refused(
    clinic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--task", "lungs", "--out", "new/out", "--size", "16", "--no-untrusted"]
    assert main(["predict", "clinic", "/no/such/folder", *arguments]) == 2
    refused, total = capsys.readouterr().out.splitlines()
    assert refused == "refused: '/no/such/folder' could not be opened: No such file or directory."
    assert total == "0 predicted, 1 refused: nothing is written"
    assert not (clinic / "new").exists()
    assert main(["predict", "clinic", "films", *arguments]) == 0


def test_16_16_what_is_passed_by_is_said(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("scan.svg", "scan.gif"):
        (clinic / "films" / name).write_bytes(b"II*")
    (clinic / "films/below").mkdir()
    assert predict() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == ("passed by: 'films/below': is a folder; folders below the one that is given are not searched")
    assert lines[2] == "passed by: 'films/scan.gif' and 1 more: is not called as a picture is, and is no DICOM file"


def test_without_highdicom_films_are_refused_at_once_with_the_option_that_goes_on(
    clinic: Path,
    write_film: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_film(clinic / "films/c.dcm", np.full((20, 30), 90, dtype=np.uint16))
    monkeypatch.setitem(sys.modules, "highdicom", None)  # as a plain `pip install piggygan` leaves it
    with monkeypatch.context() as patched:
        patched.setattr("piggygan.prediction.making.read_film", lambda *_: pytest.fail("a film was read"))
        assert predict() == 2
    assert capsys.readouterr().err == (
        "piggygan: A DICOM Segmentation beside the mask of a film, which --no-dicom-seg leaves out, needs highdicom: "
        "pip install 'piggygan[medical]'.\n"
    )
    assert not (clinic / "out").exists()
    assert predict("--no-dicom-seg") == 0
    assert (clinic / "out/masks/c.png").is_file()


def test_a_mask_that_is_not_as_required_is_said_and_strictly_an_exit_code(
    clinic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert predict("--require", "area>=1,parts>=99", "--measure") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["refused", "doubtful", "doubtful", "2 predicted, 1 refused"]
    assert lines[1].startswith("doubtful: 'films/a.png': The mask")
    assert "required is area>=1,parts>=99." in lines[1] or "required is parts>=99." in lines[1]
    found = json.loads((clinic / "out/summary.json").read_text())["predicted"][0]["findings"]
    assert [finding["name"] for finding in found] == ["area", "parts", "left", "border", "area_pixels", "as_required"]
    arguments = ["predict", "clinic", "films/a.png", "--task", "lungs", "--size", "16", "--strict"]
    assert main([*arguments, "--out", "two", "--require", "area>=1,parts>=99"]) == 1
    assert main([*arguments, "--out", "three", "--require", "area>=0"]) == 0
    capsys.readouterr()
    assert main([*arguments, "--out", "four", "--require", "part<=2"]) == 2
    assert "did you mean 'parts'" in capsys.readouterr().err
    assert not (clinic / "four").exists()
