"""The CMP facades, in pix2pix form and as the base set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piggygan.data.datasets import (
    DatasetFolder,
    Facades,
    FacadesBase,
    Pictures,
    SideBySide,
    open_dataset,
)
from piggygan.data.datasets.facades import read_indexed_labels
from piggygan.data.palette import CMP_PALETTE
from piggygan.errors import DatasetError, InputTooLargeError, MaskError, PairError


def numbered(folder: Path, counts: dict[str, int], size: tuple[int, int]) -> Path:
    """Make a folder of pairs that are called by numbers; all are one file."""
    folder.mkdir()
    first = folder / ".one.jpg"
    Image.new("RGB", size).save(first)
    for side, count in counts.items():
        (folder / side).mkdir()
        for number in range(1, count + 1):
            (folder / side / f"{number}.jpg").hardlink_to(first)
    first.unlink()
    return folder


@pytest.mark.parametrize(
    ("counts", "size", "kind"),
    [
        ({"train": 400, "val": 100, "test": 106}, (512, 256), Facades),
        ({"train": 400, "val": 100}, (512, 256), Facades),
        ({"train": 396, "val": 97}, (512, 256), Facades),
        ({"train": 4, "val": 2}, (512, 256), SideBySide),
        ({"train": 300, "val": 100}, (512, 256), SideBySide),
        ({"train": 1096, "val": 1098}, (512, 256), SideBySide),
        ({"train": 400, "val": 100}, (128, 64), SideBySide),
        ({"train": 400, "val": 100}, (64, 64), Pictures),
        ({"train": 400}, (512, 256), SideBySide),
    ],
)
def test_16_15_facades_are_recognized_by_their_numbers_and_size_and_no_others(
    tmp_path: Path, counts: dict[str, int], size: tuple[int, int], kind: type[DatasetFolder]
) -> None:
    assert type(open_dataset(numbered(tmp_path / "pairs", counts, size))) is kind


def test_sides_of_facades_keep_files_of_one_name_apart(facades: Path) -> None:
    dataset = Facades(facades)
    assert dataset.sides == {
        "train": ["train/1", "train/2", "train/3"],
        "val": ["val/1", "val/2"],
        "test": ["test/1"],
    }
    assert dataset.pairs(8, side="val").names == ["val/1", "val/2"]


def test_a11_class_numbers_get_the_colours_of_the_palette_whatever_their_own(facades_base: Path) -> None:
    labels = read_indexed_labels(facades_base / "base/cmp_b0001.png")
    levels = ((labels + 1) * 127.5).round().int()
    assert [tuple(levels[:, 0, column].tolist()) for column in range(12)] == [one.rgb for one in CMP_PALETTE]
    pair = FacadesBase(facades_base).pairs(32)[0]
    assert set(((pair.target + 1) * 127.5).round().int().flatten().tolist()) <= {
        value for one in CMP_PALETTE for value in one.rgb
    }


@pytest.mark.parametrize("number", [0, 13, 255])
def test_a12_a_class_number_outside_the_list_is_named_with_count_and_file(facades_base: Path, number: int) -> None:
    path = facades_base / "base/cmp_b0002.png"
    labels = np.ones((10, 12), dtype=np.uint8)
    labels[0, :3] = number
    Image.fromarray(labels).save(path)
    with pytest.raises(MaskError, match=rf"cmp_b0002\.png.*{number} \(3 pixels\)"):
        read_indexed_labels(path)


def test_the_real_facades_lack_their_test_side(shared_data: Path) -> None:
    dataset = open_dataset(shared_data / "facades")
    assert type(dataset) is Facades
    assert {side: len(names) for side, names in dataset.sides.items()} == {"train": 400, "val": 100}
    with pytest.raises(DatasetError, match="has 500 pairs; CMP facades in pix2pix form has 606"):
        dataset.require_complete()
    assert open_dataset(shared_data / "others/facade_windows").name == "side-by-side"


def test_what_a_mac_puts_beside_the_pictures_hides_no_facades(tmp_path: Path) -> None:
    folder = numbered(tmp_path / "pairs", {"train": 400, "val": 100}, (512, 256))
    (folder / "train" / ".DS_Store").write_bytes(b"Bud1")
    (folder / "train" / "._1.jpg").write_bytes(b"no picture")
    assert type(open_dataset(folder)) is Facades
    assert len(open_dataset(folder).files) == 500


def test_a_pair_of_the_base_set_has_its_labels_at_its_own_size(facades_base: Path, tmp_path: Path) -> None:
    files = FacadesBase(facades_base).files[0]
    photo, labels = FacadesBase.reader().read(files)
    assert photo.shape == labels.shape == (3, 10, 12)
    other = replace(files, mask=tmp_path / "other.png")
    Image.new("L", (10, 12), 1).save(tmp_path / "other.png")
    with pytest.raises(PairError, match=r"cmp_b0001\.jpg' is 12 x 10 pixels and its labels .*other\.png' 10 x 12"):
        FacadesBase.reader().read(other)
    with pytest.raises(PairError, match="'cmp_b0001' has no label picture"):
        FacadesBase.reader().read(replace(files, mask=None))


def test_labels_in_colour_are_no_class_numbers_and_large_ones_are_not_decoded(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2), (1, 2, 3)).save(tmp_path / "colour.png")
    with pytest.raises(MaskError, match=r"colour\.png' is in colour; needed is a PNG of one class number a pixel"):
        read_indexed_labels(tmp_path / "colour.png")
    Image.new("L", (3, 2), 1).save(tmp_path / "large.png")
    with pytest.raises(InputTooLargeError, match="3 x 2 pixels; at most 5"):
        read_indexed_labels(tmp_path / "large.png", max_pixels=5)
    assert read_indexed_labels(tmp_path / "large.png", max_pixels=6).shape == (3, 2, 3)
