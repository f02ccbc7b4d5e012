"""How pairs are read for a task: channels, direction, and which side is a label picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data.arrangement import Arrangement, Wishes
from piggygan.data.arranging import arrange, letters
from piggygan.data.datasets import ImagesWithMasks, SideBySide
from piggygan.data.folders import PairFiles
from piggygan.data.survey import SurveyedFile
from piggygan.errors import ConfigurationError, DatasetError

RANDOM = np.random.default_rng(0)


def photo() -> np.ndarray:  # type: ignore[type-arg]
    return RANDOM.integers(0, 256, (16, 16, 3), dtype=np.uint8)


def labels() -> np.ndarray:  # type: ignore[type-arg]
    painted = np.zeros((16, 16, 3), np.uint8)
    painted[:8] = (0, 128, 255)
    return painted


def pairs(folder: Path, left: str, right: str) -> SideBySide:
    drawn = {"photo": photo, "labels": labels}
    for number in range(3):
        both = np.concatenate([drawn[left](), drawn[right]()], axis=1)
        Image.fromarray(both).save(folder / f"{number}.png")
    return SideBySide(folder)


def arranged(dataset: SideBySide | ImagesWithMasks, *, bands: int = 3, **wishes: bool | int) -> Arrangement:
    surveyed = {pair.image: SurveyedFile("", bands) for pair in dataset.files}
    return arrange(dataset, dataset.files, surveyed, Wishes(**wishes))  # type: ignore[arg-type]


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize(
    ("left", "right", "side"),
    [
        ("photo", "labels", "target"),
        ("labels", "photo", "input"),
        ("labels", "labels", "both"),
        ("photo", "photo", None),
    ],
)
def test_label_pictures_are_seen_and_never_mixed(
    tmp_path: Path, left: str, right: str, side: str | None, is_reversed: bool
) -> None:
    found = arranged(pairs(tmp_path, left, right), is_reversed=is_reversed)
    if is_reversed:
        side = {"target": "input", "input": "target"}.get(str(side), side)
    assert found.label_side == side
    nearest = [side in ("input", "both"), side in ("target", "both")]
    assert [found.reader.input_sampling == "nearest", found.reader.target_sampling == "nearest"] == nearest
    # The direction that is told is the other one, so that it leads out.
    other = "AtoB" if is_reversed else "BtoA"
    assert [f"take --direction {other}." in note for note in found.notes] == ([True] if side == "input" else [])


def test_the_other_way_round_gives_the_halves_exchanged(tmp_path: Path) -> None:
    dataset = pairs(tmp_path, "photo", "labels")
    there, back = (arranged(dataset, is_reversed=reversed_).reader.read(dataset.files[0]) for reversed_ in (0, 1))
    assert torch.equal(there[0], back[1])
    assert torch.equal(there[1], back[0])
    assert not torch.equal(there[0], there[1])


@pytest.mark.parametrize("is_reversed", [False, True])
def test_wanted_channels_are_of_the_inputs_and_targets_whichever_half_they_are(
    tmp_path: Path, is_reversed: bool
) -> None:
    dataset = pairs(tmp_path, "photo", "labels")
    found = arranged(dataset, is_reversed=is_reversed, channels=3, target_channels=1)
    assert (found.in_channels, found.out_channels) == (3, 1)
    assert [side.shape[0] for side in found.reader.read(dataset.files[0])] == [3, 1]


def test_grey_targets_stay_grey_and_grey_inputs_become_colour(tmp_path: Path) -> None:
    found = arranged(pairs(tmp_path, "photo", "photo"), bands=1)
    assert (found.in_channels, found.out_channels) == (3, 1)


def test_masks_are_read_as_masks_and_classes_are_of_masks_alone(tmp_path: Path) -> None:
    (tmp_path / "pairs").mkdir()
    with pytest.raises(ConfigurationError, match=r"classes are of masks, and .*pairs' has targets that are pictures"):
        arranged(pairs(tmp_path / "pairs", "photo", "labels"), classes=((1,),))  # type: ignore[arg-type]
    for name, values in (("images", photo()[..., 0]), ("masks", labels()[..., 2])):
        (tmp_path / "films" / name).mkdir(parents=True)
        Image.fromarray(values).save(tmp_path / "films" / name / "1.png")
    found = arranged(ImagesWithMasks(tmp_path / "films"), bands=1, channels=1)
    assert (found.in_channels, found.out_channels, found.label_side) == (1, 1, None)


def test_of_two_sides_that_nobody_paired_each_is_read_by_its_own_looks(tmp_path: Path) -> None:
    sides = {"A": [tmp_path / f"a{number}.png" for number in range(3)], "B": [tmp_path / "b.png"]}
    for letter, drawn in (("A", photo), ("B", labels)):
        for path in sides[letter]:
            Image.fromarray(drawn()).save(path)
    files = {letter: [PairFiles(path.stem, path) for path in paths] for letter, paths in sides.items()}
    surveyed = {path: SurveyedFile("", 3) for paths in sides.values() for path in paths}
    photos, drawings, are_masks = letters(files, surveyed, Wishes(target_channels=1))
    assert (photos.channels, photos.input_sampling) == (3, "bilinear")
    assert (drawings.channels, drawings.input_sampling, are_masks) == (1, "nearest", False)


def blob(inside: int) -> np.ndarray:
    mask = np.zeros((64, 64), np.uint8)
    mask[20:44, 16:50] = inside
    return mask


def sides_of(
    folder: Path, targets: dict[str, np.ndarray]
) -> tuple[dict[str, list[PairFiles]], dict[Path, SurveyedFile]]:
    """Write a photo and some targets, as two sides that nobody paired."""
    Image.fromarray(photo()).save(folder / "a.png")
    for name, values in targets.items():
        Image.fromarray(values).save(folder / name)
    paths = {"A": [folder / "a.png"], "B": [folder / name for name in targets]}
    files = {letter: [PairFiles(path.stem, path) for path in listed] for letter, listed in paths.items()}
    return files, {path: SurveyedFile("", 3) for listed in paths.values() for path in listed}


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_targets_that_nobody_paired_are_masks_if_all_of_them_are_black_and_white(tmp_path: Path, ending: str) -> None:
    masks = {f"b{number}.{ending}": blob(255) for number in range(3)}
    files, surveyed = sides_of(tmp_path, masks)
    _, targets, are_masks = letters(files, surveyed, Wishes())
    assert (targets.channels, targets.input_sampling, are_masks) == (1, "nearest", True)
    assert letters(files, surveyed, Wishes(target_channels=3)).targets.channels == 3  # what is said, stays
    files, surveyed = sides_of(tmp_path, {**masks, "c.png": photo()})
    _, targets, are_masks = letters(files, surveyed, Wishes())
    assert (targets.channels, are_masks) == (3, False)
    backwards = {"A": files["B"][:3], "B": files["A"]}  # photos of masks
    assert not letters(backwards, surveyed, Wishes()).are_masks


def test_masks_of_0_and_1_that_nobody_paired_would_look_black_and_are_refused(tmp_path: Path) -> None:
    files, surveyed = sides_of(tmp_path, {"b.png": blob(1)})
    with pytest.raises(DatasetError, match=r"side B, such as .*b.png'?, look black: .* have to be of 0 and 255"):
        letters(files, surveyed, Wishes())
