"""From the folders that somebody names to a data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piggygan.data.datasets import ImagesWithMasks, SideBySide, TwoFolders, UnpairedFolders
from piggygan.data.datasets.forms import open_named
from piggygan.errors import ConfigurationError, DatasetError


def saved(folder: Path, name: str, width: int = 4) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((4, width), np.uint8)).save(folder / name)
    return folder


@pytest.mark.parametrize(
    ("names", "form"),
    [
        (("inputs", "targets"), TwoFolders),
        (("images", "masks"), ImagesWithMasks),
        (("side_a", "side_b"), UnpairedFolders),
    ],
)
def test_two_folders_are_of_the_form_that_their_options_say(tmp_path: Path, names: tuple[str, str], form: type) -> None:
    first, second = saved(tmp_path / "x", "1.png"), saved(tmp_path / "y", "1.bmp")
    assert type(open_named({names[0]: first, names[1]: second, "data": None})) is form
    with pytest.raises(ConfigurationError, match="needs --"):
        open_named({names[1]: second})


def test_a_folder_of_pairs_without_sides_is_read_as_pairs(tmp_path: Path) -> None:
    dataset = open_named({"data": saved(tmp_path / "flat", "1.png", width=8)})
    assert isinstance(dataset, SideBySide)
    assert dataset.sides == {}


def test_a_folder_inside_which_the_right_one_lies_names_it(tmp_path: Path) -> None:
    saved(tmp_path / "exp/set/train", "1.png", width=8)
    with pytest.raises(DatasetError, match=r"did you mean '.*exp/set', which is of the form side-by-side"):
        open_named({"data": tmp_path / "exp"})
