"""What a check of a data set finds, and that it goes on whatever a file does."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piggygan.data.checking import DatasetReport, check_dataset
from piggygan.data.checking.finding import Finding
from piggygan.data.checking.inspecting import inspect
from piggygan.data.datasets import DatasetFolder, Montgomery, open_dataset
from piggygan.errors import ConfigurationError, DatasetError

Write = Callable[..., Path]
RANDOM = np.random.default_rng(5)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inspect in this process, which starts at once; what the other processes do has tests of its own below."""

    def inspect_here(dataset: DatasetFolder, *_: object) -> list[Finding]:
        reader = dataset.reader(channels=1)
        return [inspect(files, reader, "salt") for files in dataset.files]

    monkeypatch.setattr("piggygan.data.checking.check.inspect_all", inspect_here)


def film(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RANDOM.integers(0, 256, (10, 12), dtype=np.uint8)).save(path, format="PNG")


def mask(path: Path, values: list[int], size: tuple[int, int] = (12, 10)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.resize(np.array(values, dtype=np.uint8), (size[1], size[0]))
    Image.fromarray(pixels).save(path, format="PNG")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six sound films with masks, two sides, three patients."""
    folder = tmp_path / "set"
    for name in "abcdef":
        film(folder / "images" / f"{name}.png")
        mask(folder / "masks" / f"{name}.png", [0, 255])
    (folder / "splits.json").write_text(json.dumps({"train": list("abcd"), "test": list("ef")}))
    patients = {"a": "p1", "b": "p1", "c": "p2", "d": "p2", "e": "p3", "f": "p3"}
    (folder / "patients.json").write_text(json.dumps(patients))
    return folder


def kinds(report: DatasetReport) -> dict[str, list[tuple[str, ...]]]:
    found: dict[str, list[tuple[str, ...]]] = {}
    for problem in report.problems:
        found.setdefault(problem.kind, []).append(problem.names)
    return found


@pytest.mark.usefixtures("here")
def test_a_sound_folder_has_no_problems(folder: Path) -> None:
    report = check_dataset(open_dataset(folder))
    assert report.problems == ()
    assert (report.pairs, report.usable, report.patients) == (6, 6, 3)
    assert report.sides == {"train": 4, "test": 2}
    assert report.sizes == {(12, 10): 6}
    assert report.bits == {8: 6}
    assert str(report).endswith("nothing is wrong")
    json.dumps(report.as_dict())


@pytest.mark.usefixtures("here")
def test_a12_a13_a17_masks_that_cannot_be_meant_are_found(folder: Path) -> None:
    mask(folder / "masks/a.png", [0, 1, 2])
    mask(folder / "masks/b.png", [0, 255], size=(10, 12))
    mask(folder / "masks/c.png", [0])
    mask(folder / "masks/d.png", [255])
    (folder / "masks/e.png").unlink()
    film(folder / "images/g.png")
    report = check_dataset(open_dataset(folder))
    assert kinds(report) == {
        "mask values": [("a",)],
        "mask size": [("b",)],
        "empty mask": [("c",), ("d",)],
        "incomplete": [("e",), ("g",)],
        "not in the folder": [("e",)],
    }
    assert report.usable == 3


@pytest.mark.usefixtures("here")
@pytest.mark.filterwarnings("ignore:A PNG of 16 bits")
def test_16_16_twelve_bits_in_sixteen_are_found(folder: Path) -> None:
    values = np.linspace(0, 4095, 120).reshape(10, 12).astype(np.uint16)
    Image.fromarray(values).save(folder / "images/a.png")
    Image.fromarray(values * 16).save(folder / "images/b.png")
    report = check_dataset(open_dataset(folder))
    assert kinds(report) == {"narrow range": [("a",)]}
    assert "uses 12 of them" in report.problems[0].text
    assert report.usable == 6


@pytest.mark.usefixtures("here")
def test_the_same_picture_twice_is_found_whatever_its_file(folder: Path) -> None:
    with Image.open(folder / "images/a.png") as image:
        image.save(folder / "images/e.png", compress_level=0)
        image.save(folder / "images/b.png", compress_level=1)
    report = check_dataset(open_dataset(folder))
    assert kinds(report) == {"duplicate images": [("a", "b", "e")]}
    assert report.problems[0].text == "the same pixels, on sides test and train"


@pytest.mark.usefixtures("here")
def test_a_patient_on_two_sides_is_found_and_not_named(folder: Path) -> None:
    (folder / "splits.json").write_text(json.dumps({"train": list("abce"), "test": ["f"]}))
    report = check_dataset(open_dataset(folder))
    assert kinds(report) == {"patient on two sides": [("e", "f")], "on no side": [("d",)]}
    assert "p3" not in json.dumps(report.as_dict())


@pytest.mark.usefixtures("here")
def test_an_empty_mask_of_one_lung_is_found_though_the_other_has_one(tmp_path: Path) -> None:
    for name in "ab":
        film(tmp_path / "CXR_png" / f"{name}.png")
        mask(tmp_path / "ManualMask/leftMask" / f"{name}.png", [0, 255])
        mask(tmp_path / "ManualMask/rightMask" / f"{name}.png", [0, 255] if name == "a" else [0])
    report = check_dataset(Montgomery(tmp_path))
    assert kinds(report) == {"count": [()], "empty mask": [("b",)]}
    assert report.problems[0].text == "there are 2 pairs, 138 are expected"
    assert report.problems[1].text == "rightMask has no foreground"


@pytest.mark.usefixtures("here")
def test_b24_b25_what_films_say_is_counted(tmp_path: Path, write_dicom: Write) -> None:
    for number, attributes in enumerate(
        [
            {"Modality": "DX", "ViewPosition": "PA", "BodyPartExamined": "CHEST", "BurnedInAnnotation": "YES"},
            {"Modality": "CR", "LossyImageCompression": "01", "BitsStored": 12},
        ]
    ):
        pixels = RANDOM.integers(0, 4096, (8, 9), dtype=np.uint16)
        write_dicom(pixels, name=f"{number}.dcm", **attributes)
    report = check_dataset(open_dataset(tmp_path))
    assert report.dataset == "pictures"
    assert report.modalities == {"DX": 1, "CR": 1}
    assert report.views == {"PA": 1, "not stated": 1}
    assert report.body_parts == {"CHEST": 1, "not stated": 1}
    assert report.bits == {16: 1, 12: 1}
    assert report.was_lossy == 1
    assert report.patients == 1
    assert kinds(report) == {"burned-in text": [("0.dcm",)]}


@pytest.mark.usefixtures("here")
def test_a_patient_of_dicom_files_is_known_by_its_identifier(folder: Path, write_dicom: Write) -> None:
    (folder / "patients.json").unlink()
    for name, patient in (("a", "one"), ("b", "one"), ("e", "one"), ("f", "two")):
        pixels = RANDOM.integers(0, 255, (10, 12), dtype=np.uint8)
        path = write_dicom(pixels, PatientID=patient)
        (folder / "images" / f"{name}.png").unlink()
        shutil.move(path, folder / "images" / f"{name}.dcm")
    assert kinds(check_dataset(open_dataset(folder))) == {"patient on two sides": [("a", "b", "e")]}


@pytest.fixture
def hostile(folder: Path, write_dicom: Write) -> Path:
    """Files of all sorts in one folder, each named after what it is."""
    sources = {"cut": (folder / "images/a.png").read_bytes()[:60], "text": b"no picture", "empty": b""}
    for name, content in sources.items():
        (folder / "images" / f"{name}.png").write_bytes(content)
    os.mkfifo(folder / "images" / "pipe.png")
    (folder / "images" / "link.png").symlink_to("nowhere")
    (folder / "images" / "folder.png").mkdir()
    film(folder / "images" / "two\nlines.png")
    film(folder / "images" / os.fsdecode(b"\xff.png"))
    planted = write_dicom(RANDOM.integers(0, 255, (10, 12), dtype=np.uint8))
    shutil.move(planted, folder / "images" / "planted.dcm")
    cut = write_dicom(RANDOM.integers(0, 255, (10, 12), dtype=np.uint8)).read_bytes()
    (folder / "images" / "cut_planted.dcm").write_bytes(cut[:-40])
    for entry in sorted((folder / "images").iterdir()):
        mask(folder / "masks" / f"{entry.stem}.png", [0, 255])
    (folder / "splits.json").unlink()
    return folder


def test_a01_a03_a18_a19_b23_processes_read_what_can_be_read_and_name_the_rest(hostile: Path) -> None:
    counted: list[None] = []
    report = check_dataset(open_dataset(hostile), workers=2, advance=lambda: counted.append(None))
    unusable = {"cut", "text", "empty", "pipe", "link", "folder", "cut_planted"}
    assert {names[0] for names in kinds(report)["unreadable"]} == unusable
    assert set(kinds(report)) == {"unreadable"}
    assert (report.pairs, report.usable) == (16, 9)
    assert len(counted) == 16
    printed = str(report) + json.dumps(report.as_dict())
    assert "Planted" not in printed
    assert "PLANTED" not in printed
    printed.encode()


def test_b17_a_process_that_dies_costs_one_file(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # No decoder crashes when asked to; a program that speaks as the child does, and dies at one film, stands in.
    program = tmp_path / "python"
    program.write_text(
        "#!/usr/bin/env python3\n"
        "import json, os, sys\n"
        "print('{}', flush=True)\n"
        "for line in sys.stdin:\n"
        "    name = json.loads(line)['name']\n"
        "    if name == 'c': os.kill(os.getpid(), 11)\n"
        "    print(json.dumps({'name': name, 'faults': []}), flush=True)\n"
    )
    program.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(program))
    report = check_dataset(open_dataset(folder), workers=2)
    assert [(problem.names, problem.text) for problem in report.problems] == [
        (("c",), "its decoder crashed (signal 11)")
    ]
    assert report.usable == 5


def test_processes_that_cannot_start_are_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(DatasetError, match="could not be started"):
        check_dataset(open_dataset(folder), workers=1)


def test_no_process_at_all_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="workers is 0"):
        check_dataset(open_dataset(folder), workers=0)


@pytest.mark.usefixtures("here")
def test_h08_a_name_cannot_write_lines_of_its_own(folder: Path) -> None:
    (folder / "images" / "x\n\x1b[31mall is well.png").write_text("no picture")
    mask(folder / "masks" / "x\n\x1b[31mall is well.png", [0, 255])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        printed = str(check_dataset(open_dataset(folder)))
    assert "\x1b" not in printed
    assert not any(line.startswith("all is well") for line in printed.splitlines())


@pytest.mark.usefixtures("here")
def test_the_real_films_with_masks_have_nothing_wrong(shared_data: Path) -> None:
    report = check_dataset(open_dataset(shared_data / "covid_cxr"))
    assert report.problems == ()
    assert (report.usable, report.patients) == (74, 45)


def test_two_folders_and_masks_of_several_classes_are_checked_by_processes(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / "pairs/A").mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / f"pairs/A/{number}.npy", RANDOM.integers(0, 256, (10, 12, 5), dtype=np.uint8))
        mask(tmp_path / f"pairs/B/{number}.png", [0, 0])  # black: a picture, and no mask
        film(tmp_path / f"films/images/{number}.png")
        mask(tmp_path / f"films/masks/{number}.png", [0, 1, 2])
    mask(tmp_path / "pairs/B/1.png", [1], (3, 3))
    report = check_dataset(open_dataset(tmp_path / "pairs"), workers=1)
    assert (report.dataset, report.usable, kinds(report)) == ("two-folders", 1, {"mask size": [("1",)]})
    assert kinds(check_dataset(open_dataset(tmp_path / "films"), workers=1)) == {"mask values": [("0",), ("1",)]}
    assert check_dataset(open_dataset(tmp_path / "films"), workers=1, classes=[(1,), (2,)]).problems == ()
