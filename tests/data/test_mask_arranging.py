"""How images and masks are read for a task, and which masks look wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piggygan.data.arrangement import Arrangement, Wishes
from piggygan.data.datasets import ImagesWithMasks
from piggygan.data.folders import PairFiles
from piggygan.data.mask_arranging import arrange_masks, check_not_inverted
from piggygan.data.mask_reader import MaskReader
from piggygan.data.masks import read_mask
from piggygan.data.survey import SurveyedFile
from piggygan.errors import ConfigurationError, DatasetError

RANDOM = np.random.default_rng(0)


def films(folder: Path, whites: Sequence[float], value: int = 255) -> ImagesWithMasks:
    """Write films of noise and masks that are white in these shares, from the top."""
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for number, share in enumerate(whites):
        mask = np.zeros((8, 8), np.uint8)
        mask[: round(8 * share)] = value
        Image.fromarray(RANDOM.integers(0, 256, (8, 8), dtype=np.uint8)).save(folder / f"images/{number:02}.png")
        Image.fromarray(mask).save(folder / f"masks/{number:02}.png")
    return ImagesWithMasks(folder)


def arranged(dataset: ImagesWithMasks, wishes: Wishes | None = None, bands: int = 1) -> Arrangement:
    reader = dataset.reader()
    assert isinstance(reader, MaskReader)
    surveyed = {pair.image: SurveyedFile("", bands) for pair in dataset.files}
    return arrange_masks(dataset, reader, dataset.files, surveyed, wishes or Wishes())


@pytest.mark.parametrize(("bands", "wanted", "channels"), [(1, None, 3), (1, 1, 1), (3, None, 3), (5, None, 5)])
def test_films_have_the_channels_of_their_files_or_as_wanted_and_masks_one(
    tmp_path: Path, bands: int, wanted: int | None, channels: int
) -> None:
    found = arranged(films(tmp_path, [0.25, 0.5]), Wishes(channels=wanted), bands)
    assert isinstance(found.reader, MaskReader)
    assert (found.in_channels, found.out_channels, found.reader.channels) == (channels, 1, channels)
    assert (found.label_side, found.notes) == (None, ())


def test_masks_are_not_turned_into_inputs(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="give --inputs MASKS and --targets IMAGES"):
        arranged(films(tmp_path, [0.25]), Wishes(is_reversed=True))


@pytest.mark.parametrize(
    ("whites", "notes"),
    [
        ([0.25, 0.75, 0.75], ["2 of 3 masks that were looked at are white in more than half"]),
        ([0.25, 0.75], []),
        ([0.5, 0.5], []),
        ([0.0, 0.25, 0.0], ["2 of 3 masks that were looked at have no foreground"]),
    ],
)
def test_masks_that_look_wrong_are_noted(tmp_path: Path, whites: list[float], notes: list[str]) -> None:
    found = arranged(films(tmp_path, whites)).notes
    assert len(found) == len(notes)
    assert all(note in said for note, said in zip(notes, found, strict=True))


def test_masks_without_any_foreground_are_refused_and_one_that_was_not_looked_at_is_enough(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(DatasetError, match=r"none of the 2 masks in .* has any foreground"):
        arranged(films(tmp_path / "none", [0.0, 0.0]))
    (tmp_path / "one").mkdir()
    found = arranged(films(tmp_path / "one", [0.0] * 33 + [0.5]))  # 32 are looked at, from the first on
    assert found.notes == ("32 of 32 masks that were looked at have no foreground.",)


def test_each_class_is_a_channel_and_one_that_is_nowhere_is_noted(tmp_path: Path) -> None:
    found = arranged(films(tmp_path, [0.5, 0.75], value=7), Wishes(classes=((7,), (8, 9))))
    assert (found.out_channels, found.notes) == (2, ("Class 8,9 is in none of 2 masks that were looked at.",))


def test_images_and_masks_that_were_exchanged_are_refused_and_other_masks_are_left_to_the_reading(
    tmp_path: Path,
) -> None:
    dataset = films(tmp_path, [0.25, 0.5])
    for pair in dataset.files:
        assert pair.mask is not None
        image, mask = pair.image.read_bytes(), pair.mask.read_bytes()
        pair.image.write_bytes(mask)
        pair.mask.write_bytes(image)
    with pytest.raises(DatasetError, match=r"look like images, and the images, such as .* like masks: were they ex"):
        arranged(dataset)
    dataset.files[0].image.write_bytes(image)  # a film of noise, whose mask is one too
    assert arranged(dataset).notes == ()


def turned(dataset: ImagesWithMasks) -> ImagesWithMasks:
    """Exchange white and black in the masks."""
    for pair in dataset.files:
        assert pair.mask is not None
        Image.fromarray(255 - np.asarray(Image.open(pair.mask))).save(pair.mask)
    return dataset


def within(folder: Path, count: int) -> ImagesWithMasks:
    """Masks of a square in the middle."""
    dataset = films(folder, [0.0] * count)
    for pair in dataset.files:
        assert pair.mask is not None
        mask = np.zeros((8, 8), np.uint8)
        mask[2:6, 2:6] = 255
        Image.fromarray(mask).save(pair.mask)
    return dataset


def test_inverted_masks_are_refused_until_it_is_said_which_value_is_meant(tmp_path: Path) -> None:
    dataset = turned(within(tmp_path, 4))
    with pytest.raises(DatasetError, match=r"4 of 4 masks .* look inverted\. Say foreground=black if"):
        arranged(dataset)
    pair = dataset.files[0]
    for foreground, share in (("black", 16 / 64), ("white", 48 / 64)):
        found = arranged(dataset, Wishes(foreground=foreground))  # type: ignore[arg-type]
        assert (found.reader.read(pair)[1] > 0).float().mean() == share


def test_several_inverted_masks_of_a_film_are_turned_before_they_are_united(tmp_path: Path) -> None:
    dataset = turned(within(tmp_path, 1))
    (pair,) = dataset.files
    assert pair.mask is not None
    other = np.full((8, 8), 255, np.uint8)
    other[0, 0] = 0
    Image.fromarray(other).save(tmp_path / "other.png")
    two = PairFiles(pair.name, pair.image, pair.mask, (tmp_path / "other.png",))
    _, united = MaskReader(channels=1, foreground="black").read(two)
    assert (united > 0).sum() == 17


def test_classes_and_a_foreground_contradict_each_other() -> None:
    with pytest.raises(ConfigurationError, match="classes are named: leave one out"):
        Wishes.of("AtoB", ["1", "2"], None, None, None, "black")
    with pytest.raises(ConfigurationError, match="foreground is 'grey': take white or black"):
        Wishes.of("AtoB", [], None, None, None, "grey")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "masks", ["montgomery/masks", "shenzhen/masks", "jsrt_scr/masks", "jsrt_scr/hearts", "covid_cxr/masks"]
)
def test_of_real_masks_none_look_inverted_and_all_do_that_are(shared_data: Path, masks: str) -> None:
    folder = shared_data / masks
    if not folder.is_dir():
        pytest.skip(f"{masks} is not there")
    paths = sorted(folder.glob("*.png"))
    files = [PairFiles(path.stem, path, path) for path in paths]
    for first in range(0, len(files), 32):
        some = files[first : first + 32]
        read = [read_mask(pair.image) for pair in some]
        check_not_inverted(some, read)
        with pytest.raises(DatasetError, match=f"{len(some)} of {len(some)} masks .* look inverted"):
            check_not_inverted(some, [-mask for mask in read])
