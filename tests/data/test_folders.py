import os
from pathlib import Path

import pytest

from piggygan.data.folders import PairFiles, list_images_with_masks, list_side_by_side
from piggygan.errors import DatasetError, PairError


def folder_of(path: Path, *names: str) -> Path:
    path.mkdir()
    for name in names:
        (path / name).touch()
    return path


def test_side_by_side_files_are_listed_by_name(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "train", "10.jpg", "2.JPEG", "a.png", "Thumbs.db", "notes.txt", ".hidden.png")
    assert list_side_by_side(folder) == [
        PairFiles("10", folder / "10.jpg"),
        PairFiles("2", folder / "2.JPEG"),
        PairFiles("a", folder / "a.png"),
    ]


def test_images_find_masks_of_another_suffix(tmp_path: Path) -> None:
    images = folder_of(tmp_path / "images", "b.dcm", "1.2.840.1.dcm")
    masks = folder_of(tmp_path / "masks", "1.2.840.1.png", "b.PNG")
    assert list_images_with_masks(images, masks) == [
        PairFiles("1.2.840.1", images / "1.2.840.1.dcm", masks / "1.2.840.1.png"),
        PairFiles("b", images / "b.dcm", masks / "b.PNG"),
    ]


def test_a_folder_that_is_missing_a_file_or_empty_says_what_was_looked_for(tmp_path: Path) -> None:
    empty = folder_of(tmp_path / "empty", "readme.txt")
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match=r"missing.*No such file"):
        list_side_by_side(tmp_path / "missing")
    with pytest.raises(DatasetError, match="Not a directory"):
        list_side_by_side(tmp_path / "file")
    with pytest.raises(DatasetError, match=r"ends in \.bmp, \.dcm, .*\.webp, but 1 other"):
        list_side_by_side(empty)
    with pytest.raises(DatasetError):
        list_images_with_masks(folder_of(tmp_path / "images", "a.png"), empty)


def test_a17_an_image_without_mask_and_a_mask_without_image_are_named(tmp_path: Path) -> None:
    images = folder_of(tmp_path / "images", "a.png", *[f"x{number:02}.png" for number in range(12)])
    masks = folder_of(tmp_path / "masks", "a.png")
    with pytest.raises(PairError, match=r"12 images have no mask.*'x00', 'x01'.*'x09' and 2 more"):
        list_images_with_masks(images, masks)
    with pytest.raises(PairError, match=r"12 masks have no image.*'x00'"):
        list_images_with_masks(masks, images)


@pytest.mark.parametrize("other", ["A.png", "a.jpg", "A.JPG"])
def test_a17_a_stem_that_occurs_twice_is_refused(tmp_path: Path, other: str) -> None:
    folder = folder_of(tmp_path / "images", "a.png", other, "b.png")
    with pytest.raises(PairError, match="alike") as caught:
        list_side_by_side(folder)
    assert other in str(caught.value)
    assert "b.png" not in str(caught.value)


def test_names_choose_files_by_stem_or_file_name_and_the_rest_needs_no_partner(tmp_path: Path) -> None:
    images = folder_of(tmp_path / "images", "a.png", "b.png", "c.png")
    masks = folder_of(tmp_path / "masks", "b.png", "a.png", "z.png")
    chosen = list_images_with_masks(images, masks, names=["b.png", "a"])
    assert [files.name for files in chosen] == ["a", "b"]
    assert [files.name for files in list_side_by_side(images, names={"c"})] == ["c"]
    assert list_side_by_side(images, names="c") == list_side_by_side(images, names=["c"])
    with pytest.raises(PairError, match=r"2 of the names are not in .*'d.png', 'e'"):
        list_side_by_side(images, names=["a", "d.png", "e"])
    with pytest.raises(PairError, match="'c'"):
        list_images_with_masks(images, masks, names=["a", "c"])


def test_a19_strange_names_are_listed_and_shown_escaped(tmp_path: Path) -> None:
    strange = ["two\nlines.png", "🫁.png", os.fsdecode(b"\xff.png"), "n" * 251 + ".png"]
    folder = folder_of(tmp_path / "images", *strange)
    assert {files.image.name for files in list_side_by_side(folder)} == set(strange)
    with pytest.raises(PairError) as caught:
        list_images_with_masks(folder, folder_of(tmp_path / "masks", "a.png"))
    assert r"two\nlines" in str(caught.value)
    str(caught.value).encode()


def test_a_broken_link_is_listed_so_that_reading_can_report_it(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "images", "a.png")
    (folder / "b.png").symlink_to("nowhere")
    assert [files.name for files in list_side_by_side(folder)] == ["a", "b"]
