"""piggygan data: what is printed, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from piggygan.cli import main
from piggygan.data.checking.finding import Finding
from piggygan.data.checking.inspecting import inspect
from piggygan.data.datasets import DATASETS, DatasetFolder
from piggygan.data.synthetic.xrays import write_xrays


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three films; they are inspected in this process, see tests/data/checking for the others."""

    def inspect_here(dataset: DatasetFolder, *_: object) -> list[Finding]:
        return [inspect(files, dataset.reader(channels=1), "salt") for files in dataset.files]

    monkeypatch.setattr("piggygan.data.checking.check.inspect_all", inspect_here)
    write_xrays(tmp_path / "xrays", 3, 64, seed=0)
    return tmp_path / "xrays"


def test_a_sound_folder_is_reported_and_passes_strictly(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", str(folder), "--strict"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("data set   images-with-masks (a folder of your own)\npairs      3, 3 usable\n")
    assert printed.out.endswith("nothing is wrong\n")
    assert printed.err == ""


def test_anything_wrong_is_code_1_only_if_strict(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    next(iter((folder / "masks").iterdir())).unlink()
    assert main(["data", "check", str(folder)]) == 0
    assert "has no mask" in capsys.readouterr().out
    assert main(["data", "check", str(folder), "--strict", "--json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert [problem["kind"] for problem in printed["problems"]] == ["incomplete"]
    assert printed["sizes"] == [{"width": 64, "height": 64, "images": 2}]


@pytest.mark.parametrize("called", ["labels", "Masks", "ground_truth", "seg"])
def test_masks_in_a_folder_of_another_name_are_not_taken_for_pictures_without_a_word(
    folder: Path, called: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "masks").rename(folder / called)
    assert main(["data", "check", str(folder), "--strict"]) == 1
    printed = capsys.readouterr().out
    assert "nothing is wrong" not in printed
    assert f"if '{called}' holds them, call that folder 'masks'" in printed


def test_pictures_in_folders_of_any_other_name_are_nothing_wrong(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "masks").rename(folder / "night")
    assert main(["data", "check", str(folder), "--strict"]) == 0
    assert capsys.readouterr().out.endswith("nothing is wrong\n")


def test_a_folder_that_cannot_be_checked_is_one_line_and_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in ([str(folder / "nowhere")], [str(folder), "--dataset", "mnist"], [str(folder), "--workers", "0"]):
        assert main(["data", "check", *arguments]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert main(["data", "check", str(folder), "--dataset", "montgomery"]) == 2
    assert "CXR_png" in capsys.readouterr().err


def test_the_list_says_where_to_get_every_published_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list"]) == 0
    printed = capsys.readouterr().out
    assert main(["data", "list", "--json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert list(described) == [name for name, kind in DATASETS.items() if kind.description]
    for name, one in described.items():
        assert f"{name}: {one['title']}, {one['pairs']} pairs" in printed
        assert one["source"] in printed
