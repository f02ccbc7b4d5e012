"""From folders to sides: every form, every way to divide, and what people do wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from piggygan.data import PairDataset, UnpairedDataset, read_splits
from piggygan.data.augmentation import PairAugmentation
from piggygan.data.splits import write_splits
from piggygan.data.synthetic.xrays import write_xrays
from piggygan.errors import ConfigurationError, DatasetError, PairError
from piggygan.jobs.data import DataConfig, TaskData, open_task_data, open_test_data

RANDOM = np.random.default_rng(0)


def photo(side: int = 16, bands: int = 3) -> np.ndarray[Any, Any]:
    picture = RANDOM.integers(0, 256, (side, side, bands), dtype=np.uint8)
    return picture[..., 0] if bands == 1 else picture


def labels(side: int = 16) -> np.ndarray[Any, Any]:
    painted = np.zeros((side, side, 3), np.uint8)
    painted[: side // 2] = (0, 128, 255)
    return painted


def mask(side: int = 16, share: float = 0.25, white: int = 255) -> np.ndarray[Any, Any]:
    drawn = np.zeros((side, side), np.uint8)
    drawn[: round(side * share)] = white
    return drawn


def saved(path: Path, values: np.ndarray[Any, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def side_by_side(folder: Path, counts: dict[str, int]) -> Path:
    for side, count in counts.items():
        for number in range(count):
            saved(folder / side / f"{number}.png", np.concatenate([photo(), labels()], axis=1))
    return folder


def two_folders(folder: Path, count: int = 10, first: str = "A", second: str = "B") -> Path:
    for number in range(count):
        saved(folder / first / f"{number}.png", photo())
        saved(folder / second / f"{number}.png", labels())
    return folder


def films(folder: Path, count: int = 10, **drawn: Any) -> Path:
    for number in range(count):
        saved(folder / "images" / f"{number}.png", photo(bands=1))
        saved(folder / "masks" / f"{number}.png", mask(**drawn))
    return folder


def opened(size: int = 8, in_channels: int | None = None, **named: Any) -> TaskData:
    return open_task_data(DataConfig(**named), size=size, seed=0, in_channels=in_channels)


def counts(data: TaskData) -> list[int]:
    return [len(side) if side is not None else 0 for side in (data.train, data.validation, data.test)]


# ------------------------------------------------------------------ forms


def test_pairs_side_by_side(tmp_path: Path) -> None:
    data = opened(data=side_by_side(tmp_path, {"train": 8, "test": 2}))
    assert (data.kind, data.in_channels, data.out_channels, data.label_side) == ("pairs", 3, 3, "target")
    assert counts(data) == [7, 1, 2]
    assert data.train[0].target.shape == (3, 8, 8)
    assert any("There is no validation side: it was drawn" in note for note in data.notes)


@pytest.mark.parametrize("names", [("A", "B"), ("inputs", "targets")])
def test_two_folders_of_equal_names(tmp_path: Path, names: tuple[str, str]) -> None:
    data = opened(data=two_folders(tmp_path, 10, *names))
    assert (data.kind, counts(data), data.label_side) == ("pairs", [7, 1, 2], "target")
    for first, second in (("A/train", "B/train"), ("A/val", "B/val"), ("A/test", "B/test")):
        two_folders(tmp_path / "below", 4, first, second)
    data = opened(data=tmp_path / "below")
    assert counts(data) == [4, 4, 4]
    assert data.splits["val"][0] == "val/0"


def test_folders_named_one_by_one_with_endings_of_their_own(tmp_path: Path) -> None:
    for number in range(10):
        saved(tmp_path / "photos" / f"{number}_A.png", photo())
        saved(tmp_path / "maps" / f"{number}_B.png", photo())
    data = opened(inputs=tmp_path / "photos", targets=tmp_path / "maps")
    assert (counts(data), data.label_side) == ([7, 1, 2], None)
    assert data.notes[:2] == ["Names of images end in '_A'.", "Names of targets end in '_B'."]


@pytest.mark.parametrize("places", [("images/{}", "masks/{}"), ("{}/images", "{}/masks")])
def test_sides_of_images_and_masks_as_folders(tmp_path: Path, places: tuple[str, str]) -> None:
    for side, count in (("train", 3), ("validation", 2), ("test", 1)):
        for number in range(count):
            saved(tmp_path / places[0].format(side) / f"{number}.png", photo(bands=1))
            saved(tmp_path / places[1].format(side) / f"{number}.png", mask())
    data = opened(data=tmp_path)
    assert (data.kind, counts(data), data.out_channels) == ("masks", [3, 2, 1], 1)
    assert data.splits["val"] == ["validation/0", "validation/1"]


def test_several_classes_in_one_mask_are_a_channel_each(tmp_path: Path) -> None:
    for number in range(10):
        saved(tmp_path / "images" / f"{number}.png", photo(bands=1))
        painted = np.zeros((16, 16), np.uint8)
        painted[:4], painted[4:8], painted[8:12] = 150, 200, 250
        saved(tmp_path / "masks" / f"{number}.png", painted)
    data = opened(16, data=tmp_path, classes=("lungs=150,200", "250"))
    assert (data.out_channels, data.classes) == (2, ("lungs", "250"))
    target = data.validation[0].target
    rows = torch.arange(16)
    assert torch.equal(target[0, :, 0] > 0, rows < 8)
    assert torch.equal(target[1, :, 0] > 0, (rows >= 8) & (rows < 12))
    with pytest.raises(DatasetError, match="which are of none of the classes"):
        opened(data=tmp_path, classes=("150", "200"))
    with pytest.raises(DatasetError, match=r"150 \(64 pixels\).*name several with classes"):
        opened(data=tmp_path)


def test_two_sides_that_nobody_paired(tmp_path: Path) -> None:
    for side, count in (("trainA", 8), ("trainB", 5), ("testA", 2), ("testB", 3)):
        for number in range(count):
            saved(tmp_path / side / f"{number}.png", photo() if side.endswith("A") else photo(bands=1))
    data = opened(data=tmp_path)
    assert (data.kind, counts(data)) == ("unpaired", [7, 1, 3])
    assert isinstance(data.train, UnpairedDataset)
    assert sorted(data.splits["test"]) == ["testA/0", "testA/1", "testB/0", "testB/1", "testB/2"]
    named = opened(side_a=tmp_path / "trainA", side_b=tmp_path / "trainB", target_channels=1, direction="AtoB")
    assert (named.in_channels, named.out_channels) == (3, 1)
    back = opened(side_a=tmp_path / "trainA", side_b=tmp_path / "trainB", direction="BtoA", target_channels=3)
    assert torch.equal(back.train[0].input[0], back.train[0].input[1])  # grey pictures are the inputs now


def test_direction_turns_pairs_round_and_says_what_is_learned(tmp_path: Path) -> None:
    side_by_side(tmp_path, {"train": 2, "val": 1, "test": 1})
    there, back = opened(16, data=tmp_path), opened(16, data=tmp_path, direction="BtoA")
    assert torch.equal(there.train[0].input, back.train[0].target)
    assert torch.equal(there.train[0].target, back.train[0].input)
    assert (back.label_side, there.label_side) == ("input", "target")
    assert any("photos are learned of labels" in note for note in back.notes)
    assert not any("photos are learned of labels" in note for note in there.notes)


@pytest.mark.parametrize("bands", [5])
def test_files_of_many_channels(tmp_path: Path, bands: int) -> None:
    for number in range(10):
        for part in "AB":
            (tmp_path / part).mkdir(exist_ok=True)
        tifffile.imwrite(
            tmp_path / "A" / f"{number}.tif", photo(bands=bands), photometric="minisblack", planarconfig="contig"
        )
        saved(tmp_path / "B" / f"{number}.png", photo(bands=1))
    data = opened(data=tmp_path)
    assert (data.in_channels, data.out_channels) == (5, 1)
    assert data.train[0].input.shape == (5, 8, 8)
    with pytest.raises(DatasetError, match=r"0\.tif' has 5 channels, and is to be read with 3"):
        opened(data=tmp_path, in_channels=3)


# ------------------------------------------------------------------ sides


def test_drawn_sides_are_written_down_and_read_again_to_the_same(tmp_path: Path) -> None:
    folder = films(tmp_path / "films", 20)
    first = opened(data=folder, split="0.5/0.25/0.25")
    assert counts(first) == [10, 5, 5]
    write_splits(tmp_path / "task/splits.json", first.splits)
    assert read_splits(tmp_path / "task/splits.json") == first.splits
    saved(folder / "images/new.png", photo(bands=1))
    saved(folder / "masks/new.png", mask())
    again = opened(data=folder, split="0.5/0.25/0.25", splits=tmp_path / "task/splits.json")
    assert (again.splits, again.fingerprint) == (first.splits, first.fingerprint)
    assert any("1 of 21 files are on no side" in note for note in again.notes)


def test_the_fingerprint_is_of_names_bytes_and_sides(tmp_path: Path) -> None:
    folder = films(tmp_path)
    before = opened(data=folder).fingerprint
    assert opened(16, data=folder).fingerprint == before
    saved(folder / "masks/0.png", mask(share=0.5))
    changed = opened(data=folder).fingerprint
    assert changed != before
    assert opened(data=folder, split="0.6/0.2/0.2").fingerprint != changed


@pytest.mark.parametrize("by", [None, "patient", r"^(p\d)"])
def test_no_patient_is_on_two_sides(tmp_path: Path, by: str | None) -> None:
    for patient in range(6):
        for film in range(3):
            saved(tmp_path / "images" / f"p{patient}-{film}.png", photo(bands=1))
            saved(tmp_path / "masks" / f"p{patient}-{film}.png", mask())
    if by in (None, "patient"):
        owners = {f"p{patient}-{film}.png": str(patient) for patient in range(6) for film in range(3)}
        (tmp_path / "patients.json").write_text(json.dumps(owners))
    data = opened(data=tmp_path, split_by=by)
    sides = [{name[:2] for name in names} for names in data.splits.values()]
    assert sum(map(len, sides)) == len(set().union(*sides)) == 6


def test_the_patients_of_dicom_films_are_known_and_never_shown(
    tmp_path: Path, write_film: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "images").mkdir()
    for number in range(12):
        write_film(tmp_path / "images" / f"{number}.dcm", photo(bands=1), PatientID=f"Plantagenet{number % 4}")
        saved(tmp_path / "masks" / f"{number}.png", mask())
    data = opened(data=tmp_path, split="0.5/0.25/0.25", split_by="patient")
    sides = [{int(name) % 4 for name in names} for names in data.splits.values()]
    assert sum(map(len, sides)) == 4
    assert "lantagenet" not in repr(data) + "".join(data.notes) + "".join(capfd.readouterr())
    (tmp_path / "splits.json").write_text(
        json.dumps({"train": ["0.dcm", "1.dcm"], "val": ["2.dcm"], "test": ["4.dcm"]})
    )
    with pytest.raises(DatasetError, match=r"1 patients are on two sides of .*train: '0'; test: '4'") as caught:
        opened(data=tmp_path)
    assert "lantagenet" not in str(caught.value)
    assert counts(opened(data=tmp_path, split_by="name")) == [2, 1, 1]


def test_films_of_public_sets_are_known_by_their_names(tmp_path: Path) -> None:
    for number in range(10):
        saved(tmp_path / "images" / f"MCUCXR_{number:04}_0.png", photo(bands=1))
        saved(tmp_path / "masks" / f"MCUCXR_{number:04}_0.png", mask())
    assert len(opened(data=tmp_path, split_by="patient").patients) == 10


def test_only_the_training_side_is_varied(tmp_path: Path) -> None:
    config = DataConfig(data=films(tmp_path))
    varied = open_task_data(
        config, size=8, seed=0, augmentation={"masks": PairAugmentation(flip=0, contrast=1.0, brightness=1.0)}
    )
    plain = open_task_data(config, size=8, seed=0)
    assert not torch.equal(varied.train[0].input, plain.train[0].input)
    assert torch.equal(varied.validation[0].input, plain.validation[0].input)
    others = open_task_data(config, size=8, seed=0, augmentation={"pairs": PairAugmentation()})
    assert torch.equal(others.train[0].input, plain.train[0].input)


def test_data_to_score_on_are_the_test_side_or_all(tmp_path: Path) -> None:
    folder = films(tmp_path)
    assert counts(open_test_data(DataConfig(data=folder), size=8)) == [10, 10, 10]
    (folder / "splits.json").write_text(json.dumps({"train": ["0", "1"], "test": ["2.png"]}))
    scored = open_test_data(DataConfig(data=folder), size=8, in_channels=1)
    assert isinstance(scored.test, PairDataset)
    assert (scored.test.names, scored.splits, scored.in_channels) == (["2"], {"test": ["2"]}, 1)
    assert scored.notes[0].startswith("Scored is the test side of")
    side_by_side(tmp_path / "pairs", {"train": 2, "val": 1})
    assert counts(open_test_data(DataConfig(data=tmp_path / "pairs"), size=8)) == [1, 1, 1]
    assert counts(open_test_data(DataConfig(data=tmp_path / "pairs/train"), size=8)) == [2, 2, 2]


# ------------------------------------------------------------------ what people do wrong


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({}, r"no data are named: give --data FOLDER, or two folders"),
        ({"images": "images"}, r"--images needs --masks as well"),
        ({"data": ".", "images": "images", "masks": "masks"}, "are data of different forms: name one"),
        ({"images": "images", "masks": "images"}, r"--images and --masks are one folder"),
        ({"data": ".", "split": "0.7/0.3"}, r"split is '0\.7/0\.3'.*only that of test may be 0"),
        ({"data": ".", "split": "0.7/0.7/0.1"}, "add up to 1"),
        ({"data": ".", "split_by": "("}, "which is no regular expression"),
        ({"data": ".", "split_by": "p(x)"}, "finds no patient in 10 of 10 names, such as '0', '1', '2' and 7 more"),
        ({"data": ".", "direction": "BtoA"}, "to make images of masks, give --inputs MASKS and --targets IMAGES"),
        ({"data": ".", "direction": "backwards"}, "take AtoB or BtoA"),
        ({"data": ".", "classes": ("lungs=",)}, "a class is a value, or a name and values"),
        ({"data": ".", "classes": ("1", "x=1")}, "is taken, or 0, which is the background"),
        ({"data": ".", "channels": 2}, "channels is 2"),
        ({"data": ".", "channels": 1, "in_channels": 3}, "channels is 1, and the network takes 3"),
    ],
)
def test_options_that_contradict_each_other(tmp_path: Path, named: dict[str, Any], words: str) -> None:
    films(tmp_path)
    paths = {field.name for field in fields(DataConfig) if "Path" in str(field.type)}
    given = {key: tmp_path / value if key in paths else value for key, value in named.items()}
    with pytest.raises(ConfigurationError, match=words):
        opened(**given)


def test_the_wrong_folder(tmp_path: Path) -> None:
    side_by_side(tmp_path / "datasets/facades", {"train": 2, "val": 1, "test": 1})
    (tmp_path / "datasets/empty").mkdir()
    for wrong, words in (
        ("datasets/facade", r"there is no such folder; near it is '.*datasets/facades'"),
        (
            "datasets",
            r"holds no pictures itself, only folders: did you mean '.*facades', which is of the form side-by-side",
        ),
        ("datasets/facades/train", r"is one side of '.*facades', whose others would be lost: name that folder"),
        ("datasets/facades/train/0.png", "that is a file"),
        ("datasets/empty", "have no file that ends in"),
    ):
        with pytest.raises(DatasetError, match=words):
            opened(data=tmp_path / wrong)
    saved(tmp_path / "holiday/a.png", photo())
    with pytest.raises(
        DatasetError, match=r"pictures and no targets, and 'a\.png' is 16 x 16 pixels, no pair side by side"
    ):
        opened(data=tmp_path / "holiday")
    two_folders(tmp_path / "other", 3, "first", "second")
    with pytest.raises(DatasetError, match=r"only folders \('first', 'second'\): needed are"):
        opened(data=tmp_path / "other")
    with pytest.raises(DatasetError, match="there is no such folder"):
        opened(images=tmp_path / "nowhere", masks=tmp_path / "holiday")


def test_a_form_that_is_ambiguous(tmp_path: Path) -> None:
    two_folders(films(tmp_path))
    with pytest.raises(DatasetError, match="can be read as images-with-masks and as two-folders: name the two folders"):
        opened(data=tmp_path)
    assert opened(images=tmp_path / "images", masks=tmp_path / "masks").kind == "masks"


def test_images_and_masks_exchanged(tmp_path: Path) -> None:
    films(tmp_path)
    with pytest.raises(
        DatasetError, match=r"look like images, and the images, such as .* like masks: were they exchanged"
    ):
        opened(images=tmp_path / "masks", masks=tmp_path / "images")


def test_masks_inverted_empty_or_of_nothing(tmp_path: Path) -> None:
    inverted = opened(data=films(tmp_path / "inverted", share=0.75))
    assert any(
        "are white in more than half: if white is the background, invert them" in note for note in inverted.notes
    )
    some = films(tmp_path / "some", share=0.25)
    saved(some / "masks/0.png", mask(share=0))
    notes = opened(data=some, split="0.8/0.1/0.1").notes + opened(data=some, split="0.5/0.4/0.1").notes
    assert any("have no foreground" in note for note in notes)
    assert not any("white" in note for note in notes)
    with pytest.raises(DatasetError, match="has any foreground: there is nothing to learn"):
        opened(data=films(tmp_path / "none", share=0))


def test_names_that_do_not_match(tmp_path: Path) -> None:
    two_folders(tmp_path, 10)
    (tmp_path / "B/3.png").rename(tmp_path / "B/3x.png")
    with pytest.raises(DatasetError, match=r"'3': has no target; the nearest name is '3x'"):
        opened(data=tmp_path)
    for path in (tmp_path / "B").iterdir():
        path.rename(path.with_name(f"other{path.name}"))
    with pytest.raises(
        DatasetError, match=r"no file in .*A' has the name of one in .*B', such as '0', which has no target"
    ):
        opened(data=tmp_path)


def test_pairs_of_different_size(tmp_path: Path) -> None:
    two_folders(tmp_path)
    for path in (tmp_path / "B").iterdir():
        saved(path, labels(32))
    with pytest.raises(DatasetError, match=r"is 16 x 16 pixels and its target .* 32 x 32; they must be of one size"):
        opened(data=tmp_path)


def test_sides_that_are_missing_empty_or_called_otherwise(tmp_path: Path) -> None:
    folder = films(tmp_path)
    splits = folder / "splits.json"
    for listed, words in (
        ({"fold1": ["0"], "fold2": ["1"]}, r"has the sides 'fold1', 'fold2', and none is called train, val or test"),
        ({"train": [], "test": ["1"]}, "has no training side: it has 0 train, 1 test"),
        ({"val": ["1", "2"], "validation": ["3"], "train": ["4"]}, "lists the val side twice"),
        ({"train": ["0"], "test": ["1"]}, "1 patients; 2 sides need at least as many"),
        ({"train": ["0"], "test": ["0"]}, "on two sides"),
    ):
        splits.write_text(json.dumps(listed))
        with pytest.raises(DatasetError, match=words):
            opened(data=folder)
    splits.write_text(json.dumps({"train": ["0", "film 7"], "val": ["1"]}))
    with pytest.raises(PairError, match="'film 7'"):
        opened(data=folder)
    (tmp_path / "sided/trainA").mkdir(parents=True)
    (tmp_path / "sided/trainB").mkdir()
    with pytest.raises(DatasetError, match=r"trainA' is empty: put pictures there"):
        opened(data=tmp_path / "sided")
    with pytest.raises(DatasetError, match="are of unknown patients, such as '0', '1', '2' and 7 more: write patients"):
        opened(data=folder, split="0.7/0.1/0.2", split_by="patient")


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    folder = films(tmp_path, 40)
    (folder / "images/3.png").write_bytes(b"no picture")
    data = opened(data=folder, split="0.9/0.05/0.05")
    assert any("cannot be used, such as '3'" in note for note in data.notes)


def test_data_to_score_may_lack_partners_where_that_is_allowed(tmp_path: Path) -> None:
    write_xrays(tmp_path, 4, 32, seed=0)
    (tmp_path / "masks/001.png").unlink()
    with pytest.raises(DatasetError, match="lack their partner"):
        open_test_data(DataConfig(data=tmp_path), size=32)
    found = open_test_data(DataConfig(data=tmp_path), size=32, max_skipped=1.0)
    assert [one.name for one in found.incomplete] == ["001"]
    (tmp_path / "splits.json").write_text('{"train": ["000"], "test": ["001", "002"]}')
    found = open_test_data(DataConfig(data=tmp_path), size=32, max_skipped=1.0)
    assert (found.splits, [one.name for one in found.incomplete]) == ({"test": ["002"]}, ["001"])


def test_more_than_a_twentieth_is_left_out_where_that_is_said(tmp_path: Path) -> None:
    folder = two_folders(tmp_path)
    for number in (3, 4):
        (folder / f"A/{number}.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match="may be left out"):
        open_task_data(DataConfig(folder), size=16, seed=0)
    data = open_task_data(DataConfig(folder, max_skipped=0.9), size=16, seed=0)
    assert sum(len(names) for names in data.splits.values()) == 10
    assert "'3'" in " ".join(data.notes) or "'4'" in " ".join(data.notes)
    with pytest.raises(ConfigurationError, match="max_skipped is 5"):
        DataConfig(folder, max_skipped=5)


@pytest.mark.parametrize(
    "entry",
    [
        lambda name: f"{name}.png",
        lambda name: f"A/{name}.png",
        lambda name: f"runs/ab/A/{name}.png",
        lambda name: [f"A/{name}.png", f"B/{name}.png"],
        lambda name: {"image": f"A/{name}.png", "label": f"B/{name}.png"},
    ],
)
def test_a_list_of_pairs_is_understood_however_it_names_them(tmp_path: Path, entry: Callable[[str], Any]) -> None:
    folder = two_folders(tmp_path)
    wanted = {"train": [str(number) for number in range(6)], "val": ["6", "7"], "test": ["8", "9"]}
    listed = {side: [entry(name) for name in names] for side, names in wanted.items()}
    (folder / "splits.json").write_text(json.dumps(listed))
    for config in (
        DataConfig(folder),
        DataConfig(inputs=folder / "A", targets=folder / "B"),
        DataConfig(folder, splits=folder / "splits.json"),
    ):
        assert open_task_data(config, size=16, seed=0).splits == wanted


def test_a_list_of_pairs_means_both_pictures_where_nobody_pairs_them(tmp_path: Path) -> None:
    folder = two_folders(tmp_path)
    listed = {"train": [str(number) for number in range(8)], "val": ["8"], "test": ["9"]}
    (folder / "splits.json").write_text(json.dumps(listed))
    unpaired = DataConfig(side_a=folder / "A", side_b=folder / "B")
    data = open_task_data(unpaired, size=16, seed=0)
    assert (data.kind, data.splits["test"], len(data.splits["train"])) == ("unpaired", ["A/9", "B/9"], 16)
    listed["train"] = [f"A/{number}" for number in range(8)]
    (folder / "splits.json").write_text(json.dumps(listed))
    with pytest.raises(DatasetError, match=r"the train side of .* has no picture of B: name some"):
        open_task_data(unpaired, size=16, seed=0)


def test_pairs_may_be_taken_apart_for_learning_and_are_pairs_for_scores(lung_films: Path) -> None:
    config = DataConfig(data=lung_films)
    paired = open_task_data(config, size=16, seed=0)
    data = open_task_data(config, size=16, seed=0, unpaired=True)
    assert (data.kind, data.is_unpaired, paired.is_unpaired) == ("masks", True, False)
    assert data.fingerprint == paired.fingerprint
    assert isinstance(data.train, UnpairedDataset)
    assert isinstance(data.validation, PairDataset)
    assert isinstance(data.test, PairDataset)
    assert len(data.train) == len(paired.train)
    for pair in (data.train[index] for index in range(len(data.train))):
        film, mask = pair.name.split(" and ")
        assert film != mask
    assert "taken apart" in data.notes[-1]
